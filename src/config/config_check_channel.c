#include "config/config_check.h"
#include "config/config_duration.h"
#include "policy/policy.h"

const char *config_channel_owner(struct config_settings *s, struct slice base)
{
    const ptrdiff_t bracket = slice_index(base, '[');
    if (bracket < 0) return "channels without a namespace";
    return config_format(s, "namespace \"%.80s\"", config_get_text_at(s, base, "name")).ptr;
}

static struct slice under(struct config_settings *s, struct slice base, const char *relative)
{
    return config_format(s, "%.*s.%s", SLICE_ARG(base), relative);
}

const char *config_ms_text(const struct config_settings *s, uint64_t ms)
{
    char text[CONFIG_DURATION_TEXT_LEN];
    config_duration_format((int64_t)ms * CONFIG_MS_NS, text);
    return config_copy(s, slice_from_cstr(text)).ptr;
}

static void check_history(struct config_settings *s, struct slice base)
{
    const int64_t size = config_get_int_at(s, base, "history_size");
    const uint64_t ttl_ms = config_get_ms_at(s, base, "history_ttl");
    const uint64_t own_meta_ms = config_get_ms_at(s, base, "history_meta_ttl");
    const uint64_t meta_ms = own_meta_ms ? own_meta_ms : config_get_ms(s, "channel.history_meta_ttl");
    if ((size > 0) != (ttl_ms > 0)) {
        const bool has_size = size > 0;
        config_refuse(s, under(s, base, has_size ? "history_ttl" : "history_size"),
                      "is not set in %s, but history needs both history_size and history_ttl",
                      config_channel_owner(s, base));
    }
    if (ttl_ms > meta_ms)
        config_refuse(s, under(s, base, "history_ttl"),
                      "is \"%s\" in %s, allowed is at most its history_meta_ttl, \"%s\"", config_ms_text(s, ttl_ms),
                      config_channel_owner(s, base), config_ms_text(s, meta_ms));
    if (config_get_bool_at(s, base, "force_recovery") && (size == 0 || ttl_ms == 0))
        config_refuse(s, under(s, base, "force_recovery"),
                      "is \"true\" in %s, but recovery needs history_size and history_ttl",
                      config_channel_owner(s, base));
}

/* A choice among words, of which only some are built. */
static void check_word(struct config_settings *s, struct slice base, const char *option, const char *const *built,
                       const char *const *known, const char *allowed)
{
    const struct slice value = slice_from_cstr(config_get_text_at(s, base, option));
    if (value.len == 0) return;
    for (; *built; built++) {
        if (slice_eq(value, slice_from_cstr(*built))) return;
    }
    for (; known && *known; known++) {
        if (!slice_eq(value, slice_from_cstr(*known))) continue;
        config_refuse(s, under(s, base, option), "is \"%s\" in %s, which is not built yet, allowed is %s", *known,
                      config_channel_owner(s, base), allowed);
        return;
    }
    config_refuse(s, under(s, base, option), "is \"%.80s\" in %s, allowed is %s", value.ptr,
                  config_channel_owner(s, base), allowed);
}

/* Row CH-32. */
static void check_auto_cache_recover(struct config_settings *s, struct slice base)
{
    if (!config_get_bool_at(s, base, "auto_cache_recover")) return;
    bool cache = slice_eq(slice_from_cstr(config_get_text_at(s, base, "force_recovery_mode")), SLICE("cache"));
    if (!cache || !config_get_bool_at(s, base, "force_recovery"))
        config_refuse(s, under(s, base, "auto_cache_recover"),
                      "is \"true\" in %s, but needs force_recovery and force_recovery_mode \"cache\"",
                      config_channel_owner(s, base));
}

static void check_words(struct config_settings *s, struct slice base)
{
    check_auto_cache_recover(s, base);
    static const char *const modes[] = { "stream", "cache", NULL };
    static const char *const types[] = { "stream", "map", "map_clients", "map_users", NULL };
    static const char *const later[] = { "shared_poll", NULL };
    static const char *const formats[] = { "json", "json_object", "binary", NULL };
    check_word(s, base, "force_recovery_mode", modes, NULL, "\"stream\" or \"cache\"");
    check_word(s, base, "subscription_type", types, later, "\"stream\", \"map\", \"map_clients\" or \"map_users\"");
    check_word(s, base, "publication_data_format", formats, NULL, "\"json\", \"json_object\" or \"binary\"");
}

static void check_regex(struct config_settings *s, struct slice base)
{
    const struct slice pattern = slice_from_cstr(config_get_text_at(s, base, "channel_regex"));
    if (pattern.len == 0) return;
    char error[200] = "";
    struct policy_regex *r = policy_regex_new(pattern, error, sizeof error);
    if (!r)
        config_refuse(s, under(s, base, "channel_regex"), "is \"%.80s\" in %s, allowed is a regular expression: %s",
                      pattern.ptr, config_channel_owner(s, base), error);
    policy_regex_free(r);
}

static void check_delta_types(struct config_settings *s, struct slice base)
{
    const struct config_setting *types = config_find_at(s, base, "allowed_delta_types");
    for (size_t i = 0; types && i < types->value.list_count; i++) {
        if (strcmp(types->value.list[i], "fossil") != 0)
            config_refuse(s, types->path, "has \"%.80s\" in %s, allowed is \"fossil\"", types->value.list[i],
                          config_channel_owner(s, base));
    }
}

void config_check_channel(struct config_settings *s, struct slice base)
{
    check_history(s, base);
    check_words(s, base);
    check_regex(s, base);
    check_delta_types(s, base);
    config_check_map(s, base);
}

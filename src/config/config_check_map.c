#include "config/config_check.h"
#include "policy/policy.h"

static struct slice under(struct config_settings *s, struct slice base, const char *relative)
{
    return config_format(s, "%.*s.%s", SLICE_ARG(base), relative);
}

static struct slice text_at(const struct config_settings *s, struct slice base, const char *option)
{
    return slice_from_cstr(config_get_text_at(s, base, option));
}

static bool is_map_type(struct slice type)
{
    return slice_eq(type, SLICE("map")) || slice_eq(type, SLICE("map_clients")) || slice_eq(type, SLICE("map_users"));
}

/* Row CH-50. False: what follows from the mode cannot be said. */
static bool check_mode(struct config_settings *s, struct slice base, struct slice mode)
{
    static const char *const modes[] = { "ephemeral", "recoverable", "persistent" };
    if (mode.len == 0) {
        if (is_map_type(text_at(s, base, "subscription_type")))
            config_refuse(s, under(s, base, "map.mode"),
                          "is not set in %s, but a subscription_type of maps needs it; allowed is \"ephemeral\", "
                          "\"recoverable\" or \"persistent\"",
                          config_channel_owner(s, base));
        return false;
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (slice_eq(mode, slice_from_cstr(modes[i]))) return true;
    config_refuse(s, under(s, base, "map.mode"),
                  "is \"%.80s\" in %s, allowed is \"ephemeral\", \"recoverable\" or \"persistent\"", mode.ptr,
                  config_channel_owner(s, base));
    return false;
}

/* Row CH-51, and that what clients leave behind must go at last. */
static void check_keys(struct config_settings *s, struct slice base, struct slice mode)
{
    const char *owner = config_channel_owner(s, base);
    const bool persistent = slice_eq(mode, SLICE("persistent")), expire = config_get_ms_at(s, base, "map.key_ttl") > 0;
    const struct slice type = text_at(s, base, "subscription_type");
    if (!persistent && !expire)
        config_refuse(s, under(s, base, "map.key_ttl"), "is not set in %s, but map.mode \"%s\" needs it", owner,
                      mode.ptr);
    if (persistent && expire)
        config_refuse(s, under(s, base, "map.key_ttl"),
                      "is set in %s, but with map.mode \"persistent\" keys do not expire", owner);
    if (persistent && is_map_type(type) && !slice_eq(type, SLICE("map")))
        config_refuse(s, under(s, base, "map.mode"),
                      "is \"persistent\" in %s, but with subscription_type \"%s\" keys must expire; allowed is "
                      "\"ephemeral\" or \"recoverable\"",
                      owner, type.ptr);
}

static void refuse_set(struct config_settings *s, struct slice base, const char *option, bool set)
{
    if (set)
        config_refuse(s, under(s, base, option), "is set in %s, but with map.mode \"ephemeral\" there is no stream",
                      config_channel_owner(s, base));
}

/* Row CH-52: the stream's position must outlive the stream and the keys. */
static void check_stream(struct config_settings *s, struct slice base, struct slice mode)
{
    const uint64_t own_ms = config_get_ms_at(s, base, "map.stream_ttl"),
                   key_ms = config_get_ms_at(s, base, "map.key_ttl");
    const uint64_t stream_ms = own_ms ? own_ms : CONFIG_MAP_STREAM_TTL_MS;
    const uint64_t meta_ms = config_get_ms_at(s, base, "map.meta_ttl");
    const char *owner = config_channel_owner(s, base);
    if (slice_eq(mode, SLICE("ephemeral"))) {
        refuse_set(s, base, "map.stream_size", config_get_int_at(s, base, "map.stream_size") > 0);
        refuse_set(s, base, "map.stream_ttl", own_ms > 0);
        refuse_set(s, base, "map.meta_ttl", meta_ms > 0);
        return;
    }
    if (meta_ms == 0) return;
    if (slice_eq(mode, SLICE("persistent")))
        config_refuse(s, under(s, base, "map.meta_ttl"),
                      "is set in %s, but with map.mode \"persistent\" the position does not expire", owner);
    else if (meta_ms < stream_ms || meta_ms < key_ms)
        config_refuse(s, under(s, base, "map.meta_ttl"),
                      "is \"%s\" in %s, allowed is at least its map.stream_ttl, \"%s\", and its map.key_ttl, \"%s\"",
                      config_ms_text(s, meta_ms), owner, config_ms_text(s, stream_ms), config_ms_text(s, key_ms));
}

/* Row CH-57. 0 is the default, which the others are not held against. */
static void check_pages(struct config_settings *s, struct slice base)
{
    const long long least = config_get_int_at(s, base, "map.min_page_size");
    const long long most = config_get_int_at(s, base, "map.max_page_size");
    const long long standard = config_get_int_at(s, base, "map.default_page_size");
    const char *owner = config_channel_owner(s, base);
    if (least > 0 && most > 0 && least > most)
        config_refuse(s, under(s, base, "map.min_page_size"),
                      "is \"%lld\" in %s, allowed is at most its "
                      "map.max_page_size, \"%lld\"",
                      least, owner, most);
    if (standard > 0 && most > 0 && standard > most)
        config_refuse(s, under(s, base, "map.default_page_size"),
                      "is \"%lld\" in %s, allowed is at most its "
                      "map.max_page_size, \"%lld\"",
                      standard, owner, most);
    if (standard > 0 && least > 0 && standard < least)
        config_refuse(s, under(s, base, "map.default_page_size"),
                      "is \"%lld\" in %s, allowed is at least its "
                      "map.min_page_size, \"%lld\"",
                      standard, owner, least);
}

/* The options of the channels that begin with the prefix: empty when there is no such namespace. */
static struct slice target_of(struct config_settings *s, const char *prefix)
{
    const struct slice text = slice_from_cstr(prefix),
                       boundary = slice_from_cstr(config_get_text(s, "channel.namespace_boundary"));
    const char *at = boundary.len ? memmem(text.ptr, text.len, boundary.ptr, boundary.len) : NULL;
    if (!at || at == text.ptr) return SLICE("channel.without_namespace");
    const struct slice name = slice_of(text.ptr, (size_t)(at - text.ptr));
    const struct config_items *items = config_items_of(s, "channel.namespaces");
    for (size_t i = 0; i < items->count; i++)
        if (slice_eq(slice_from_cstr(config_item_name(s, items, i)), name))
            return config_item_path(s, items, i, SLICE(""));
    return SLICE("");
}

/* Rows CH-48 and CH-49. */
static void check_prefix(struct config_settings *s, struct slice base, const char *option, const char *type)
{
    const char *prefix = config_get_text_at(s, base, option);
    if (!prefix[0]) return;
    const struct slice target = target_of(s, prefix);
    if (target.len == 0 || !slice_eq(text_at(s, target, "subscription_type"), slice_from_cstr(type)))
        config_refuse(s, under(s, base, option),
                      "is \"%.80s\" in %s, allowed is a beginning of channels whose subscription_type is \"%s\"",
                      prefix, config_channel_owner(s, base), type);
}

void config_check_map(struct config_settings *s, struct slice base)
{
    static const char *const keys[] = { "", "client_id", "user_id" };
    const struct slice mode = text_at(s, base, "map.mode"), key = text_at(s, base, "map.client_key");
    if (check_mode(s, base, mode)) {
        check_keys(s, base, mode);
        check_stream(s, base, mode);
    }
    check_pages(s, base);
    bool known = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) known |= slice_eq(key, slice_from_cstr(keys[i]));
    if (!known)
        config_refuse(s, under(s, base, "map.client_key"),
                      "is \"%.80s\" in %s, allowed is \"client_id\" or \"user_id\"", key.ptr,
                      config_channel_owner(s, base));
    if (config_get_bool_at(s, base, "map.remove_client_on_unsubscribe") &&
        !is_map_type(text_at(s, base, "subscription_type")))
        config_refuse(s, under(s, base, "map.remove_client_on_unsubscribe"),
                      "is \"true\" in %s, but needs a subscription_type of maps", config_channel_owner(s, base));
    check_prefix(s, base, "map_clients_presence_channel_prefix", "map_clients");
    check_prefix(s, base, "map_users_presence_channel_prefix", "map_users");
}

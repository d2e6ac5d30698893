#include "config/config_namespaces.h"

#include "base/check.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/config_option.h"

#define PREFIX    "channel."
#define SOURCE    "namespaces"
#define MS_IN_S   1000
#define BYTES_MAX ((size_t)1 << 20)

/* ---- reading ---- */

/* A whole configuration with nothing but the project's namespaces in it. */
static void write_config(struct buf *text, struct slice json, const struct policy_deployment *d)
{
    const uint64_t meta_s = d->without_namespace.options.history_meta_ttl_ms / MS_IN_S;
    buf_append(text, SLICE("{\"channel\":{"));
    if (meta_s > 0) buf_printf(text, "\"history_meta_ttl\":\"%llus\",", (unsigned long long)meta_s);
    buf_append(text, SLICE("\"namespaces\":"));
    buf_append(text, json);
    buf_append(text, SLICE("}}"));
}

/* What a configuration of its own has to say about other options does not concern a project. */
static void take_errors(const struct config_report *from, struct config_report *to)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct config_report_item *item = &from->items[i];
        if (item->severity != CONFIG_SEVERITY_ERROR) continue;
        const bool own = strncmp(item->path, PREFIX, sizeof PREFIX - 1) == 0;
        config_report_add(to, CONFIG_SEVERITY_ERROR, own ? item->path + sizeof PREFIX - 1 : SOURCE,
                          (struct config_origin){ 0 }, "%s", item->sentence);
    }
}

/* Moves the namespaces out of a configuration that nobody else has. */
static bool take_namespaces(struct config *c, struct policy_namespaces *out, struct config_report *report)
{
    struct policy_deployment *d = c->deployment;
    if (d->namespace_count > CONFIG_NAMESPACES_MAX) {
        config_report_add(report, CONFIG_SEVERITY_ERROR, SOURCE, (struct config_origin){ 0 },
                          "there are %zu namespaces, allowed are at most %d", d->namespace_count,
                          CONFIG_NAMESPACES_MAX);
        return false;
    }
    *out = (struct policy_namespaces){ d->namespaces, d->namespace_count };
    d->namespaces = NULL;
    d->namespace_count = 0;
    return true;
}

bool config_namespaces_read(struct slice json, const struct policy_deployment *deployment,
                            struct policy_namespaces *out, struct config_report *report)
{
    struct buf text;
    struct config_report own;
    const struct config_source source = { .strict = true };
    buf_init(&text, BYTES_MAX);
    write_config(&text, json, deployment);
    config_report_init(&own);
    struct config *c = buf_ok(&text) ? config_load_text(&source, SOURCE, buf_slice(&text), &own) : NULL;
    bool good = c != NULL;
    if (good)
        good = take_namespaces(c, out, report);
    else if (own.error_count > 0)
        take_errors(&own, report);
    else
        config_report_add(report, CONFIG_SEVERITY_ERROR, SOURCE, (struct config_origin){ 0 }, "is too long");
    config_free(c);
    config_report_deinit(&own);
    buf_deinit(&text);
    return good;
}

/* ---- what there is to set ---- */

static const struct {
    const char *path, *help;
    const char *allowed[6];
} helps[] = {
    { "name", "What channels of this namespace begin with, before the colon.", { NULL } },
    { "presence", "Keep who is in each channel, for presence requests.", { NULL } },
    { "join_leave", "Tell subscribers who comes and goes.", { NULL } },
    { "force_push_join_leave", "Send joins and leaves to every subscriber, also to those who did not ask.", { NULL } },
    { "history_size", "So many publications are kept for each channel. Needs history_ttl.", { NULL } },
    { "history_ttl", "How long publications are kept, such as 300s. Needs history_size.", { NULL } },
    { "history_meta_ttl", "How long a channel's position is remembered; at least history_ttl.", { NULL } },
    { "force_positioning", "Every subscription follows its position, and notices when something was lost.", { NULL } },
    { "allow_positioning", "Clients may ask for positioning.", { NULL } },
    { "force_recovery", "Every subscription gets what it missed after a reconnect. Needs history.", { NULL } },
    { "allow_recovery", "Clients may ask for recovery.", { NULL } },
    { "force_recovery_mode",
      "stream: all that was missed; cache: the latest publication only.",
      { "", "stream", "cache", NULL } },
    { "auto_cache_recover", "In cache mode each new subscription begins with the latest publication.", { NULL } },
    { "allowed_delta_types", "Clients may ask for publications as deltas.", { "fossil", NULL } },
    { "delta_publish", "Each publication is prepared for deltas, without the publisher asking.", { NULL } },
    { "allow_tags_filter", "Clients may subscribe to publications with certain tags only.", { NULL } },
    { "publication_data_format",
      "What publications may be; empty: anything but nothing.",
      { "", "json", "json_object", "binary", NULL } },
    { "allow_subscribe_for_client", "Every client with a user may subscribe without a token.", { NULL } },
    { "allow_subscribe_for_anonymous", "Clients without a user may subscribe, too.", { NULL } },
    { "allow_publish_for_client", "Every client with a user may publish.", { NULL } },
    { "allow_publish_for_subscriber", "Subscribers of a channel may publish into it.", { NULL } },
    { "allow_publish_for_anonymous", "Clients without a user may publish, where others may.", { NULL } },
    { "allow_presence_for_client", "Every client with a user may ask for presence.", { NULL } },
    { "allow_presence_for_subscriber", "Subscribers of a channel may ask for its presence.", { NULL } },
    { "allow_presence_for_anonymous", "Clients without a user may ask for presence, where others may.", { NULL } },
    { "allow_history_for_client", "Every client with a user may read history.", { NULL } },
    { "allow_history_for_subscriber", "Subscribers of a channel may read its history.", { NULL } },
    { "allow_history_for_anonymous", "Clients without a user may read history, where others may.", { NULL } },
    { "allow_user_limited_channels", "Names such as dialog:#ann,bob are for the users that they name.", { NULL } },
    { "channel_regex", "What the rest of a channel's name must match.", { NULL } },
    { "subscription_type",
      "What channels are: streams of publications, or maps of keys with values.",
      { "", "stream", "map", "map_clients", "map_users", NULL } },
    { "map_clients_presence_channel_prefix",
      "Who is in a channel is also kept in the map of this prefix, by client.",
      { NULL } },
    { "map_users_presence_channel_prefix",
      "Who is in a channel is also kept in the map of this prefix, by user.",
      { NULL } },
    { "map.mode",
      "Whether keys expire, and whether their changes are kept as a stream.",
      { "", "ephemeral", "recoverable", "persistent", NULL } },
    { "map.key_ttl", "How long a key stays that is not written again.", { NULL } },
    { "map.stream_size", "So many changes of a map are kept for recovery.", { NULL } },
    { "map.stream_ttl", "How long changes of a map are kept for recovery.", { NULL } },
    { "map.meta_ttl", "How long the position of a map's stream is remembered.", { NULL } },
    { "map.remove_client_on_unsubscribe", "A client's own key goes when it unsubscribes.", { NULL } },
    { "map.client_key", "Who chooses the key of what a client writes.", { "", "client_id", "user_id", NULL } },
    { "map.allow_publish_for_client", "Every client with a user may write keys.", { NULL } },
    { "map.allow_publish_for_subscriber", "Subscribers of a map may write keys.", { NULL } },
    { "map.allow_publish_for_anonymous", "Clients without a user may write keys, where others may.", { NULL } },
    { "map.allow_remove_for_client", "Every client with a user may remove keys.", { NULL } },
    { "map.allow_remove_for_subscriber", "Subscribers of a map may remove keys.", { NULL } },
    { "map.allow_remove_for_anonymous", "Clients without a user may remove keys, where others may.", { NULL } },
    { "map.default_page_size", "Keys on a page of a map's state, when a client does not say.", { NULL } },
    { "map.min_page_size", "The fewest keys on a page that a client may ask for.", { NULL } },
    { "map.max_page_size", "The most keys on a page that a client may ask for.", { NULL } },
    { "map.live_transition_max_publication_limit",
      "The most changes in the answer with which a map goes live.",
      { NULL } },
    { "map.subscribe_catch_up_timeout", "How long a client may take from the first page to live.", { NULL } },
};

static const char *type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL: return "boolean";
    case CONFIG_INT: return "integer";
    case CONFIG_DURATION: return "duration";
    case CONFIG_STRINGS: return "strings";
    default: return "string";
    }
}

static void write_member(struct json_writer *w, const char *name, const char *value)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_string(w, slice_from_cstr(value));
}

static void write_help(struct json_writer *w, const char *path)
{
    for (size_t i = 0; i < ARRAY_COUNT(helps); i++) {
        if (strcmp(helps[i].path, path) != 0) continue;
        write_member(w, "help", helps[i].help);
        if (!helps[i].allowed[0]) return;
        json_write_name(w, SLICE("allowed"));
        json_write_array_begin(w);
        for (const char *const *at = helps[i].allowed; *at; at++) json_write_string(w, slice_from_cstr(*at));
        json_write_array_end(w);
        return;
    }
    write_member(w, "help", "");
}

static void write_option(struct json_writer *w, const struct config_option *option)
{
    json_write_object_begin(w);
    write_member(w, "name", option->path);
    write_member(w, "type", type_name(option->type));
    json_write_name(w, SLICE("default"));
    if (option->type == CONFIG_BOOL)
        json_write_bool(w, option->standard && strcmp(option->standard, "true") == 0);
    else if (option->type == CONFIG_INT)
        json_write_raw(w, slice_from_cstr(option->standard ? option->standard : "0"));
    else if (option->type == CONFIG_STRINGS)
        json_write_raw(w, SLICE("[]"));
    else
        json_write_string(w, slice_from_cstr(option->standard));
    write_help(w, option->path);
    json_write_object_end(w);
}

static void write_table(struct json_writer *w, const struct config_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_option *option = &table->rows[i];
        if (option->state != CONFIG_BUILT) continue;
        if (option->type == CONFIG_BLOCK)
            write_table(w, option->table);
        else
            write_option(w, option);
    }
}

void config_namespaces_schema(struct json_writer *w)
{
    json_write_array_begin(w);
    write_table(w, &CONFIG_TABLE_NAMESPACE);
    json_write_array_end(w);
}

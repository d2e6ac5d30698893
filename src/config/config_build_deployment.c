#include "base/check.h"
#include "base/mem.h"
#include "config/config_build.h"
#include "config/config_check.h"

/* websocket.decompressed_message_size_limit by itself, in lengths of websocket.message_size_limit */
#define DECOMPRESSED_LIMIT_FACTOR 10

static char *must_copy(const char *text)
{
    const size_t len = strlen(text);
    char *copy = mem_must_alloc(len + 1);
    memcpy(copy, text, len + 1);
    return copy;
}

static char *copy_text(const struct config_settings *s, const char *path)
{
    return must_copy(config_get_text(s, path));
}

static struct policy_permission permission(const struct config_settings *s, struct slice base, const char *client,
                                           const char *subscriber, const char *anonymous)
{
    return (struct policy_permission){
        .client = config_get_bool_at(s, base, client),
        .subscriber = subscriber && config_get_bool_at(s, base, subscriber),
        .anonymous = config_get_bool_at(s, base, anonymous),
    };
}

static void build_permissions(struct policy_channel_options *o, const struct config_settings *s, struct slice base)
{
    o->subscribe = permission(s, base, "allow_subscribe_for_client", NULL, "allow_subscribe_for_anonymous");
    o->publish =
        permission(s, base, "allow_publish_for_client", "allow_publish_for_subscriber", "allow_publish_for_anonymous");
    o->history_access =
        permission(s, base, "allow_history_for_client", "allow_history_for_subscriber", "allow_history_for_anonymous");
    o->presence_access = permission(s, base, "allow_presence_for_client", "allow_presence_for_subscriber",
                                    "allow_presence_for_anonymous");
}

static enum policy_data_format data_format(const struct config_settings *s, struct slice base)
{
    const char *own = config_get_text_at(s, base, "publication_data_format");
    const struct slice text = slice_from_cstr(own[0] ? own : config_get_text(s, "channel.publication_data_format"));
    if (slice_eq(text, SLICE("json"))) return POLICY_FORMAT_JSON;
    if (slice_eq(text, SLICE("json_object"))) return POLICY_FORMAT_JSON_OBJECT;
    return slice_eq(text, SLICE("binary")) ? POLICY_FORMAT_BINARY : POLICY_FORMAT_NOT_EMPTY;
}

/* config_check() has seen that nothing but "fossil" is in the list. */
static bool allows_fossil(const struct config_settings *s, struct slice base)
{
    const struct config_setting *types = config_find_at(s, base, "allowed_delta_types");
    return types && types->value.list_count > 0;
}

static void build_history(struct policy_channel_options *o, const struct config_settings *s, struct slice base)
{
    const uint64_t own_meta_ms = config_get_ms_at(s, base, "history_meta_ttl");
    o->history_size = (uint32_t)config_get_int_at(s, base, "history_size");
    o->history_ttl_ms = config_get_ms_at(s, base, "history_ttl");
    o->history_meta_ttl_ms = own_meta_ms ? own_meta_ms : config_get_ms(s, "channel.history_meta_ttl");
}

/* NULL without a pattern; config_check() has seen that it compiles. */
static struct policy_regex *channel_regex(const struct config_settings *s, struct slice base)
{
    const struct slice pattern = slice_from_cstr(config_get_text_at(s, base, "channel_regex"));
    if (pattern.len == 0) return NULL;
    struct policy_regex *r = policy_regex_new(pattern, NULL, 0);
    if (!r) check_failed("a regular expression that was checked before", __FILE__, __LINE__);
    return r;
}

/* Index of the option's text among words, which end with NULL; 0 when it is none of them. */
static unsigned word_index(const struct config_settings *s, struct slice base, const char *option,
                           const char *const *words)
{
    const char *text = config_get_text_at(s, base, option);
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) return i;
    }
    return 0;
}

static uint32_t int_or(const struct config_settings *s, struct slice base, const char *option, uint32_t standard)
{
    const int64_t own = config_get_int_at(s, base, option);
    return own ? (uint32_t)own : standard;
}

static uint64_t ms_or(const struct config_settings *s, struct slice base, const char *option, uint64_t standard)
{
    const uint64_t own = config_get_ms_at(s, base, option);
    return own ? own : standard;
}

/* Row CH-52; what is not a stream's stays 0. */
static void build_map_stream(struct policy_map_options *m, const struct config_settings *s, struct slice base)
{
    if (!policy_map_has_stream(m)) return;
    m->stream_size = int_or(s, base, "map.stream_size", CONFIG_MAP_STREAM_SIZE);
    m->stream_ttl_ms = ms_or(s, base, "map.stream_ttl", CONFIG_MAP_STREAM_TTL_MS);
    uint64_t meta_ms = CONFIG_MAP_META_STREAM_TTLS * m->stream_ttl_ms;
    if (meta_ms < m->key_ttl_ms) meta_ms = m->key_ttl_ms;
    m->meta_ttl_ms = m->mode == POLICY_MAP_PERSISTENT ? 0 : ms_or(s, base, "map.meta_ttl", meta_ms);
}

static void build_map(struct policy_map_options *m, const struct config_settings *s, struct slice base)
{
    static const char *const modes[] = { "", "ephemeral", "recoverable", "persistent", NULL };
    static const char *const keys[] = { "", "client_id", "user_id", NULL };
    m->mode = (enum policy_map_mode)word_index(s, base, "map.mode", modes);
    m->client_key = (enum policy_map_key)word_index(s, base, "map.client_key", keys);
    m->key_ttl_ms = config_get_ms_at(s, base, "map.key_ttl");
    build_map_stream(m, s, base);
    m->page_default = int_or(s, base, "map.default_page_size", CONFIG_MAP_PAGE_SIZE);
    m->page_min = int_or(s, base, "map.min_page_size", CONFIG_MAP_PAGE_SIZE);
    m->page_max = int_or(s, base, "map.max_page_size", CONFIG_MAP_PAGE_SIZE_MAX);
    m->live_max = int_or(s, base, "map.live_transition_max_publication_limit", m->page_max);
    m->catch_up_ms = ms_or(s, base, "map.subscribe_catch_up_timeout", CONFIG_MAP_CATCH_UP_MS);
    m->publish = permission(s, base, "map.allow_publish_for_client", "map.allow_publish_for_subscriber",
                            "map.allow_publish_for_anonymous");
    m->remove = permission(s, base, "map.allow_remove_for_client", "map.allow_remove_for_subscriber",
                           "map.allow_remove_for_anonymous");
    m->remove_client_on_unsubscribe = config_get_bool_at(s, base, "map.remove_client_on_unsubscribe");
}

static void build_subscription_type(struct policy_channel_options *o, const struct config_settings *s,
                                    struct slice base)
{
    static const char *const types[] = { "stream", "map", "map_clients", "map_users", NULL };
    o->subscription_type = (enum policy_subscription_type)word_index(s, base, "subscription_type", types);
    o->map_clients_prefix = must_copy(config_get_text_at(s, base, "map_clients_presence_channel_prefix"));
    o->map_users_prefix = must_copy(config_get_text_at(s, base, "map_users_presence_channel_prefix"));
    build_map(&o->map, s, base);
}

static void build_channel(struct policy_channel_options *o, const struct config_settings *s, struct slice base)
{
    o->presence = config_get_bool_at(s, base, "presence");
    o->join_leave = config_get_bool_at(s, base, "join_leave");
    o->force_push_join_leave = config_get_bool_at(s, base, "force_push_join_leave");
    o->force_positioning = config_get_bool_at(s, base, "force_positioning");
    o->allow_positioning = config_get_bool_at(s, base, "allow_positioning");
    o->force_recovery = config_get_bool_at(s, base, "force_recovery");
    o->allow_recovery = config_get_bool_at(s, base, "allow_recovery");
    o->allow_user_limited_channels = config_get_bool_at(s, base, "allow_user_limited_channels");
    o->recovery_mode = slice_eq(slice_from_cstr(config_get_text_at(s, base, "force_recovery_mode")), SLICE("cache"))
                           ? POLICY_RECOVERY_CACHE
                           : POLICY_RECOVERY_STREAM;
    o->allow_tags_filter = config_get_bool_at(s, base, "allow_tags_filter");
    o->auto_cache_recover = config_get_bool_at(s, base, "auto_cache_recover");
    o->allow_delta_fossil = allows_fossil(s, base);
    o->delta_publish = config_get_bool_at(s, base, "delta_publish");
    o->data_format = data_format(s, base);
    o->channel_regex = channel_regex(s, base);
    build_history(o, s, base);
    build_permissions(o, s, base);
    build_subscription_type(o, s, base);
}

static void build_namespaces(struct policy_deployment *d, const struct config_settings *s)
{
    const struct config_items *items = config_items_of(s, "channel.namespaces");
    build_channel(&d->without_namespace.options, s, SLICE("channel.without_namespace"));
    d->namespaces = mem_must_alloc_zero((items->count + 1) * sizeof *d->namespaces);
    d->namespace_count = items->count;
    for (size_t i = 0; i < items->count; i++) {
        d->namespaces[i].name = must_copy(config_item_name(s, items, i));
        build_channel(&d->namespaces[i].options, s, config_item_path(s, items, i, SLICE("")));
    }
}

static void build_compression(struct policy_limits *l, const struct config_settings *s)
{
    const int64_t min_size = config_get_int(s, "websocket.compression_min_size");
    const int64_t limit = config_get_int(s, "websocket.decompressed_message_size_limit");
    l->websocket_compression = config_get_bool(s, "websocket.compression");
    l->websocket_compressed_bytes_min = min_size > 0 ? (size_t)min_size : 0;
    l->websocket_compression_level = (int)config_get_int(s, "websocket.compression_level");
    l->websocket_inflated_bytes_max =
        limit > 0 ? (size_t)limit : DECOMPRESSED_LIMIT_FACTOR * l->websocket_message_bytes_max;
}

static void build_limits(struct policy_limits *l, const struct config_settings *s)
{
    l->ping_interval_ms = config_get_ms(s, "client.ping_interval");
    l->pong_timeout_ms = config_get_ms(s, "client.pong_timeout");
    l->expired_close_delay_ms = config_get_ms(s, "client.expired_close_delay");
    l->expired_sub_close_delay_ms = config_get_ms(s, "client.expired_sub_close_delay");
    l->stale_close_delay_ms = config_get_ms(s, "client.stale_close_delay");
    l->presence_update_interval_ms = config_get_ms(s, "client.presence_update_interval");
    l->channel_limit = (uint32_t)config_get_int(s, "client.channel_limit");
    l->queue_bytes_max = (size_t)config_get_int(s, "client.queue_max_size");
    l->connection_limit = (uint32_t)config_get_int(s, "client.connection_limit");
    l->user_connection_limit = (uint32_t)config_get_int(s, "client.user_connection_limit");
    l->connection_rate_limit = (uint32_t)config_get_int(s, "client.connection_rate_limit");
    l->position_check_delay_ms = config_get_ms(s, "client.channel_position_check_delay");
    l->position_lag_max_ms = config_get_ms(s, "client.channel_position_max_time_lag");
    l->history_publications_max = (uint32_t)config_get_int(s, "client.history_max_publication_limit");
    l->recovery_publications_max = (uint32_t)config_get_int(s, "client.recovery_max_publication_limit");
    l->channel_len_max = (size_t)config_get_int(s, "channel.max_length");
    l->websocket_message_bytes_max = (size_t)config_get_int(s, "websocket.message_size_limit");
    l->websocket_write_timeout_ms = config_get_ms(s, "websocket.write_timeout");
    build_compression(l, s);
}

static void build_token(struct policy_token_options *t, const struct config_settings *s, struct slice base)
{
    t->hmac_secret_key = must_copy(config_get_text_at(s, base, "hmac_secret_key"));
    t->hmac_previous_secret_key = must_copy(config_get_text_at(s, base, "hmac_previous_secret_key"));
    t->hmac_previous_valid_until_s = config_get_int_at(s, base, "hmac_previous_secret_key_valid_until");
    t->rsa_public_key = must_copy(config_get_text_at(s, base, "rsa_public_key"));
    t->ecdsa_public_key = must_copy(config_get_text_at(s, base, "ecdsa_public_key"));
    t->jwks_public_endpoint = must_copy(config_get_text_at(s, base, "jwks_public_endpoint"));
    t->audience = must_copy(config_get_text_at(s, base, "audience"));
    t->audience_regex = must_copy(config_get_text_at(s, base, "audience_regex"));
    t->issuer = must_copy(config_get_text_at(s, base, "issuer"));
    t->issuer_regex = must_copy(config_get_text_at(s, base, "issuer_regex"));
    t->user_id_claim = must_copy(config_get_text_at(s, base, "user_id_claim"));
}

static void build_list(struct policy_string_list *out, const struct config_settings *s, const char *path)
{
    const struct config_setting *setting = config_find(s, path);
    const size_t count = setting ? setting->value.list_count : 0;
    out->items = mem_must_alloc((count + 1) * sizeof *out->items);
    out->count = count;
    for (size_t i = 0; i < count; i++) out->items[i] = must_copy(setting->value.list[i]);
}

static void build_access(struct policy_deployment *d, const struct config_settings *s)
{
    build_token(&d->token, s, SLICE("client.token"));
    build_token(&d->subscription_token, s, SLICE("client.subscription_token"));
    d->subscription_token_enabled = config_get_bool(s, "client.subscription_token.enabled");
    build_list(&d->allowed_origins, s, "client.allowed_origins");
    build_list(&d->trusted_proxies, s, "trusted_proxies");
    d->api_key = copy_text(s, "http_api.key");
    d->api_insecure = config_get_bool(s, "http_api.insecure");
    d->api_errors_as_status = config_get_text(s, "http_api.error_mode")[0] != '\0';
    d->insecure = config_get_bool(s, "client.insecure");
    d->insecure_skip_signature = config_get_bool(s, "client.insecure_skip_token_signature_verify");
    d->allow_anonymous_without_token = config_get_bool(s, "client.allow_anonymous_connect_without_token");
    d->disallow_anonymous_tokens = config_get_bool(s, "client.disallow_anonymous_connection_tokens");
    d->connect_include_server_time = config_get_bool(s, "client.connect_include_server_time");
    d->user_id_http_header = copy_text(s, "client.user_id_http_header");
}

#define PERSONAL "client.subscribe_to_user_personal_channel"

static void build_names(struct policy_deployment *d, const struct config_settings *s)
{
    d->personal_channel_enabled = config_get_bool(s, PERSONAL ".enabled");
    d->personal_single_connection = config_get_bool(s, PERSONAL ".single_connection");
    d->personal_channel_namespace = copy_text(s, PERSONAL ".personal_channel_namespace");
    d->recovered_publications_histogram = config_get_bool(s, "prometheus.recovered_publications_histogram");
    d->rpc_ping_enabled = config_get_bool(s, "rpc.ping.enabled");
    d->rpc_ping_method = copy_text(s, "rpc.ping.method");
    d->private_prefix = copy_text(s, "channel.private_prefix");
    d->namespace_boundary = copy_text(s, "channel.namespace_boundary");
    d->user_boundary = copy_text(s, "channel.user_boundary");
    d->user_separator = copy_text(s, "channel.user_separator");
}

struct policy_deployment *config_build_deployment(const struct config_settings *s)
{
    struct policy_deployment *d = policy_deployment_new();
    build_namespaces(d, s);
    build_limits(&d->limits, s);
    build_access(d, s);
    build_names(d, s);
    policy_deployment_seal(d);
    return d;
}

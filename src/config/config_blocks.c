#include "base/check.h"
#include "config/config_option.h"

/* A block with an empty path stands for its rows, right here. */
#define TABLE(rows)                                                                                                    \
    {                                                                                                                  \
        rows, ARRAY_COUNT(rows)                                                                                        \
    }

/* clang-format off: one option a line */

/* CF-20 */
static const struct config_option TLS[] = {
    { "enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "cert_pem", CONFIG_TEXT, NULL, CONFIG_PART },
    { "key_pem", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "server_ca_pem", CONFIG_TEXT, NULL, CONFIG_PART },
    { "client_ca_pem", CONFIG_TEXT, NULL, CONFIG_PART },
    { "insecure_skip_verify", CONFIG_BOOL, NULL, CONFIG_PART },
    { "server_name", CONFIG_TEXT, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_TLS = TABLE(TLS);

/* CF-20 on a listener; the other three options of the block are a client's. */
static const struct config_option SERVER_TLS[] = {
    { "enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "cert_pem", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "key_pem", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },
    { "client_ca_pem", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "server_ca_pem", CONFIG_TEXT, NULL, CONFIG_PART },
    { "insecure_skip_verify", CONFIG_BOOL, NULL, CONFIG_PART },
    { "server_name", CONFIG_TEXT, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_SERVER_TLS = TABLE(SERVER_TLS);

/* CF-21 */
static const struct config_option PROXY[] = {
    { "endpoint", CONFIG_TEXT, NULL, CONFIG_PART },
    { "timeout", CONFIG_DURATION, "1s", CONFIG_PART },
    { "http_headers", CONFIG_STRINGS, NULL, CONFIG_PART },
    { "grpc_metadata", CONFIG_STRINGS, NULL, CONFIG_PART },
    { "emulated_headers", CONFIG_STRINGS, NULL, CONFIG_PART },
    { "binary_encoding", CONFIG_BOOL, NULL, CONFIG_PART },
    { "include_connection_meta", CONFIG_BOOL, NULL, CONFIG_PART },
    { "http.tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "http.static_headers", CONFIG_ANY, NULL, CONFIG_PART },
    { "http.status_to_code_transforms", CONFIG_ANY, NULL, CONFIG_PART },
    { "grpc.tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "grpc.credentials_key", CONFIG_TEXT, NULL, CONFIG_PART },
    { "grpc.credentials_value", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "grpc.compression", CONFIG_BOOL, NULL, CONFIG_PART },
    { "grpc.static_metadata", CONFIG_ANY, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_PROXY = TABLE(PROXY);

/* CF-122: a proxy block with a name */
static const struct config_option NAMED_PROXY[] = {
    { "name", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },
};
const struct config_table CONFIG_TABLE_NAMED_PROXY = TABLE(NAMED_PROXY);

/* CF-22 */
static const struct config_option REDIS[] = {
    { "prefix", CONFIG_TEXT, "centrifugo", CONFIG_PART },
    { "address", CONFIG_STRINGS, "redis://127.0.0.1:6379", CONFIG_PART, .flags = CONFIG_SECRET },
    { "connect_timeout", CONFIG_DURATION, "1s", CONFIG_PART },
    { "io_timeout", CONFIG_DURATION, "4s", CONFIG_PART },
    { "db", CONFIG_INT, NULL, CONFIG_PART },
    { "user", CONFIG_TEXT, NULL, CONFIG_PART },
    { "password", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "client_name", CONFIG_TEXT, NULL, CONFIG_PART },
    { "force_resp2", CONFIG_BOOL, NULL, CONFIG_PART },
    { "cluster_address", CONFIG_STRINGS, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "sentinel_address", CONFIG_STRINGS, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "sentinel_user", CONFIG_TEXT, NULL, CONFIG_PART },
    { "sentinel_password", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "sentinel_master_name", CONFIG_TEXT, NULL, CONFIG_PART },
    { "sentinel_client_name", CONFIG_TEXT, NULL, CONFIG_PART },
    { "sentinel_tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "replica_client.enabled", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_REDIS = TABLE(REDIS);

/* CF-22 */
static const struct config_option REDIS_BROKER[] = {
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS },
    { "history_use_lists", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_REDIS_BROKER = TABLE(REDIS_BROKER);

/* CF-22 */
static const struct config_option REDIS_PRESENCE[] = {
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS },
    { "presence_ttl", CONFIG_DURATION, "60s", CONFIG_PART },
    { "presence_hash_field_ttl", CONFIG_BOOL, NULL, CONFIG_PART },
    { "presence_user_mapping", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_REDIS_PRESENCE = TABLE(REDIS_PRESENCE);

/* CF-22 */
static const struct config_option REDIS_ENGINE[] = {
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS },
    { "history_use_lists", CONFIG_BOOL, NULL, CONFIG_PART },
    { "presence_ttl", CONFIG_DURATION, "60s", CONFIG_PART },
    { "presence_hash_field_ttl", CONFIG_BOOL, NULL, CONFIG_PART },
    { "presence_user_mapping", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_REDIS_ENGINE = TABLE(REDIS_ENGINE);

/* CF-22 */
static const struct config_option REDIS_MAP[] = {
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS },
    { "cleanup_interval", CONFIG_DURATION, "1s", CONFIG_PART },
    { "cleanup_batch_size", CONFIG_INT, "100", CONFIG_PART },
    { "idempotent_result_ttl", CONFIG_DURATION, "5m", CONFIG_PART },
    { "skip_pub_sub", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_REDIS_MAP = TABLE(REDIS_MAP);

/* CF-23 */
static const struct config_option POSTGRES_STREAM[] = {
    { "dsn", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "pool_size", CONFIG_INT, "16", CONFIG_PART },
    { "num_shards", CONFIG_INT, "8", CONFIG_PART },
    { "cleanup_interval", CONFIG_DURATION, "1m", CONFIG_PART },
    { "idempotent_result_ttl", CONFIG_DURATION, "5m", CONFIG_PART },
    { "binary_data", CONFIG_BOOL, NULL, CONFIG_PART },
    { "stream_retention", CONFIG_DURATION, "24h", CONFIG_PART },
    { "use_notify", CONFIG_BOOL, NULL, CONFIG_PART },
    { "notify_dsn", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "table_prefix", CONFIG_TEXT, "cf", CONFIG_PART },
    { "skip_schema_init", CONFIG_BOOL, NULL, CONFIG_PART },
    { "outbox.poll_interval", CONFIG_DURATION, "100ms", CONFIG_PART },
    { "outbox.batch_size", CONFIG_INT, "1000", CONFIG_PART },
    { "partition_lookahead_days", CONFIG_INT, "2", CONFIG_PART },
    { "partition_retention_days", CONFIG_INT, "7", CONFIG_PART },
};
const struct config_table CONFIG_TABLE_POSTGRES_STREAM = TABLE(POSTGRES_STREAM);

/* CF-23 */
static const struct config_option POSTGRES_MAP[] = {
    { "", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_POSTGRES_STREAM },
    { "ttl_check_interval", CONFIG_DURATION, "1s", CONFIG_PART },
};
const struct config_table CONFIG_TABLE_POSTGRES_MAP = TABLE(POSTGRES_MAP);

/* CF-24 */
static const struct config_option POSTGRES_CONTROLLER[] = {
    { "dsn", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "pool_size", CONFIG_INT, "8", CONFIG_PART },
    { "num_shards", CONFIG_INT, "1", CONFIG_PART },
    { "table_prefix", CONFIG_TEXT, "cf", CONFIG_PART },
    { "poll_interval", CONFIG_DURATION, "50ms", CONFIG_PART },
    { "use_notify", CONFIG_BOOL, NULL, CONFIG_PART },
    { "notify_dsn", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },
    { "partition_retention_days", CONFIG_INT, "1", CONFIG_PART },
    { "partition_lookahead_days", CONFIG_INT, "2", CONFIG_PART },
    { "partition_cleanup_interval", CONFIG_DURATION, "1m", CONFIG_PART },
    { "batch_size", CONFIG_INT, "1000", CONFIG_PART },
    { "skip_schema_init", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_POSTGRES_CONTROLLER = TABLE(POSTGRES_CONTROLLER);

/* CF-48 to CF-56 */
static const struct config_option NATS[] = {
    { "prefix", CONFIG_TEXT, "centrifugo", CONFIG_PART },
    { "url", CONFIG_TEXT, "nats://localhost:4222", CONFIG_PART, .flags = CONFIG_SECRET },
    { "dial_timeout", CONFIG_DURATION, "1s", CONFIG_PART },
    { "write_timeout", CONFIG_DURATION, "1s", CONFIG_PART },
    { "tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },
    { "allow_wildcards", CONFIG_BOOL, NULL, CONFIG_PART },
    { "raw_mode.enabled", CONFIG_BOOL, NULL, CONFIG_PART },
    { "raw_mode.channel_replacements", CONFIG_ANY, NULL, CONFIG_PART },
    { "raw_mode.prefix", CONFIG_TEXT, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_NATS = TABLE(NATS);

/* AU-20 to AU-28; what was put where a public key belongs may be a private one: never shown */
static const struct config_option TOKEN[] = {
    { "hmac_secret_key", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },
    { "hmac_previous_secret_key", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },
    { "hmac_previous_secret_key_valid_until", CONFIG_INT, NULL, CONFIG_BUILT, .min = 0, .max = INT64_MAX },
    { "rsa_public_key", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },
    { "ecdsa_public_key", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },
    { "jwks_public_endpoint", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "insecure_skip_jwks_endpoint_safety_check", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "audience", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "audience_regex", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "issuer", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "issuer_regex", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "user_id_claim", CONFIG_TEXT, NULL, CONFIG_BUILT },
};
const struct config_table CONFIG_TABLE_TOKEN = TABLE(TOKEN);

/* CH-21 to CH-67; the shared_poll parts idle while subscription_type is not that */
static const struct config_option CHANNEL[] = {
    { "presence", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "join_leave", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "force_push_join_leave", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "history_size", CONFIG_INT, NULL, CONFIG_BUILT },
    { "history_ttl", CONFIG_DURATION, NULL, CONFIG_BUILT, .flags = CONFIG_WHOLE_SECONDS },
    { "history_meta_ttl", CONFIG_DURATION, NULL, CONFIG_BUILT, .flags = CONFIG_WHOLE_SECONDS },
    { "force_positioning", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_positioning", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "force_recovery", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_recovery", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "force_recovery_mode", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "auto_cache_recover", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allowed_delta_types", CONFIG_STRINGS, NULL, CONFIG_BUILT },
    { "delta_publish", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_tags_filter", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "publication_data_format", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "allow_subscribe_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_subscribe_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_publish_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_publish_for_subscriber", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_publish_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_presence_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_presence_for_subscriber", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_presence_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_history_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_history_for_subscriber", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_history_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "allow_user_limited_channels", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "channel_regex", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "subscribe_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "subscribe_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "publish_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "publish_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "sub_refresh_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "sub_refresh_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "subscribe_stream_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "subscribe_stream_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "subscribe_stream_proxy_bidirectional", CONFIG_BOOL, NULL, CONFIG_PART },
    { "subscription_type", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "map_clients_presence_channel_prefix", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "map_users_presence_channel_prefix", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "map.mode", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "map.key_ttl", CONFIG_DURATION, NULL, CONFIG_BUILT },
    { "map.stream_size", CONFIG_INT, NULL, CONFIG_BUILT },
    { "map.stream_ttl", CONFIG_DURATION, NULL, CONFIG_BUILT },
    { "map.meta_ttl", CONFIG_DURATION, NULL, CONFIG_BUILT },
    { "map.remove_client_on_unsubscribe", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.client_key", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "map.allow_publish_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.allow_publish_for_subscriber", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.allow_publish_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.allow_remove_for_client", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.allow_remove_for_subscriber", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.allow_remove_for_anonymous", CONFIG_BOOL, NULL, CONFIG_BUILT },
    { "map.publish_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "map.publish_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "map.remove_proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "map.remove_proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
    { "map.default_page_size", CONFIG_INT, NULL, CONFIG_BUILT },
    { "map.min_page_size", CONFIG_INT, NULL, CONFIG_BUILT },
    { "map.max_page_size", CONFIG_INT, NULL, CONFIG_BUILT },
    { "map.live_transition_max_publication_limit", CONFIG_INT, NULL, CONFIG_BUILT },
    { "map.subscribe_catch_up_timeout", CONFIG_DURATION, NULL, CONFIG_BUILT },
    { "shared_poll.proxy_name", CONFIG_TEXT, NULL, CONFIG_PART },
    { "shared_poll.refresh_interval", CONFIG_DURATION, NULL, CONFIG_PART },
    { "shared_poll.refresh_batch_size", CONFIG_INT, NULL, CONFIG_PART },
    { "shared_poll.max_keys_per_connection", CONFIG_INT, NULL, CONFIG_PART },
    { "shared_poll.mode", CONFIG_TEXT, NULL, CONFIG_PART },
    { "shared_poll.channel_shutdown_delay", CONFIG_ANY, NULL, CONFIG_PART },
    { "shared_poll.track_expired_extra_delay", CONFIG_DURATION, NULL, CONFIG_PART },
    { "shared_poll.publish_enabled", CONFIG_BOOL, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_CHANNEL = TABLE(CHANNEL);

/* CF-107 */
static const struct config_option NAMESPACE[] = {
    { "name", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_CHANNEL },
};
const struct config_table CONFIG_TABLE_NAMESPACE = TABLE(NAMESPACE);

/* CF-118 */
static const struct config_option RPC_NAMESPACE[] = {
    { "name", CONFIG_TEXT, NULL, CONFIG_BUILT },
    { "proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "proxy_name", CONFIG_TEXT, "default", CONFIG_PART },
};
const struct config_table CONFIG_TABLE_RPC_NAMESPACE = TABLE(RPC_NAMESPACE);

/* CF-137 */
static const struct config_option CONSUMER[] = {
    { "name", CONFIG_TEXT, NULL, CONFIG_BUILT },       { "enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },
    { "type", CONFIG_TEXT, NULL, CONFIG_PART },        { "postgresql", CONFIG_ANY, NULL, CONFIG_PART },
    { "kafka", CONFIG_ANY, NULL, CONFIG_PART },        { "nats_jetstream", CONFIG_ANY, NULL, CONFIG_PART },
    { "redis_stream", CONFIG_ANY, NULL, CONFIG_PART }, { "google_pub_sub", CONFIG_ANY, NULL, CONFIG_PART },
    { "aws_sqs", CONFIG_ANY, NULL, CONFIG_PART },      { "azure_service_bus", CONFIG_ANY, NULL, CONFIG_PART },
};
const struct config_table CONFIG_TABLE_CONSUMER = TABLE(CONSUMER);
/* clang-format on */

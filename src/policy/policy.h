/* policy: what the message path must know of the deployment and its projects, as
 * immutable plain structs behind one reference count.
 *
 * The configuration makes a policy_deployment; the control thread joins it with
 * the projects of the database to a policy with the next version and posts it to
 * every worker. A worker keeps one reference to the version it works with.
 * Nothing here is changed after policy_new(); any thread may read it. */
#ifndef XSHATHRA_POLICY_POLICY_H
#define XSHATHRA_POLICY_POLICY_H

#include <stdatomic.h>

#include "base/map.h"
#include "base/slice.h"
#include "base/status.h"

enum policy_recovery_mode { POLICY_RECOVERY_STREAM, POLICY_RECOVERY_CACHE };

/* publication_data_format: what a publication's data may be */
enum policy_data_format {
    POLICY_FORMAT_NOT_EMPTY, /* "": anything but empty */
    POLICY_FORMAT_JSON,
    POLICY_FORMAT_JSON_OBJECT,
    POLICY_FORMAT_BINARY, /* anything, also empty */
};

/* subscription_type: what the subscriptions of a namespace's channels are */
enum policy_subscription_type { POLICY_STREAM, POLICY_MAP, POLICY_MAP_CLIENTS, POLICY_MAP_USERS };

/* map.mode: whether keys expire, and whether their changes are kept as a stream */
enum policy_map_mode {
    POLICY_MAP_OFF,         /* not configured: nothing can be written */
    POLICY_MAP_EPHEMERAL,   /* keys expire, no stream */
    POLICY_MAP_RECOVERABLE, /* keys expire, and there is a stream */
    POLICY_MAP_PERSISTENT,  /* keys stay, and there is a stream */
};

/* map.client_key: who chooses the key of what a client writes */
enum policy_map_key { POLICY_MAP_KEY_GIVEN, POLICY_MAP_KEY_CLIENT_ID, POLICY_MAP_KEY_USER_ID };

/* allow_<operation>_for_client, _for_subscriber, _for_anonymous */
struct policy_permission {
    bool client, subscriber, anonymous;
};

/* map.*, row CH-50 and on; defaults of the mode are filled in. */
struct policy_map_options {
    enum policy_map_mode mode;
    enum policy_map_key client_key;
    uint64_t key_ttl_ms;    /* 0 = keys stay */
    uint32_t stream_size;   /* changes kept; 0 = no stream */
    uint64_t stream_ttl_ms; /* 0 = no stream */
    uint64_t meta_ttl_ms;   /* of the stream's position; 0 = for ever */
    uint32_t page_default, page_min, page_max;
    uint32_t live_max;    /* publications in the answer that goes live */
    uint64_t catch_up_ms; /* from the first page to live; 0 = no limit */
    struct policy_permission publish, remove;
    bool remove_client_on_unsubscribe;
};

/* Options of one namespace, all resolved: deployment defaults are filled in. */
struct policy_channel_options {
    bool presence, join_leave, force_push_join_leave;
    bool force_positioning, allow_positioning;
    bool force_recovery, allow_recovery;
    bool auto_cache_recover, allow_tags_filter, delta_publish, allow_delta_fossil;
    bool allow_user_limited_channels;
    enum policy_subscription_type subscription_type;
    enum policy_recovery_mode recovery_mode;
    enum policy_data_format data_format;
    uint32_t history_size; /* publications; history is on when size and ttl are > 0 */
    uint64_t history_ttl_ms;
    uint64_t history_meta_ttl_ms;       /* never 0 */
    struct policy_permission subscribe; /* .subscriber is unused */
    struct policy_permission publish, history_access, presence_access;
    struct policy_regex *channel_regex; /* owned by the namespace; NULL = none */
    struct policy_map_options map;
    /* map_clients_presence_channel_prefix and …_users_…; owned by the namespace; NULL or "" = none */
    char *map_clients_prefix, *map_users_prefix;
};

static inline bool policy_history_on(const struct policy_channel_options *o)
{
    return o->history_size > 0 && o->history_ttl_ms > 0;
}

static inline bool policy_map_has_stream(const struct policy_map_options *o)
{
    return o->mode == POLICY_MAP_RECOVERABLE || o->mode == POLICY_MAP_PERSISTENT;
}

struct policy_namespace {
    char *name; /* owned; NULL for without_namespace */
    struct policy_channel_options options;
};

struct policy_namespaces {
    struct policy_namespace *items; /* owned, sorted by name */
    size_t count;
};
void policy_namespaces_free(struct policy_namespaces *list); /* accepts zeroed */

/* Options of client.token or client.subscription_token, as strings; the auth
 * verifier is made from them. Strings are owned, NULL or "" when unset. */
struct policy_token_options {
    char *hmac_secret_key, *hmac_previous_secret_key;
    int64_t hmac_previous_valid_until_s;     /* 0 = no limit */
    char *rsa_public_key, *ecdsa_public_key; /* PEM; config_check() has seen that they are keys */
    char *jwks_public_endpoint;              /* config_check() has seen that it is an address */
    char *audience, *audience_regex, *issuer, *issuer_regex, *user_id_claim;
    /* owned; made from the two patterns by policy_deployment_seal(), NULL without them */
    struct policy_regex *audience_matcher, *issuer_matcher;
};

struct policy_string_list {
    char **items; /* owned, each owned */
    size_t count;
};

/* client.* and channel.* numbers; times in milliseconds, sizes in bytes */
struct policy_limits {
    uint64_t ping_interval_ms, pong_timeout_ms; /* ping 0 = no pings */
    uint64_t expired_close_delay_ms, expired_sub_close_delay_ms, stale_close_delay_ms;
    uint64_t presence_update_interval_ms; /* silent positions are looked at, keys of who is there live anew */
    uint32_t channel_limit;
    size_t queue_bytes_max;
    uint32_t connection_limit, user_connection_limit, connection_rate_limit; /* 0 = off */
    uint64_t position_check_delay_ms; /* positions are compared with the broker's after so much silence; 0 = never */
    uint64_t position_lag_max_ms;     /* 0 = publications may come as late as they like */
    uint32_t history_publications_max, recovery_publications_max;
    size_t channel_len_max;
    size_t websocket_message_bytes_max;
    uint64_t websocket_write_timeout_ms;   /* a peer takes nothing for so long: it is closed */
    bool websocket_compression;            /* permessage-deflate is agreed to */
    size_t websocket_compressed_bytes_min; /* shorter messages go plain */
    int websocket_compression_level;       /* as ws_deflater_new() takes it */
    size_t websocket_inflated_bytes_max;   /* of a client's message after decompression */
};

/* The reloadable part of the configuration. */
struct policy_deployment {
    atomic_uint refs_;
    struct policy_namespace without_namespace;
    struct policy_namespace *namespaces; /* owned, sorted by name after sealing */
    size_t namespace_count;
    struct policy_limits limits;
    struct policy_token_options token;
    bool subscription_token_enabled;
    struct policy_token_options subscription_token;
    struct policy_string_list allowed_origins; /* glob patterns, as configured */
    struct policy_string_list trusted_proxies; /* addresses or CIDR blocks */
    char *api_key;                             /* http_api.key; NULL or "" = every call is 401 */
    bool api_insecure, api_errors_as_status;   /* http_api.insecure, http_api.error_mode = transport */
    bool insecure, insecure_skip_signature;
    bool allow_anonymous_without_token, disallow_anonymous_tokens;
    bool connect_include_server_time;
    char *user_id_http_header; /* NULL or "" = off */
    bool personal_channel_enabled, personal_single_connection;
    char *personal_channel_namespace;
    bool recovered_publications_histogram; /* a metric that only some want */
    bool rpc_ping_enabled;
    char *rpc_ping_method;
    char *private_prefix, *namespace_boundary, *user_boundary, *user_separator; /* "" = off */
};

/* One zeroed, with a reference, all owned pointers NULL; stops when memory is out
 * (start-up and reload only). */
struct policy_deployment *policy_deployment_new(void);
struct policy_deployment *policy_deployment_ref(struct policy_deployment *d);
void policy_deployment_unref(struct policy_deployment *d); /* frees with all it owns; accepts NULL */
/* Sort namespaces for lookup; call once after filling. */
void policy_deployment_seal(struct policy_deployment *d);

#define POLICY_PROJECT_ID_MAX 40 /* "proj_" and base32 text, with NUL */
#define POLICY_KEY_ID_MAX     24 /* public key id, with NUL */
#define POLICY_KEY_PREFIX_MAX 65 /* with NUL */
#define POLICY_KEY_HASH_LEN   32 /* SHA-256 of the whole key text */

enum policy_key_kind { POLICY_KEY_SERVER, POLICY_KEY_CLIENT };

/* What a server key may do; none of the bits = everything. */
enum policy_key_scope { POLICY_KEY_PUBLISH = 1 << 0, POLICY_KEY_TOKENS = 1 << 1, POLICY_KEY_READ = 1 << 2 };

struct policy_key {
    struct map_node node_;
    uint8_t hash[POLICY_KEY_HASH_LEN];
    char id[POLICY_KEY_ID_MAX];
    enum policy_key_kind kind;
    uint32_t project;                           /* index into policy.projects */
    int64_t valid_until_s;                      /* Unix time after which it is refused; 0 = no end */
    bool revoked;                               /* kept so that the refusal can say so */
    uint8_t scopes;                             /* bits of enum policy_key_scope */
    char channel_prefix[POLICY_KEY_PREFIX_MAX]; /* of every channel that it may touch; "" = all */
};

/* The space that the console's pages listen in: no project's, and nobody's token but the console's own
 * leads there. Its channels have no options. */
#define POLICY_CONSOLE_SPACE UINT32_MAX

struct policy_project {
    struct map_node node_;
    char id[POLICY_PROJECT_ID_MAX];
    uint32_t space; /* 0 for the Default project; never reused */
    bool archived;
    struct policy_string_list allowed_origins; /* bounds connections by client key; empty = deployment's */
    struct policy_namespaces namespaces;       /* of its space: they are looked at before the deployment's */
};

struct policy {
    atomic_uint refs_;
    uint64_t version;                     /* grows with every change; the highest wins */
    struct policy_deployment *deployment; /* one reference */
    struct policy_project *projects;      /* owned */
    size_t project_count;
    struct policy_key *keys; /* owned; revoked ones included */
    size_t key_count;
    struct map projects_by_id_, keys_by_hash_;
    uint32_t *projects_by_space_; /* owned; indices into projects, sorted by space */
    bool has_own_namespaces_;     /* a project has */
};

/* Takes over both arrays (from mem_must_alloc) and one reference of deployment.
 * Stops when memory is out. */
struct policy *policy_new(uint64_t version, struct policy_deployment *deployment, struct policy_project *projects,
                          size_t project_count, struct policy_key *keys, size_t key_count);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p);

/* NULL when unknown. The results live as long as the policy. */
const struct policy_project *policy_project_by_id(const struct policy *p, struct slice id);
const struct policy_project *policy_project_by_space(const struct policy *p, uint32_t space);
/* Revoked and expired keys are found too: the caller looks at the fields. */
const struct policy_key *policy_key_by_hash(const struct policy *p, const uint8_t hash[static POLICY_KEY_HASH_LEN]);

/* Split a channel name as rows CH-03 and CH-04 say and find its options.
 * private_channel is set when the private prefix is there; rest is the part after
 * the boundary (whole name without one). NULL: the namespace is unknown (102).
 * Those of the space's project go before the deployment's. */
const struct policy_channel_options *policy_channel_resolve(const struct policy *p, uint32_t space,
                                                            struct slice channel, bool *private_channel,
                                                            struct slice *rest);

/* Regular expressions of the configuration: PCRE2, unanchored, with match and
 * depth limits. *error_text (static or in error_out) says why a pattern is bad. */
struct policy_regex *policy_regex_new(struct slice pattern, char *error_out, size_t error_len);
void policy_regex_free(struct policy_regex *r);
/* False also when the match limit was hit. */
bool policy_regex_match(const struct policy_regex *r, struct slice subject);
/* What the group of that name matched in subject, which *out borrows; empty when it took
 * no part. False: no match, or no such group. */
bool policy_regex_group(const struct policy_regex *r, struct slice subject, struct slice name, struct slice *out);

/* Glob match as for client.allowed_origins (row TR-02): `*` any run, `?` one character,
 * [...] a class, {a,b} alternatives, `\` takes the next character as it is; a
 * malformed pattern matches nothing (policy_glob.h tells). Bounded work for any
 * pattern and text. */
bool policy_glob_match(struct slice pattern, struct slice text);
/* Row TR-02: origin is the header's value, empty = no header (allowed). */
bool policy_origin_allowed(const struct policy_string_list *patterns, struct slice origin);

#endif

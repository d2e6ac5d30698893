#include <stdio.h>

#include "api_harness_parts.h"
#include "base/mem.h"
#include "crypto/crypto_hash.h"

static char *copy(const char *text)
{
    char *c = mem_copy(slice_from_cstr(text));
    assert_non_null(c);
    return c;
}

static struct policy_channel_options options_of(bool history)
{
    return (struct policy_channel_options){
        .presence = true,
        .subscription_type = POLICY_STREAM,
        .allow_recovery = true,
        .force_positioning = history,
        .force_recovery = history,
        .history_size = history ? 1000 : 0,
        .history_ttl_ms = history ? 300000 : 0,
        .history_meta_ttl_ms = 3600000,
        .subscribe = { .client = true },
    };
}

static void fill_namespaces(struct policy_deployment *d)
{
    static const char *const names[] = { "public", "plain", "json", "object", "binary", "map", "news", "eph" };
    enum { COUNT = sizeof names / sizeof *names };
    d->namespaces = mem_must_alloc_zero(COUNT * sizeof *d->namespaces);
    d->namespace_count = COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        d->namespaces[i].name = copy(names[i]);
        d->namespaces[i].options = options_of(i == 0 || i == 4);
    }
    d->namespaces[1].options.presence = false;
    d->namespaces[2].options.data_format = POLICY_FORMAT_JSON;
    d->namespaces[3].options.data_format = POLICY_FORMAT_JSON_OBJECT;
    d->namespaces[4].options.data_format = POLICY_FORMAT_BINARY;
    d->namespaces[5].options.subscription_type = POLICY_MAP;
    d->namespaces[5].options.map =
        (struct policy_map_options){ .mode = POLICY_MAP_PERSISTENT, .stream_size = 600, .stream_ttl_ms = 60000 };
    d->namespaces[7].options.subscription_type = POLICY_MAP_CLIENTS;
    d->namespaces[7].options.map = (struct policy_map_options){ .mode = POLICY_MAP_EPHEMERAL, .key_ttl_ms = 60000 };
    d->without_namespace.options = options_of(false);
}

static struct policy_deployment *deployment(harness_policy_fn *change)
{
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = copy("$");
    d->namespace_boundary = copy(":");
    d->user_boundary = copy("#");
    d->user_separator = copy(",");
    fill_namespaces(d);
    d->limits = (struct policy_limits){ .stale_close_delay_ms = 10000,
                                        .channel_limit = 128,
                                        .queue_bytes_max = QUEUE_BYTES,
                                        .history_publications_max = 300,
                                        .recovery_publications_max = 300,
                                        .channel_len_max = 255,
                                        .websocket_message_bytes_max = 65536 };
    d->token.hmac_secret_key = copy(TOKEN_SECRET);
    d->api_key = copy("engine-key");
    if (change) change(d);
    policy_deployment_seal(d);
    return d;
}

static void set_key(struct policy_key *key, const char *text, const char *id, enum policy_key_kind kind,
                    uint32_t project)
{
    crypto_sha256(slice_from_cstr(text), key->hash);
    (void)snprintf(key->id, sizeof key->id, "%s", id);
    key->kind = kind;
    key->project = project;
}

struct policy *harness_policy(harness_policy_fn *change)
{
    static const struct {
        const char *id;
        uint32_t space;
    } rows[] = { { DEFAULT_ID, 0 }, { SHOP_ID, SHOP_SPACE }, { "proj_old", 9 } };
    enum { PROJECTS = sizeof rows / sizeof *rows, KEYS = 7 };
    struct policy_project *projects = mem_must_alloc_zero(PROJECTS * sizeof *projects);
    struct policy_key *keys = mem_must_alloc_zero(KEYS * sizeof *keys);
    for (size_t i = 0; i < PROJECTS; i++) {
        (void)snprintf(projects[i].id, sizeof projects[i].id, "%s", rows[i].id);
        projects[i].space = rows[i].space;
    }
    projects[2].archived = true;
    set_key(&keys[0], "sk_default", "k_default", POLICY_KEY_SERVER, 0);
    set_key(&keys[1], "sk_shop", "k_shop", POLICY_KEY_SERVER, 1);
    set_key(&keys[2], "ck_shop", "k_client", POLICY_KEY_CLIENT, 1);
    set_key(&keys[3], "sk_revoked", "k_revoked", POLICY_KEY_SERVER, 0);
    set_key(&keys[4], "sk_expired", "k_expired", POLICY_KEY_SERVER, 0);
    set_key(&keys[5], "sk_old", "k_old", POLICY_KEY_SERVER, 2);
    set_key(&keys[6], "sk_overlap", "k_overlap", POLICY_KEY_SERVER, 1);
    keys[3].revoked = true;
    keys[4].valid_until_s = HARNESS_NOW_S - 1;
    keys[6].valid_until_s = HARNESS_NOW_S;
    return policy_new(1, deployment(change), projects, PROJECTS, keys, KEYS);
}

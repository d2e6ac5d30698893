#include "engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "broker/memory/memory_map_broker.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_hmac.h"
#include "engine/client_map.h"
#include "engine/support/protobuf_of_json.h"

/* ---- text that no failing allocator touches ---- */

static void text_append(struct rig_text *t, const char *ptr, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->ptr = realloc(t->ptr, t->cap);
        assert_non_null(t->ptr);
    }
    if (len) memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

static char *text_copy(const char *ptr, size_t len)
{
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

/* ---- policy ---- */

static char *owned(const char *text)
{
    char *c = mem_copy(slice_from_cstr(text));
    assert_non_null(c);
    return c;
}

/* Pages of this size, 5 changes in the stream and 4 in the answer that goes live. */
#define MAP(mode_, page)                                                                                               \
    {                                                                                                                  \
        .mode = POLICY_MAP_##mode_, .key_ttl_ms = 60000, .page_default = (page), .page_min = 1, .page_max = 100,       \
        .live_max = 4, .catch_up_ms = 5000, .publish = { .client = true }, .remove = { .client = true },               \
        .stream_size = POLICY_MAP_##mode_ == POLICY_MAP_RECOVERABLE ? 5 : 0,                                           \
        .stream_ttl_ms = POLICY_MAP_##mode_ == POLICY_MAP_RECOVERABLE ? 60000 : 0,                                     \
        .meta_ttl_ms = POLICY_MAP_##mode_ == POLICY_MAP_RECOVERABLE ? 600000 : 0                                       \
    }

static const struct rig_namespace {
    const char *name;
    struct policy_channel_options options;
} namespaces[] = {
    { "closed", { .presence = true, .history_size = 5, .history_ttl_ms = 60000 } },
    { "limited", { .allow_user_limited_channels = true } },
    { "map", { .subscription_type = POLICY_MAP, .subscribe = { .client = true }, .map = MAP(EPHEMERAL, 2) } },
    { "map_chat", { .subscribe = { .client = true, .anonymous = true }, .map = MAP(OFF, 2) } },
    { "map_clients",
      { .subscription_type = POLICY_MAP_CLIENTS, .subscribe = { .client = true }, .map = MAP(RECOVERABLE, 100) } },
    { "map_cursor",
      { .subscription_type = POLICY_MAP,
        .subscribe = { .client = true },
        .map = { .mode = POLICY_MAP_EPHEMERAL,
                 .key_ttl_ms = 60000,
                 .client_key = POLICY_MAP_KEY_CLIENT_ID,
                 .page_default = 100,
                 .page_min = 1,
                 .page_max = 100,
                 .live_max = 100,
                 .publish = { .subscriber = true },
                 .remove_client_on_unsubscribe = true } } },
    { "map_log",
      { .subscription_type = POLICY_MAP,
        .presence = true,
        .join_leave = true,
        .force_push_join_leave = true,
        .subscribe = { .client = true },
        .map = MAP(RECOVERABLE, 100) } },
    { "map_rec",
      { .subscription_type = POLICY_MAP,
        .allow_tags_filter = true,
        .subscribe = { .client = true },
        .map = MAP(RECOVERABLE, 2) } },
    { "map_users",
      { .subscription_type = POLICY_MAP_USERS, .subscribe = { .client = true }, .map = MAP(RECOVERABLE, 100) } },
    { "members",
      { .presence = true,
        .join_leave = true,
        .force_push_join_leave = true,
        .subscribe = { .client = true },
        .presence_access = { .subscriber = true } } },
    { "open",
      { .presence = true,
        .history_size = 5,
        .history_ttl_ms = 60000,
        .subscribe = { .client = true, .anonymous = true },
        .publish = { .client = true, .anonymous = true },
        .history_access = { .client = true, .anonymous = true },
        .presence_access = { .client = true, .anonymous = true } } },
    { "plain", { .subscribe = { .client = true }, .publish = { .subscriber = true } } },
    { "public",
      { .history_size = 5,
        .history_ttl_ms = 60000,
        .force_positioning = true,
        .force_recovery = true,
        .subscribe = { .client = true },
        .publish = { .client = true },
        .history_access = { .subscriber = true } } },
};
#define NAMESPACES (sizeof namespaces / sizeof namespaces[0])

static struct policy_deployment *deployment(rig_policy_fn *change)
{
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = owned("$");
    d->namespace_boundary = owned(":");
    d->user_boundary = owned("#");
    d->user_separator = owned(",");
    d->rpc_ping_method = owned("ping");
    d->namespaces = mem_must_alloc_zero(NAMESPACES * sizeof *d->namespaces);
    d->namespace_count = NAMESPACES;
    for (size_t i = 0; i < NAMESPACES; i++) {
        d->namespaces[i].name = owned(namespaces[i].name);
        d->namespaces[i].options = namespaces[i].options;
        if (strcmp(namespaces[i].name, "map_chat") == 0) {
            d->namespaces[i].options.map_clients_prefix = owned("map_clients:of-");
            d->namespaces[i].options.map_users_prefix = owned("map_users:of-");
        }
        d->namespaces[i].options.history_meta_ttl_ms = 3600000;
    }
    d->without_namespace.options = (struct policy_channel_options){ .subscription_type = POLICY_STREAM,
                                                                    .history_meta_ttl_ms = 3600000,
                                                                    .subscribe.client = true };
    d->limits = (struct policy_limits){ .stale_close_delay_ms = 10000,
                                        .ping_interval_ms = 25000,
                                        .presence_update_interval_ms = 27000,
                                        .pong_timeout_ms = 8000,
                                        .expired_close_delay_ms = 25000,
                                        .expired_sub_close_delay_ms = 25000,
                                        .channel_limit = 16,
                                        .queue_bytes_max = 65536,
                                        .history_publications_max = 4,
                                        .recovery_publications_max = 4,
                                        .channel_len_max = 64,
                                        .websocket_message_bytes_max = 65536 };
    d->token.hmac_secret_key = owned(RIG_SECRET);
    d->allowed_origins.items = mem_must_alloc(sizeof(char *));
    d->allowed_origins.items[0] = owned("http://localhost");
    d->allowed_origins.count = 1;
    if (change) change(d);
    policy_deployment_seal(d);
    return d;
}

struct policy *rig_policy(uint64_t version, rig_policy_fn *change, bool archive, bool revoke)
{
    struct policy_project *projects = mem_must_alloc_zero(3 * sizeof *projects);
    struct policy_key *keys = mem_must_alloc_zero(4 * sizeof *keys);
    static const struct {
        const char *id;
        uint32_t space;
    } rows[] = { { "proj_default", 0 }, { RIG_SHOP, RIG_SHOP_SPACE }, { RIG_OLD, 9 } };
    static const struct {
        const char *text, *id;
        enum policy_key_kind kind;
        uint32_t project;
    } key_rows[] = { { "ck_shop", "k_shop", POLICY_KEY_CLIENT, 1 },
                     { "ck_default", "k_default", POLICY_KEY_CLIENT, 0 },
                     { "sk_shop", "k_server", POLICY_KEY_SERVER, 1 },
                     { "ck_old", "k_old", POLICY_KEY_CLIENT, 2 } };
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(projects[i].id, sizeof projects[i].id, "%s", rows[i].id);
        projects[i].space = rows[i].space;
    }
    for (size_t i = 0; i < 4; i++) {
        crypto_sha256(slice_from_cstr(key_rows[i].text), keys[i].hash);
        (void)snprintf(keys[i].id, sizeof keys[i].id, "%s", key_rows[i].id);
        keys[i].kind = key_rows[i].kind;
        keys[i].project = key_rows[i].project;
    }
    projects[1].archived = archive;
    projects[2].archived = true;
    keys[0].revoked = revoke;
    return policy_new(version, deployment(change), projects, 3, keys, 4);
}

/* ---- the port ---- */

static struct rig_client *of(struct client *c)
{
    return container_of(c, struct rig_client, client);
}

static struct blob *encode_publication(const struct publication *p, enum publication_variant variant)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    struct blob *blob = engine_encode_push_json(p, variant, &text) ? blob_new_raw(buf_slice(&text)) : NULL;
    buf_deinit(&text);
    return blob;
}

static struct blob *make_message(struct slice body)
{
    return blob_new_raw(body);
}

static void keep_message(struct client *c, struct blob *message, enum client_order order)
{
    struct rig_client *rc = of(c);
    rc->last_order = order;
    assert_true(rc->in_use && !rc->ended);
    struct slice bytes = blob_frame(message);
    assert_null(memchr(bytes.ptr, '\n', bytes.len));
    text_append(&rc->out, bytes.ptr, bytes.len);
    text_append(&rc->out, "\n", 1);
    blob_unref(message);
}

static void on_close(struct client *c, uint32_t code, struct slice reason)
{
    struct rig_client *rc = of(c);
    assert_false(rc->ended);
    rc->ended = true;
    rc->close_code = code;
    (void)snprintf(rc->close_reason, sizeof rc->close_reason, "%.*s", SLICE_ARG(reason));
}

static void set_deadline(struct client *c, uint64_t due_ms)
{
    of(c)->deadline_ms = due_ms;
}

/* As the session does it: what is left goes first, then what came meanwhile. */
static void receive(struct rig_client *rc, const char *bytes, size_t len)
{
    struct client *c = &rc->client;
    char *copy = text_copy(bytes, len); /* exact size: ASan sees a read behind the end */
    size_t taken = client_receive(c, slice_of(copy, len));
    assert_true(taken <= len);
    if (c->state != CLIENT_CLOSING && c->parked > 0 && taken < len) {
        assert_null(rc->parked);
        rc->parked = text_copy(copy + taken, len - taken);
        rc->parked_len = len - taken;
    }
    free(copy);
}

static void take_unread(struct rig_client *rc)
{
    while (rc->unread_count > 0 && rc->client.parked == 0 && !rc->ended) {
        char *message = rc->unread[0];
        const size_t len = rc->unread_len[0];
        memmove(rc->unread, rc->unread + 1, --rc->unread_count * sizeof rc->unread[0]);
        memmove(rc->unread_len, rc->unread_len + 1, rc->unread_count * sizeof rc->unread_len[0]);
        receive(rc, message, len);
        free(message);
    }
}

static void resume(struct client *c)
{
    struct rig_client *rc = of(c);
    char *rest = rc->parked;
    rc->resumes++;
    rc->parked = NULL;
    if (rest) receive(rc, rest, rc->parked_len);
    free(rest);
    take_unread(rc);
}

static size_t queued(const struct client *c)
{
    return ((const struct rig_client *)((uintptr_t)c - offsetof(struct rig_client, client)))->queued;
}

static void frame_ping(struct client *c)
{
    of(c)->frame_pings++;
}

static void joined_space(struct client *c, uint32_t space)
{
    of(c)->joined_space = space;
}

static struct blob *encode_publication_protobuf(const struct publication *p, enum publication_variant variant)
{
    struct buf bytes;
    buf_init(&bytes, BUF_NO_LIMIT);
    struct blob *blob = engine_encode_push_protobuf(p, variant, &bytes) ? blob_new_raw(buf_slice(&bytes)) : NULL;
    buf_deinit(&bytes);
    return blob;
}

static void keep_bytes(struct client *c, struct blob *message, enum client_order order)
{
    struct rig_client *rc = of(c);
    rc->last_order = order;
    assert_true(rc->in_use && !rc->ended);
    struct slice bytes = blob_frame(message);
    text_append(&rc->out, bytes.ptr, bytes.len);
    blob_unref(message);
}

static const struct client_port protobuf_port = { .encoding = PROTOCOL_PROTOBUF,
                                                  .form = PUBLICATION_FORM_PROTOBUF,
                                                  .metric_transport = METRIC_TRANSPORT_WEBSOCKET,
                                                  .encode_publication = encode_publication_protobuf,
                                                  .message = make_message,
                                                  .send = keep_bytes,
                                                  .close = on_close,
                                                  .set_deadline = set_deadline,
                                                  .resume = resume,
                                                  .queued = queued,
                                                  .frame_ping = frame_ping,
                                                  .joined_space = joined_space };

static const struct client_port port = { .form = PUBLICATION_FORM_JSON,
                                         .metric_transport = METRIC_TRANSPORT_WEBSOCKET,
                                         .encode_publication = encode_publication,
                                         .message = make_message,
                                         .send = keep_message,
                                         .close = on_close,
                                         .set_deadline = set_deadline,
                                         .resume = resume,
                                         .queued = queued,
                                         .frame_ping = frame_ping,
                                         .joined_space = joined_space };

/* ---- the workers ---- */

static struct engine *engine_of(void *context)
{
    return &((struct rig_worker *)context)->engine;
}

static struct client *client_of(void *context, struct handle handle)
{
    struct rig *r = ((struct rig_worker *)context)->rig;
    if (handle.slot >= RIG_CLIENTS) return NULL;
    struct rig_client *c = &r->clients[handle.slot];
    return c->in_use && c->generation == handle.generation && !c->client.gone ? &c->client : NULL;
}

static struct client *client_next(void *context, uint32_t *slot)
{
    struct rig_worker *w = context;
    while (*slot < RIG_CLIENTS) {
        struct rig_client *c = &w->rig->clients[(*slot)++];
        if (c->in_use && !c->client.gone && &w->rig->workers[c->worker] == w) return &c->client;
    }
    return NULL;
}

static void complete(void *context, struct broker_completion *completion)
{
    (void)context;
    broker_completion_free(completion);
}

static void effect_done(void *context, struct handle handle, uint32_t operation, uint32_t affected)
{
    struct rig *r = ((struct rig_worker *)context)->rig;
    assert_int_equal(handle.slot, RIG_CLIENTS);
    assert_int_equal(operation, 77);
    r->effects_done++;
    r->affected += affected;
}

static void set_clock(struct rig *r)
{
    for (uint32_t i = 0; i < r->office.count; i++) {
        r->workers[i].engine.now_ms = r->now_ms;
        r->workers[i].engine.wall_ms = r->wall_ms;
    }
}

struct rig *rig_new(uint32_t workers, rig_policy_fn *change)
{
    return rig_new_with(workers, change, MAILBOX_LIMITS_DEFAULT);
}

struct rig *rig_new_with(uint32_t workers, rig_policy_fn *change, struct mailbox_limits limits)
{
    struct rig *r = mem_must_alloc_zero(sizeof *r);
    engine_set_worker_lookup(engine_of);
    r->office.count = workers;
    r->now_ms = 5000000;
    r->wall_ms = (int64_t)RIG_NOW_S * 1000;
    r->shared = (struct engine_shared){ .office = &r->office,
                                        .worker_count = workers,
                                        .registry = registry_new(),
                                        .node = { .name = "node_1", .version = "0.1.0" } };
    struct policy *policy = rig_policy(1, change, false, false);
    for (uint32_t i = 0; i < workers; i++) {
        struct rig_worker *w = &r->workers[i];
        const struct engine_worker worker = { .context = w,
                                              .client_of = client_of,
                                              .client_next = client_next,
                                              .complete = complete,
                                              .effect_done = effect_done };
        w->rig = r;
        r->shared.metrics[i] = metrics_new();
        assert_true(mailbox_init(&r->boxes[i], w, limits));
        r->office.boxes[i] = &r->boxes[i];
        assert_int_equal(engine_init(&w->engine, &r->shared, i, &worker, policy_ref(policy), &w->wakes), STATUS_OK);
    }
    policy_unref(policy);
    const struct broker_links links = { .office = &r->office,
                                        .worker_count = workers,
                                        .deliver_publication = engine_deliver_publication,
                                        .deliver_completion = engine_deliver_completion,
                                        .deliver_gap = engine_deliver_gap };
    const struct memory_broker_options options = { .shard_count = 4 };
    r->broker = r->shared.broker = held_broker_new(memory_broker_new(&links, &options), &links);
    struct broker_links map_links = links;
    map_links.deliver_publication = engine_deliver_map_publication;
    map_links.deliver_gap = engine_deliver_map_gap;
    r->maps = r->shared.map_broker = held_map_broker_new(memory_map_broker_new(&map_links, &options), &map_links);
    set_clock(r);
    return r;
}

void rig_drop(struct rig_client *c)
{
    if (!c->in_use) return;
    client_gone(&c->client);
    c->in_use = false;
    for (size_t i = 0; i < c->unread_count; i++) free(c->unread[i]);
    free(c->parked);
    free(c->out.ptr);
    uint32_t generation = c->generation;
    *c = (struct rig_client){ .generation = generation };
}

static void check_nothing_left(struct rig *r)
{
    assert_int_equal(registry_user_count(r->shared.registry), 0);
    assert_int_equal(atomic_load(&r->shared.client_count), 0);
    assert_int_equal(r->broker->ops->channel_count(r->broker), 0);
    assert_int_equal(r->maps->ops->channel_count(r->maps), 0);
    assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_CLIENTS), 0);
    assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_SUBSCRIPTIONS), 0);
    assert_int_equal(rig_gauge(r, METRIC_AT1(CLIENT_SUBSCRIPTIONS_INFLIGHT, METRIC_CLIENT_NAME_UNREGISTERED)), 0);
    for (uint32_t i = 0; i < r->office.count; i++) {
        assert_int_equal(r->workers[i].engine.hub.subscription_count, 0);
        assert_true(list_empty(&r->workers[i].engine.orphans));
        assert_true(list_empty(&r->workers[i].engine.tasks));
    }
}

void rig_free(struct rig *r)
{
    for (size_t i = 0; i < RIG_CLIENTS; i++) rig_drop(&r->clients[i]);
    held_broker_release_all(r->broker);
    held_map_broker_release_all(r->maps);
    rig_run(r);
    check_nothing_left(r);
    r->broker->ops->free(r->broker);
    r->maps->ops->free(r->maps);
    for (uint32_t i = 0; i < r->office.count; i++) {
        (void)mailbox_drain(&r->boxes[i], 100000);
        engine_deinit(&r->workers[i].engine);
        mailbox_deinit(&r->boxes[i]);
        metrics_free(r->shared.metrics[i]);
    }
    registry_free(r->shared.registry);
    mem_free(r);
}

bool rig_turn(struct rig *r, uint32_t worker)
{
    struct engine *e = &r->workers[worker].engine;
    bool more = mailbox_drain(&r->boxes[worker], 256);
    more |= engine_turn(e);
    for (size_t i = 0; i < RIG_CLIENTS; i++)
        if (r->clients[i].in_use && r->clients[i].worker == worker && r->clients[i].ended)
            client_gone(&r->clients[i].client);
    return more;
}

void rig_run(struct rig *r)
{
    for (uint32_t i = 0, quiet = 0; quiet < 4; i++) {
        bool more = false;
        assert_true(i < 100000);
        for (uint32_t w = 0; w < r->office.count; w++) more |= rig_turn(r, w);
        quiet = more ? 0 : quiet + 1;
    }
}

void rig_pass(struct rig *r, uint64_t ms)
{
    uint64_t end = r->now_ms + ms;
    for (;;) {
        uint64_t next = end;
        for (size_t i = 0; i < RIG_CLIENTS; i++) {
            const struct rig_client *c = &r->clients[i];
            if (c->in_use && c->deadline_ms && c->deadline_ms < next) next = c->deadline_ms;
        }
        if (next > r->now_ms) {
            r->wall_ms += (int64_t)(next - r->now_ms);
            r->now_ms = next;
        }
        set_clock(r);
        bool fired = false;
        for (size_t i = 0; i < RIG_CLIENTS; i++) {
            struct rig_client *c = &r->clients[i];
            if (!c->in_use || !c->deadline_ms || c->deadline_ms > r->now_ms) continue;
            c->deadline_ms = 0;
            client_deadline(&c->client);
            fired = true;
        }
        rig_run(r);
        if (!fired && r->now_ms == end) return;
    }
}

/* ---- clients ---- */

static struct rig_client *open_with(struct rig *r, uint32_t worker, uint32_t slot, const struct client_port *with)
{
    struct rig_client *c = &r->clients[slot];
    assert_true(slot < RIG_CLIENTS && !c->in_use && worker < r->office.count);
    c->in_use = true;
    c->rig = r;
    c->worker = worker;
    c->slot = slot;
    c->generation++;
    client_init(&c->client, &r->workers[worker].engine, with, (struct handle){ slot, c->generation, worker });
    return c;
}

struct rig_client *rig_open_at(struct rig *r, uint32_t worker, uint32_t slot)
{
    return open_with(r, worker, slot, &port);
}

static uint32_t free_slot(const struct rig *r)
{
    uint32_t slot = 0;
    while (slot < RIG_CLIENTS && r->clients[slot].in_use) slot++;
    return slot;
}

struct rig_client *rig_open(struct rig *r, uint32_t worker)
{
    return rig_open_at(r, worker, free_slot(r));
}

struct rig_client *rig_open_protobuf(struct rig *r, uint32_t worker)
{
    return open_with(r, worker, free_slot(r), &protobuf_port);
}

struct rig_client *rig_connected(struct rig *r, uint32_t worker, const char *claims)
{
    struct rig_client *c = rig_open(r, worker);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token(claims));
    if (c->client.state != CLIENT_CONNECTED) fail_msg("not connected: %u %s", c->close_code, rig_received(r, c));
    rig_forget(r, c);
    return c;
}

static void say_bytes(struct rig_client *c, struct slice message)
{
    if (c->client.parked > 0) {
        assert_true(c->unread_count < RIG_SAY_MAX);
        c->unread_len[c->unread_count] = message.len;
        c->unread[c->unread_count++] = text_copy(message.ptr, message.len);
    } else {
        receive(c, message.ptr, message.len);
    }
}

void rig_say_only(struct rig *r, struct rig_client *c, const char *message)
{
    (void)r;
    if (c->ended) return;
    if (c->client.port->encoding == PROTOCOL_JSON) {
        say_bytes(c, slice_from_cstr(message));
        return;
    }
    struct buf bytes;
    const size_t left = mem_fail_left(); /* what the rig allocates is nobody's */
    mem_fail_after(0);
    protobuf_of_json(message, &bytes);
    mem_fail_after(left);
    say_bytes(c, buf_slice(&bytes));
    buf_deinit(&bytes);
}

void rig_say(struct rig *r, struct rig_client *c, const char *format, ...)
{
    static char text[300000], said[300000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_true(len > 0 && (size_t)len < sizeof text);
    char *to = said;
    for (const char *at = text; *at;) {
        if (at[0] == '$' && at[1] == 'E' && (size_t)(at[2] - '0') < r->epoch_count) {
            to = stpcpy(to, r->epochs[at[2] - '0']);
            at += 3;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    rig_say_only(r, c, said);
    rig_run(r);
}

void rig_hang_up(struct rig *r, struct rig_client *c)
{
    rig_drop(c);
    rig_run(r);
}

/* ---- what was received ---- */

static size_t epoch_number(struct rig *r, const char *text, size_t len)
{
    assert_true(len < BROKER_EPOCH_MAX);
    for (size_t i = 0; i < r->epoch_count; i++)
        if (strlen(r->epochs[i]) == len && memcmp(r->epochs[i], text, len) == 0) return i;
    assert_true(r->epoch_count < RIG_EPOCHS);
    memcpy(r->epochs[r->epoch_count], text, len);
    return r->epoch_count++;
}

/* The slot of the client whose id stands at text, or -1. */
static int client_number(struct rig *r, const char *text)
{
    for (int i = 0; i < RIG_CLIENTS; i++) {
        char id[CLIENT_ID_LEN + 1];
        if (!r->clients[i].in_use) continue;
        client_id_text(&r->clients[i].client, id);
        if (strncmp(text, id, CLIENT_ID_LEN) == 0) return i;
    }
    return -1;
}

const char *rig_received(struct rig *r, struct rig_client *c)
{
    static char text[1 << 20];
    char *to = text;
    const char *at = c->out.ptr ? c->out.ptr : "";
    assert_true(c->out.len < sizeof text / 2);
    while (*at) {
        int number = client_number(r, at);
        if (number >= 0) {
            to += sprintf(to, "C%d", number);
            at += CLIENT_ID_LEN;
        } else if (strncmp(at, "\"epoch\":\"", 9) == 0) {
            size_t len = strcspn(at + 9, "\"");
            to += sprintf(to, "\"epoch\":\"E%zu", epoch_number(r, at + 9, len));
            at += 9 + len;
        } else {
            *to++ = *at++;
        }
    }
    if (to > text && to[-1] == '\n') to--;
    *to = '\0';
    c->out.len = 0;
    if (c->out.ptr) c->out.ptr[0] = '\0';
    return text;
}

void rig_expect(struct rig *r, struct rig_client *c, const char *text)
{
    const char *got = rig_received(r, c);
    if (strcmp(got, text) != 0) {
        (void)fprintf(stderr, "got      %s\nexpected %s\n", got, text);
        fail_msg("closed with %u %s", c->close_code, c->close_reason);
    }
}

void rig_expect_part(struct rig *r, struct rig_client *c, const char *part)
{
    const char *got = rig_received(r, c);
    if (!strstr(got, part))
        fail_msg("closed with %u %s\ngot      %s\nexpected …%s…", c->close_code, c->close_reason, got, part);
}

void rig_expect_closed(struct rig *r, struct rig_client *c, uint32_t code)
{
    if (c->close_code != code)
        fail_msg("closed with %u %s, expected %u; got %s", c->close_code, c->close_reason, code, rig_received(r, c));
    assert_true(c->client.gone);
}

struct slice rig_bytes(struct rig_client *c)
{
    const struct slice bytes = slice_of(c->out.ptr, c->out.len);
    c->out.len = 0;
    return bytes;
}

void rig_forget(struct rig *r, struct rig_client *c)
{
    (void)rig_received(r, c);
}

/* ---- tokens ---- */

const char *rig_token_under(const char *secret, const char *claims)
{
    static char tokens[8][65536];
    static unsigned turn;
    char *token = tokens[turn++ % 8];
    struct slice header = SLICE("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    size_t len = base64url_encode(header, token);
    token[len++] = '.';
    assert_true(BASE64_ENCODED_LEN(strlen(claims)) + 200 < sizeof tokens[0]);
    len += base64url_encode(slice_from_cstr(claims), token + len);
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, slice_from_cstr(secret));
    uint8_t tag[CRYPTO_HMAC_LEN_MAX];
    size_t tag_len = crypto_hmac_sign(mac, slice_of(token, len), tag);
    crypto_hmac_free(mac);
    token[len++] = '.';
    len += base64url_encode(slice_of((const char *)tag, tag_len), token + len);
    token[len] = '\0';
    return token;
}

const char *rig_token(const char *claims)
{
    return rig_token_under(RIG_SECRET, claims);
}

/* ---- backends ---- */

struct broker_history_options rig_history(const struct rig *r, const char *channel)
{
    bool is_private;
    struct slice rest;
    const struct policy *p = r->workers[0].engine.policy;
    const struct policy_channel_options *o = policy_channel_resolve(p, 0, slice_from_cstr(channel), &is_private, &rest);
    assert_non_null(o);
    return (struct broker_history_options){
        .size = o->history_size, .ttl_ms = o->history_ttl_ms, .meta_ttl_ms = o->history_meta_ttl_ms, .policy_version = 1
    };
}

void rig_publish(struct rig *r, uint32_t space, const char *channel, const char *data)
{
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_publish request = { .space = space,
                                      .channel = slice_from_cstr(channel),
                                      .content = { .data = slice_from_cstr(data), .data_is_json = data[0] != '!' },
                                      .history = rig_history(r, channel) };
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(r->broker->ops->publish(r->broker, &context, &request, nobody, &result), BROKER_DONE);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
}

static const struct policy_channel_options *map_options_of(const struct rig *r, const char *channel)
{
    bool is_private;
    struct slice rest;
    const struct policy *p = r->workers[0].engine.policy;
    const struct policy_channel_options *o = policy_channel_resolve(p, 0, slice_from_cstr(channel), &is_private, &rest);
    assert_non_null(o);
    return o;
}

/* Cuts "a=b c=d" apart; slices point into text. */
static uint32_t cut_tags(const char *text, struct publication_tag *tags, uint32_t max)
{
    uint32_t count = 0;
    while (text && *text && count < max) {
        size_t len = strcspn(text, " "), key_len = strcspn(text, "=");
        tags[count++] =
            (struct publication_tag){ slice_of(text, key_len), slice_of(text + key_len + 1, len - key_len - 1) };
        text += len + (text[len] == ' ');
    }
    return count;
}

void rig_map_publish(struct rig *r, uint32_t space, const char *channel, const char *key, const char *data,
                     const char *tags)
{
    const struct engine *e = &r->workers[0].engine;
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct map_options options = client_map_options(e, map_options_of(r, channel));
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    struct publication_tag list[4];
    struct map_publish publish = { .space = space,
                                   .channel = slice_from_cstr(channel),
                                   .key = slice_from_cstr(key),
                                   .options = options,
                                   .delta = map_options_of(r, channel)->delta_publish,
                                   .content = { .data = slice_from_cstr(data ? data : ""),
                                                .data_is_json = true,
                                                .tags = list,
                                                .tag_count = cut_tags(tags, list, 4) } };
    struct map_removal removal = { .space = space, .channel = publish.channel, .key = publish.key, .options = options };
    enum broker_answer answer = data ? r->maps->ops->publish(r->maps, &context, &publish, nobody, &result)
                                     : r->maps->ops->remove(r->maps, &context, &removal, nobody, &result);
    assert_int_equal(answer, BROKER_DONE);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
}

void rig_map_clear(struct rig *r, uint32_t space, const char *channel)
{
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(r->maps->ops->clear(r->maps, &context, space, slice_from_cstr(channel), nobody, &result),
                     BROKER_DONE);
    broker_result_deinit(&result);
}

void rig_map_sweep(struct rig *r)
{
    for (uint32_t i = 0; i < r->office.count; i++) {
        struct broker_context context = engine_broker_context(&r->workers[i].engine);
        while (r->maps->ops->sweep(r->maps, &context)) {
        }
    }
}

uint64_t rig_map_keys(struct rig *r, uint32_t space, const char *channel)
{
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(r->maps->ops->stats(r->maps, &context, space, slice_from_cstr(channel), nobody, &result),
                     BROKER_DONE);
    uint64_t count = result.map_stats.key_count;
    broker_result_deinit(&result);
    return count;
}

bool rig_effect(struct rig *r, uint32_t worker, const struct effect_request *request)
{
    enum status status = STATUS_INTERNAL;
    struct handle asker = { .slot = RIG_CLIENTS, .generation = 1, .worker = worker };
    enum broker_answer answer = engine_effect_start(&r->workers[worker].engine, request, asker, 77, &status);
    assert_int_equal(status, STATUS_OK);
    return answer == BROKER_PENDING;
}

/* ---- what the broker knows ---- */

struct search {
    struct slice channel;
    uint32_t subscribers;
};

static void look(struct slice channel, uint32_t subscribers, void *context)
{
    struct search *s = context;
    if (slice_eq(channel, s->channel)) s->subscribers += subscribers;
}

uint32_t rig_subscribers(struct rig *r, uint32_t space, const char *channel)
{
    struct search s = { .channel = slice_from_cstr(channel) };
    uint64_t cursor = 0;
    while (r->broker->ops->channels(r->broker, space, &cursor, look, &s)) {
    }
    return s.subscribers;
}

uint32_t rig_map_subscribers(struct rig *r, uint32_t space, const char *channel)
{
    struct search s = { .channel = slice_from_cstr(channel) };
    uint64_t cursor = 0;
    while (r->maps->ops->channels(r->maps, space, &cursor, look, &s)) {
    }
    return s.subscribers;
}

uint32_t rig_present(struct rig *r, uint32_t space, const char *channel)
{
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(
        r->broker->ops->presence(r->broker, &context, space, slice_from_cstr(channel), true, nobody, &result),
        BROKER_DONE);
    uint32_t count = result.presence.client_count;
    broker_result_deinit(&result);
    return count;
}

int64_t rig_gauge(struct rig *r, unsigned slot)
{
    return metrics_sum((const struct metrics *const *)r->shared.metrics, r->office.count, slot);
}

/* A conversation of one hostile client, its messages separated by NUL bytes; or, when the first byte is P, in
 * Protobuf, each message behind a byte with its length. A message that begins with 1 lets time
 * pass instead, with 2 a backend publishes, with 3 the server API acts on the user. Signatures of tokens are not
 * checked, so that claims are hostile too. Whatever goes out is JSON, and nothing is left in the end. */
#include "base/check.h"
#include "base/mem.h"
#include "broker/memory/memory_broker.h"
#include "broker/memory/memory_map_broker.h"
#include "engine/client.h"
#include "engine/effects.h"
#include "json/json_reader.h"

#define QUEUE_MAX 65536

static struct engine_shared shared;
static struct engine engine;
static struct mailbox box;
static struct post_office office = { .count = 1 };
static struct mailbox_wakes wakes;
static struct client client;
static size_t queued;
static uint64_t deadline_ms;
static uint32_t generation;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Namespaces of maps: with a stream that is soon left behind, without one, and of who is on "room:". */
static void add_maps(struct policy_deployment *d, struct policy_channel_options options)
{
    static const struct policy_permission all = { true, true, true };
    static const struct {
        const char *name;
        enum policy_subscription_type type;
        enum policy_map_mode mode;
    } maps[] = {
        { "map", POLICY_MAP, POLICY_MAP_RECOVERABLE },
        { "eph", POLICY_MAP, POLICY_MAP_EPHEMERAL },
        { "clients", POLICY_MAP_CLIENTS, POLICY_MAP_EPHEMERAL },
        { "users", POLICY_MAP_USERS, POLICY_MAP_RECOVERABLE },
    };
    options.map = (struct policy_map_options){ .key_ttl_ms = 60000,
                                               .meta_ttl_ms = 90000,
                                               .page_default = 2,
                                               .page_min = 1,
                                               .page_max = 4,
                                               .live_max = 4,
                                               .catch_up_ms = 5000,
                                               .publish = all,
                                               .remove = all,
                                               .remove_client_on_unsubscribe = true };
    for (size_t i = 0; i < ARRAY_COUNT(maps); i++) {
        struct policy_namespace *n = &d->namespaces[d->namespace_count++];
        n->name = mem_copy(slice_from_cstr(maps[i].name));
        n->options = options;
        n->options.subscription_type = maps[i].type;
        n->options.map.mode = maps[i].mode;
        if (maps[i].mode != POLICY_MAP_RECOVERABLE) continue;
        n->options.map.stream_size = 4;
        n->options.map.stream_ttl_ms = 60000;
    }
}

static struct policy *make_policy(void)
{
    struct policy_deployment *d = policy_deployment_new();
    static const struct policy_permission all = { true, true, true };
    struct policy_channel_options options = { .presence = true,
                                              .allow_recovery = true,
                                              .allow_positioning = true,
                                              .allow_user_limited_channels = true,
                                              .allow_tags_filter = true,
                                              .allow_delta_fossil = true,
                                              .delta_publish = true,
                                              .history_size = 4,
                                              .history_ttl_ms = 60000,
                                              .history_meta_ttl_ms = 90000,
                                              .subscribe = all,
                                              .publish = all,
                                              .history_access = all,
                                              .presence_access = all };
    d->without_namespace.options = options;
    d->namespaces = mem_must_alloc_zero(6 * sizeof *d->namespaces);
    d->namespace_count = 2;
    d->namespaces[0].name = mem_copy(SLICE("ns"));
    d->namespaces[1].name = mem_copy(SLICE("room"));
    d->namespaces[1].options = options;
    d->namespaces[1].options.map_clients_prefix = mem_copy(SLICE("clients:"));
    d->namespaces[1].options.map_users_prefix = mem_copy(SLICE("users:"));
    add_maps(d, options);
    options.force_recovery = options.join_leave = options.force_push_join_leave = true;
    d->namespaces[0].options = options;
    d->private_prefix = mem_copy(SLICE("$"));
    d->namespace_boundary = mem_copy(SLICE(":"));
    d->user_boundary = mem_copy(SLICE("#"));
    d->user_separator = mem_copy(SLICE(","));
    d->limits = (struct policy_limits){ .stale_close_delay_ms = 10000,
                                        .ping_interval_ms = 25000,
                                        .pong_timeout_ms = 8000,
                                        .expired_close_delay_ms = 5000,
                                        .expired_sub_close_delay_ms = 5000,
                                        .channel_limit = 8,
                                        .queue_bytes_max = QUEUE_MAX,
                                        .channel_len_max = 255,
                                        .history_publications_max = 4,
                                        .recovery_publications_max = 4 };
    d->allow_anonymous_without_token = d->insecure_skip_signature = true;
    d->rpc_ping_enabled = true;
    d->rpc_ping_method = mem_copy(SLICE("ping"));
    policy_deployment_seal(d);
    return policy_new(1, d, mem_must_alloc_zero(sizeof(struct policy_project)), 1,
                      mem_must_alloc_zero(sizeof(struct policy_key)), 0);
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

static void take(struct client *c, struct blob *message, enum client_order order)
{
    (void)order;
    struct slice text = blob_frame(message);
    if (c->port->encoding == PROTOCOL_JSON) CHECK(json_valid(text, JSON_DEPTH_CEILING) && slice_index(text, '\n') < 0);
    queued += text.len;
    blob_unref(message);
}

static void on_close(struct client *c, uint32_t code, struct slice reason)
{
    CHECK(c == &client && code >= 3000 && reason.len > 0);
}
static void set_deadline(struct client *c, uint64_t due_ms)
{
    (void)c;
    deadline_ms = due_ms;
}
static void resume(struct client *c)
{
    CHECK(c != &client); /* the memory broker answers at once */
}
static size_t queued_bytes(const struct client *c)
{
    (void)c;
    return queued;
}
static void joined_space(struct client *c, uint32_t space)
{
    CHECK(c == &client && space == 0);
}

static const struct client_port port = { .encode_publication = encode_publication,
                                         .message = make_message,
                                         .send = take,
                                         .close = on_close,
                                         .set_deadline = set_deadline,
                                         .resume = resume,
                                         .queued = queued_bytes,
                                         .joined_space = joined_space };

static struct blob *encode_protobuf(const struct publication *p, enum publication_variant variant)
{
    struct buf bytes;
    buf_init(&bytes, BUF_NO_LIMIT);
    struct blob *blob = engine_encode_push_protobuf(p, variant, &bytes) ? blob_new_raw(buf_slice(&bytes)) : NULL;
    buf_deinit(&bytes);
    return blob;
}

static const struct client_port protobuf_port = { .form = PUBLICATION_FORM_PROTOBUF,
                                                  .encoding = PROTOCOL_PROTOBUF,
                                                  .encode_publication = encode_protobuf,
                                                  .message = make_message,
                                                  .send = take,
                                                  .close = on_close,
                                                  .set_deadline = set_deadline,
                                                  .resume = resume,
                                                  .queued = queued_bytes,
                                                  .joined_space = joined_space };

static struct engine *engine_of(void *context)
{
    (void)context;
    return &engine;
}

static struct client *client_of(void *context, struct handle handle)
{
    (void)context;
    return handle.generation == generation && !client.gone ? &client : NULL;
}

static void effect_done(void *context, struct handle handle, uint32_t operation, uint32_t affected)
{
    (void)context, (void)handle;
    CHECK(operation == 1 && affected <= 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const struct engine_worker worker = { .client_of = client_of, .effect_done = effect_done };
    CHECK(mailbox_init(&box, &engine, MAILBOX_LIMITS_DEFAULT));
    office.boxes[0] = &box;
    shared = (struct engine_shared){ .office = &office, .worker_count = 1, .registry = registry_new() };
    shared.node.version = "0.1.0";
    shared.metrics[0] = metrics_new();
    engine_set_worker_lookup(engine_of);
    CHECK(engine_init(&engine, &shared, 0, &worker, make_policy(), &wakes) == STATUS_OK);
    return 0;
}

static void work(void)
{
    for (int i = 0; i < 20; i++) {
        (void)mailbox_drain(&box, 256);
        (void)engine_turn(&engine);
    }
    if (client.state == CLIENT_CLOSING) client_gone(&client);
}

static void pass_time(void)
{
    engine.now_ms += 5000;
    engine.wall_ms += 5000;
    if (deadline_ms && deadline_ms <= engine.now_ms) client_deadline(&client);
    struct broker_context context = engine_broker_context(&engine);
    while (shared.broker->ops->sweep(shared.broker, &context)) {
    }
    while (shared.map_broker->ops->sweep(shared.map_broker, &context)) {
    }
}

static void publish(struct slice channel)
{
    struct broker_publish request = { .channel = channel,
                                      .content = { .data = SLICE("1"), .data_is_json = true },
                                      .history = {
                                          .size = 4, .ttl_ms = 60000, .meta_ttl_ms = 90000, .policy_version = 1 } };
    struct broker_context context = engine_broker_context(&engine);
    struct broker_result result = { 0 };
    (void)shared.broker->ops->publish(shared.broker, &context, &request, (struct broker_ticket){ 0 }, &result);
    broker_result_deinit(&result);
}

static void act(struct slice rest)
{
    if (rest.len == 0) return;
    struct effect_request request = { .kind = (enum effect_kind)((uint8_t)rest.ptr[0] % 4),
                                      .channel = slice_from(rest, 1),
                                      .code = 4000,
                                      .reason = SLICE("x"),
                                      .expire_at_s = engine.wall_ms / 1000 + 3,
                                      .data = SLICE("[1]") };
    enum status status;
    (void)engine_effect_start(&engine, &request, (struct handle){ 1, 1, 0 }, 1, &status);
}

static void one_message(struct slice m)
{
    uint8_t first = m.len ? (uint8_t)m.ptr[0] : 0;
    if (first == 1) {
        pass_time();
    } else if (first == 2) {
        publish(slice_from(m, 1));
    } else if (first == 3) {
        act(slice_from(m, 1));
    } else {
        CHECK(client_receive(&client, m) == m.len);
    }
    work();
}

static struct slice before_nul(struct slice *rest)
{
    ptrdiff_t end = slice_index(*rest, '\0');
    struct slice message = end < 0 ? *rest : slice_head(*rest, (size_t)end);
    *rest = slice_from(*rest, end < 0 ? rest->len : (size_t)end + 1);
    return message;
}

static struct slice behind_length(struct slice *rest)
{
    size_t len = (uint8_t)rest->ptr[0];
    *rest = slice_from(*rest, 1);
    struct slice message = slice_head(*rest, len < rest->len ? len : rest->len);
    *rest = slice_from(*rest, message.len);
    return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct broker_links links = { .office = &office,
                                        .worker_count = 1,
                                        .deliver_publication = engine_deliver_publication,
                                        .deliver_completion = engine_deliver_completion,
                                        .deliver_gap = engine_deliver_gap };
    const struct memory_broker_options options = { .shard_count = 1, .history_bytes_max = 1u << 20 };
    struct slice rest = slice_of((const char *)data, size);
    struct broker_links map_links = links;
    map_links.deliver_publication = engine_deliver_map_publication;
    map_links.deliver_gap = engine_deliver_map_gap;
    shared.broker = memory_broker_new(&links, &options);
    shared.map_broker = memory_map_broker_new(&map_links, &options);
    engine.now_ms = 1000;
    engine.wall_ms = INT64_C(1800000000000);
    queued = 0;
    bool protobuf = rest.len > 0 && rest.ptr[0] == 'P';
    if (protobuf) rest = slice_from(rest, 1);
    client_init(&client, &engine, protobuf ? &protobuf_port : &port, (struct handle){ 0, ++generation, 0 });
    while (rest.len > 0 && !client.gone) one_message(protobuf ? behind_length(&rest) : before_nul(&rest));
    client_gone(&client);
    work();
    CHECK(engine.hub.subscription_count == 0 && registry_user_count(shared.registry) == 0);
    CHECK(shared.broker->ops->channel_count(shared.broker) == 0);
    CHECK(shared.map_broker->ops->channel_count(shared.map_broker) == 0);
    shared.broker->ops->free(shared.broker);
    shared.map_broker->ops->free(shared.map_broker);
    return 0;
}

#include "api_harness.h"

#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "api_harness_parts.h"
#include "broker/delayed/delayed_broker.h"
#include "broker/delayed/delayed_map_broker.h"
#include "broker/memory/memory_map_broker.h"

/* The API call's handle is no client's. */
#define CALL_SLOT   1000u
#define TURNS_MAX   20000u
#define TEXT_MAX    (1u << 20)
#define HEADERS_MAX 16

/* ---- the workers ---- */

static struct engine *engine_of(void *context)
{
    return &((struct harness_worker *)context)->engine;
}

static struct client *client_of(void *context, struct handle handle)
{
    struct harness *h = ((struct harness_worker *)context)->harness;
    if (handle.slot >= HARNESS_CLIENTS) return NULL;
    struct harness_client *c = &h->clients[handle.slot];
    return c->in_use && c->generation == handle.generation ? &c->client : NULL;
}

static struct client *client_next(void *context, uint32_t *slot)
{
    struct harness_worker *w = context;
    while (*slot < HARNESS_CLIENTS) {
        struct harness_client *c = &w->harness->clients[(*slot)++];
        if (c->in_use && &w->harness->workers[c->worker] == w) return &c->client;
    }
    return NULL;
}

static void note(struct harness *h, enum api_outcome outcome)
{
    h->outcome = outcome;
    if (outcome == API_PENDING) h->pending_count++;
    if (outcome == API_AGAIN) h->again_count++;
}

static void complete(void *context, struct broker_completion *completion)
{
    struct harness *h = ((struct harness_worker *)context)->harness;
    assert_int_equal(completion->ticket.handle.slot, CALL_SLOT);
    if (completion->ticket.handle.generation == h->generation && h->outcome == API_PENDING)
        note(h, api_completed(&h->call, completion));
    else
        broker_completion_free(completion);
}

static void effect_done(void *context, struct handle handle, uint32_t operation, uint32_t affected)
{
    struct harness *h = ((struct harness_worker *)context)->harness;
    if (handle.generation == h->generation && h->outcome == API_PENDING)
        note(h, api_effect_done(&h->call, operation, affected));
}

static void set_clock(struct harness *h)
{
    for (size_t i = 0; i < HARNESS_WORKERS; i++) {
        h->workers[i].engine.now_ms = 5000000;
        h->workers[i].engine.wall_ms = (int64_t)HARNESS_NOW_S * 1000;
    }
}

static void make_worker(struct harness *h, uint32_t i)
{
    struct harness_worker *w = &h->workers[i];
    const struct engine_worker worker = { .context = w,
                                          .client_of = client_of,
                                          .client_next = client_next,
                                          .complete = complete,
                                          .effect_done = effect_done };
    w->harness = h;
    h->shared.metrics[i] = metrics_new();
    assert_true(mailbox_init(&h->boxes[i], w, MAILBOX_LIMITS_DEFAULT));
    h->office.boxes[i] = &h->boxes[i];
    assert_int_equal(engine_init(&w->engine, &h->shared, i, &worker, policy_ref(h->policy), &w->wakes), STATUS_OK);
}

static void make_brokers(struct harness *h, enum harness_broker kind)
{
    struct engine_shared *e = &h->shared;
    struct broker_links links = { .office = &h->office,
                                  .worker_count = HARNESS_WORKERS,
                                  .deliver_publication = engine_deliver_publication,
                                  .deliver_completion = engine_deliver_completion,
                                  .deliver_gap = engine_deliver_gap };
    struct broker_links map_links = links;
    const struct memory_broker_options options = { .shard_count = 4 };
    map_links.deliver_publication = engine_deliver_map_publication;
    map_links.deliver_gap = engine_deliver_map_gap;
    e->broker = kind == HARNESS_FAILING ? harness_failing_broker(h) : memory_broker_new(&links, &options);
    e->map_broker =
        kind == HARNESS_FAILING ? harness_failing_map_broker(h) : memory_map_broker_new(&map_links, &options);
    if (kind != HARNESS_DELAYED) return;
    e->broker = delayed_broker_new(e->broker, &links, 1);
    e->map_broker = delayed_map_broker_new(e->map_broker, &map_links, 1);
}

struct harness *harness_new(enum harness_broker kind, harness_policy_fn *change)
{
    struct harness *h = mem_must_alloc_zero(sizeof *h);
    engine_set_worker_lookup(engine_of);
    h->policy = harness_policy(change);
    h->office.count = HARNESS_WORKERS;
    h->shared = (struct engine_shared){ .office = &h->office,
                                        .worker_count = HARNESS_WORKERS,
                                        .registry = registry_new(),
                                        .node = { .uid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
                                                  .name = "node_1",
                                                  .version = "0.1.0",
                                                  .started_ms = 4990000 } };
    for (uint32_t i = 0; i < HARNESS_WORKERS; i++) make_worker(h, i);
    make_brokers(h, kind);
    set_clock(h);
    api_call_init(&h->call, &h->workers[0].engine);
    h->outcome = API_ANSWERED;
    return h;
}

void harness_free(struct harness *h)
{
    api_call_deinit(&h->call);
    h->outcome = API_ANSWERED;
    for (size_t i = 0; i < HARNESS_CLIENTS; i++) {
        if (h->clients[i].in_use) client_gone(&h->clients[i].client);
        h->clients[i].in_use = false;
        buf_deinit(&h->clients[i].out);
    }
    for (size_t i = 0; i < 50; i++) harness_turn(h);
    h->shared.broker->ops->free(h->shared.broker);
    h->shared.map_broker->ops->free(h->shared.map_broker);
    harness_turn(h);
    for (uint32_t i = 0; i < HARNESS_WORKERS; i++) {
        engine_deinit(&h->workers[i].engine);
        mailbox_deinit(&h->boxes[i]);
        metrics_free(h->shared.metrics[i]);
    }
    registry_free(h->shared.registry);
    policy_unref(h->policy);
    mem_free(h);
}

/* ---- asking ---- */

static uint16_t split_headers(const char *text, struct http_header *headers)
{
    struct slice rest = slice_from_cstr(text);
    uint16_t count = 0;
    while (rest.len > 0) {
        ptrdiff_t end = slice_index(rest, '\n'), colon = slice_index(rest, ':');
        assert_true(end > 0 && colon > 0 && colon < end && count < HEADERS_MAX);
        headers[count++] = (struct http_header){
            .name = slice_head(rest, (size_t)colon),
            .value = slice_trim(slice_from(slice_head(rest, (size_t)end), (size_t)colon + 1)),
        };
        rest = slice_from(rest, (size_t)end + 1);
    }
    return count;
}

static enum http_method method_of(const char *name)
{
    if (strcmp(name, "POST") == 0) return HTTP_METHOD_POST;
    if (strcmp(name, "GET") == 0) return HTTP_METHOD_GET;
    if (strcmp(name, "OPTIONS") == 0) return HTTP_METHOD_OPTIONS;
    return HTTP_METHOD_OTHER;
}

struct ask {
    enum api_family family;
    const char *name, *method, *query, *headers;
    struct slice body;
    uint64_t content_length;
};

/* One step with a head and a body of its own; everything borrowed is overwritten
 * afterwards, as a read buffer is. */
static enum api_outcome step(struct harness *h, const struct ask *ask, bool head_only)
{
    const size_t text_len = strlen(ask->headers);
    char *lent = mem_must_alloc(ask->body.len + 1), *text = mem_must_alloc(text_len + 1);
    struct http_header *list = mem_must_alloc_zero(HEADERS_MAX * sizeof *list);
    memcpy(text, ask->headers, text_len + 1);
    struct http_request http = { .method = method_of(ask->method),
                                 .method_name = slice_from_cstr(ask->method),
                                 .query = slice_from_cstr(ask->query),
                                 .headers = list,
                                 .header_count = split_headers(text, list),
                                 .content_length = ask->content_length,
                                 .has_content_length = ask->content_length > 0 };
    if (ask->body.len) memcpy(lent, ask->body.ptr, ask->body.len);
    const struct api_request request = { .family = ask->family,
                                         .name = slice_from_cstr(ask->name),
                                         .http = &http,
                                         .body = head_only ? (struct slice){ 0 } : slice_of(lent, ask->body.len),
                                         .handle = { .slot = CALL_SLOT, .generation = h->generation, .worker = 0 } };
    enum api_outcome outcome = API_AGAIN;
    if (!head_only)
        outcome = api_start(&h->call, &request);
    else if (api_refuse(&h->call, &request))
        outcome = API_ANSWERED;
    memset(lent, '!', ask->body.len + 1);
    memset(text, '!', text_len);
    mem_free(lent);
    mem_free(text);
    mem_free(list);
    return outcome;
}

/* Status, content type, headers and body, to compare two answers. */
static void append_answer(struct buf *out, const struct api_call *call)
{
    buf_printf(out, "%d %.*s\n", call->status, SLICE_ARG(call->content_type));
    for (size_t i = 0; i < call->header_count; i++)
        buf_printf(out, "%.*s: %.*s\n", SLICE_ARG(call->headers[i].name), SLICE_ARG(call->headers[i].value));
    buf_append(out, buf_slice(&call->body));
}

static void start_is_refused_alike(struct harness *h, const struct ask *ask)
{
    struct buf at_head, at_end;
    buf_init(&at_head, BUF_NO_LIMIT);
    buf_init(&at_end, BUF_NO_LIMIT);
    append_answer(&at_head, &h->call);
    assert_int_equal(step(h, ask, false), API_ANSWERED);
    append_answer(&at_end, &h->call);
    if (!slice_eq(buf_slice(&at_head), buf_slice(&at_end)))
        fail_msg("at the head '%.*s', with the body '%.*s'", SLICE_ARG(buf_slice(&at_head)),
                 SLICE_ARG(buf_slice(&at_end)));
    buf_deinit(&at_head);
    buf_deinit(&at_end);
}

static void begin(struct harness *h, const struct ask *ask)
{
    h->generation++;
    h->pending_count = h->again_count = 0;
    h->was_refused = !h->without_refuse && step(h, ask, true) == API_ANSWERED;
    if (h->was_refused) {
        start_is_refused_alike(h, ask);
        note(h, API_ANSWERED);
    } else {
        note(h, step(h, ask, false));
    }
}

bool harness_refuse(struct harness *h, enum api_family family, const char *name, const char *method,
                    const char *headers, uint64_t content_length)
{
    const struct ask ask = {
        .family = family, .name = name, .method = method, .headers = headers, .content_length = content_length
    };
    return step(h, &ask, true) == API_ANSWERED;
}

void harness_start(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body)
{
    const struct ask ask = {
        .family = family, .name = name, .method = "POST", .headers = headers, .body = slice_from_cstr(body)
    };
    assert_int_equal(step(h, &ask, false), API_ANSWERED);
}

struct slice harness_header(struct harness *h, const char *name)
{
    for (size_t i = 0; i < h->call.header_count; i++)
        if (slice_eq(h->call.headers[i].name, slice_from_cstr(name))) return h->call.headers[i].value;
    return SLICE("");
}

void harness_begin(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body)
{
    const struct slice text = slice_from_cstr(body);
    begin(h, &(struct ask){ family, name, "POST", NULL, headers, text, text.len });
}

void harness_turn(struct harness *h)
{
    for (size_t i = 0; i < HARNESS_WORKERS; i++) {
        (void)mailbox_drain(&h->boxes[i], 256);
        (void)engine_turn(&h->workers[i].engine);
        h->workers[i].wakes.targets = 0;
    }
    if (h->outcome == API_AGAIN) note(h, api_continue(&h->call));
}

static void breathe(void)
{
    struct timespec moment = { .tv_nsec = 200000 };
    nanosleep(&moment, NULL);
}

void harness_finish(struct harness *h)
{
    for (unsigned i = 0; h->outcome != API_ANSWERED; i++) {
        assert_true(i < TURNS_MAX);
        if (h->outcome == API_PENDING) breathe();
        harness_turn(h);
    }
}

void harness_ask_with(struct harness *h, enum api_family family, const char *name, const char *method,
                      const char *query, const char *headers, struct slice body)
{
    begin(h, &(struct ask){ family, name, method, query, headers, body, body.len });
    harness_finish(h);
}

void harness_ask(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body)
{
    harness_begin(h, family, name, headers, body);
    harness_finish(h);
}

const char *harness_body(struct harness *h)
{
    static char text[TEXT_MAX];
    size_t len = h->call.body.len < sizeof text - 1 ? h->call.body.len : sizeof text - 1;
    if (len) memcpy(text, h->call.body.ptr, len);
    text[len] = '\0';
    return text;
}

void harness_expect(struct harness *h, int status, const char *body)
{
    if (strcmp(harness_body(h), body) != 0 || h->call.status != status)
        fail_msg("got      %d %s\nexpected %d %s", h->call.status, harness_body(h), status, body);
}

void harness_expect_part(struct harness *h, int status, const char *part)
{
    if (!strstr(harness_body(h), part) || h->call.status != status) {
        print_error("got      %d ", h->call.status);
        (void)fprintf(stderr, "%s", harness_body(h));
        fail_msg("\nexpected %d …%s…", status, part);
    }
}

const char *harness_token(struct harness *h)
{
    static char token[65536];
    const char *start = strstr(harness_body(h), "\"token\":\"");
    assert_non_null(start);
    start += strlen("\"token\":\"");
    size_t len = strcspn(start, "\"");
    assert_true(len < sizeof token);
    memcpy(token, start, len);
    token[len] = '\0';
    return token;
}

/* ---- clients ---- */

static struct harness_client *harness_of(struct client *c)
{
    return container_of(c, struct harness_client, client);
}

static struct blob *encode_publication(const struct publication *p, enum publication_variant variant)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    buf_printf(&text, "%s %.*s %.*s", p->content.kind == PUBLICATION_DATA ? "pub" : "member", SLICE_ARG(p->channel),
               SLICE_ARG(p->content.data));
    for (uint32_t i = 0; i < p->content.tag_count; i++)
        buf_printf(&text, " %.*s=%.*s", SLICE_ARG(p->content.tags[i].key), SLICE_ARG(p->content.tags[i].value));
    struct blob *blob = blob_new_raw(buf_slice(&text));
    buf_deinit(&text);
    return blob;
}

static struct blob *make_message(struct slice body)
{
    return blob_new_raw(body);
}

static void keep_message(struct client *c, struct blob *message, enum client_order order)
{
    (void)order;
    buf_append(&harness_of(c)->out, blob_frame(message));
    buf_append_char(&harness_of(c)->out, '\n');
    blob_unref(message);
}

static void on_close(struct client *c, uint32_t code, struct slice reason)
{
    struct harness_client *hc = harness_of(c);
    hc->close_code = code;
    (void)snprintf(hc->close_reason, sizeof hc->close_reason, "%.*s", SLICE_ARG(reason));
}

static void no_deadline(struct client *c, uint64_t due_ms)
{
    (void)c, (void)due_ms;
}

static void no_resume(struct client *c)
{
    (void)c;
}

static size_t nothing_queued(const struct client *c)
{
    (void)c;
    return 0;
}

static void joined_space(struct client *c, uint32_t space)
{
    (void)c, (void)space;
}

static const struct client_port port = { .form = PUBLICATION_FORM_JSON,
                                         .metric_transport = METRIC_TRANSPORT_WEBSOCKET,
                                         .encode_publication = encode_publication,
                                         .message = make_message,
                                         .send = keep_message,
                                         .close = on_close,
                                         .set_deadline = no_deadline,
                                         .resume = no_resume,
                                         .queued = nothing_queued,
                                         .joined_space = joined_space };

static void quieten(struct harness *h)
{
    for (unsigned i = 0; i < 60; i++) {
        if (i % 4 == 0) breathe();
        harness_turn(h);
    }
}

void harness_send(struct harness *h, struct harness_client *c, const char *command)
{
    (void)client_receive(&c->client, slice_from_cstr(command));
    quieten(h);
}

struct harness_client *harness_connect(struct harness *h, uint32_t worker, const char *token)
{
    uint32_t slot = 0;
    while (h->clients[slot].in_use) slot++;
    assert_true(slot < HARNESS_CLIENTS);
    struct harness_client *c = &h->clients[slot];
    c->in_use = true;
    c->worker = worker;
    c->generation++;
    c->close_code = 0;
    buf_init(&c->out, BUF_NO_LIMIT);
    client_init(&c->client, &h->workers[worker].engine, &port, (struct handle){ slot, c->generation, worker });
    struct buf command;
    buf_init(&command, BUF_NO_LIMIT);
    buf_printf(&command, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    (void)client_receive(&c->client, buf_slice(&command));
    buf_deinit(&command);
    quieten(h);
    return c;
}

const char *harness_received(struct harness *h, struct harness_client *c)
{
    static char text[TEXT_MAX];
    quieten(h);
    size_t len = c->out.len < sizeof text - 1 ? c->out.len : sizeof text - 1;
    if (len) memcpy(text, c->out.ptr, len);
    text[len] = '\0';
    buf_clear(&c->out);
    return text;
}

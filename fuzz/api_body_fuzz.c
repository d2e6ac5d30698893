/* The first byte chooses family and method, the rest is a hostile body from somebody
 * who has the key. Whatever comes out as JSON must be JSON. */
#include <stdio.h>

#include "api/api.h"
#include "base/check.h"
#include "base/mem.h"
#include "broker/memory/memory_broker.h"
#include "broker/memory/memory_map_broker.h"
#include "crypto/crypto_hash.h"
#include "json/json_reader.h"

static const char *const names[] = { "publish",    "broadcast",
                                     "subscribe",  "unsubscribe",
                                     "disconnect", "refresh",
                                     "presence",   "presence_stats",
                                     "history",    "history_remove",
                                     "info",       "channels",
                                     "token",      "subscription-token",
                                     "publish",    "rpc",
                                     "batch",      "" };
/* Those of the project API among them. */
#define PROJECT_FIRST 12u
#define PROJECT_LAST  14u

static struct engine_shared shared;
static struct engine engine;
static struct mailbox box;
static struct post_office office = { .count = 1 };
static struct mailbox_wakes wakes;
static struct api_call call;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy *make_policy(void)
{
    struct policy_deployment *d = policy_deployment_new();
    struct policy_project *project = mem_must_alloc_zero(sizeof *project);
    struct policy_key *key = mem_must_alloc_zero(sizeof *key);
    d->without_namespace.options = (struct policy_channel_options){
        .presence = true, .history_size = 4, .history_ttl_ms = 1000, .history_meta_ttl_ms = 1000
    };
    d->namespace_boundary = mem_copy(SLICE(":"));
    d->limits = (struct policy_limits){ .channel_limit = 8, .queue_bytes_max = 65536, .channel_len_max = 255 };
    d->token.hmac_secret_key = mem_copy(SLICE("secret"));
    d->api_insecure = true;
    policy_deployment_seal(d);
    (void)snprintf(project->id, sizeof project->id, "proj_fuzz");
    crypto_sha256(SLICE("sk"), key->hash);
    return policy_new(1, d, project, 1, key, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct broker_links links = { .office = &office,
                                        .worker_count = 1,
                                        .deliver_publication = engine_deliver_publication,
                                        .deliver_completion = engine_deliver_completion,
                                        .deliver_gap = engine_deliver_gap };
    const struct memory_broker_options options = { .shard_count = 2, .history_bytes_max = 1u << 20 };
    const struct engine_worker worker = { 0 };
    CHECK(mailbox_init(&box, &engine, MAILBOX_LIMITS_DEFAULT));
    office.boxes[0] = &box;
    shared = (struct engine_shared){ .office = &office, .worker_count = 1, .registry = registry_new() };
    shared.node.version = "0.1.0";
    shared.metrics[0] = metrics_new();
    struct broker_links map_links = links;
    map_links.deliver_publication = engine_deliver_map_publication;
    map_links.deliver_gap = engine_deliver_map_gap;
    shared.broker = memory_broker_new(&links, &options);
    shared.map_broker = memory_map_broker_new(&map_links, &options);
    CHECK(engine_init(&engine, &shared, 0, &worker, make_policy(), &wakes) == STATUS_OK);
    engine.now_ms = 1000;
    engine.wall_ms = INT64_C(1800000000000);
    api_call_init(&call, &engine);
    return 0;
}

/* One value, or in the legacy form one a line. */
static void check_json(struct slice text)
{
    while (text.len > 0) {
        ptrdiff_t end = slice_index(text, '\n');
        CHECK(json_valid(end < 0 ? text : slice_head(text, (size_t)end), JSON_DEPTH_CEILING));
        text = end < 0 ? SLICE("") : slice_from(text, (size_t)end + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_header headers[] = { { { "authorization", 13 }, { "apikey sk", 9 } } };
    const struct http_request http = { .method = HTTP_METHOD_POST, .headers = headers, .header_count = 1 };
    if (size == 0) return 0;
    unsigned index = data[0] % ARRAY_COUNT(names);
    const struct api_request request = { .family =
                                             index < PROJECT_FIRST || index > PROJECT_LAST ? API_ENGINE : API_PROJECT,
                                         .name = slice_from_cstr(names[index]),
                                         .http = &http,
                                         .body = slice_of(data + 1, size - 1),
                                         .handle = { 1, 1, 0 } };
    enum api_outcome outcome = api_start(&call, &request);
    while (outcome == API_AGAIN) outcome = api_continue(&call);
    CHECK(outcome == API_ANSWERED && call.status >= 200);
    if (slice_eq(call.content_type, SLICE("application/json"))) check_json(buf_slice(&call.body));
    engine.now_ms++;
    (void)shared.broker->ops->sweep(shared.broker,
                                    &(struct broker_context){ 0, engine.now_ms, engine.wall_ms, &wakes });
    return 0;
}

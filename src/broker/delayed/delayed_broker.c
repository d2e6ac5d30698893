#include "broker/delayed/delayed_broker.h"

#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/mem.h"
#include "broker/delayed/delayed_request.h"

#define JOBS_MAX  65536
#define BYTES_MAX ((size_t)64 << 20)
#define LANES     256 /* calls in one lane keep their order; a channel is always in one lane */

struct job {
    struct heap_node due; /* key: microseconds */
    struct delayed_request request;
    struct broker_ticket ticket;
    struct broker_completion *completion; /* owns; NULL = nobody waits */
    uint32_t worker;
    uint64_t now_ms, queued_us;
    int64_t wall_ms;
    size_t cost;
    _Alignas(8) char bytes[];
};

struct delayed_broker {
    struct broker broker;
    struct broker *inner; /* owns */
    struct broker_links links;
    uint64_t delay_us;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct heap jobs;
    size_t bytes;
    uint64_t lane_due_us[LANES];     /* of the last call in the lane */
    uint32_t lane_subscribes[LANES]; /* subscribe calls not yet carried out */
    uint64_t random;
    bool stopping;
};

static struct delayed_broker *of(struct broker *b)
{
    return container_of(b, struct delayed_broker, broker);
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- queueing, on the caller's thread ---- */

static void job_free(struct job *job)
{
    broker_completion_free(job->completion);
    mem_free(job);
}

static struct job *job_new(const struct broker_context *c, const struct delayed_request *request,
                           struct broker_ticket ticket)
{
    size_t len = sizeof(struct job) + delayed_request_len(request);
    struct job *job = mem_alloc(len);
    if (!job) return NULL;
    *job = (struct job){
        .due.index = HEAP_OUTSIDE,
        .ticket = ticket,
        .worker = c->worker,
        .now_ms = c->now_ms,
        .wall_ms = c->wall_ms,
        .queued_us = clock_us(),
        .cost = len,
    };
    delayed_request_copy(&job->request, request, job->bytes);
    if (!delayed_request_is_answered(request)) return job;
    job->completion = mem_alloc_zero(sizeof *job->completion);
    if (job->completion) return job;
    mem_free(job);
    return NULL;
}

static uint64_t next_random(struct delayed_broker *d) /* xorshift64 */
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    return d->random ^= d->random << 17;
}

static size_t lane_of(uint32_t space, struct slice channel)
{
    return hash_bytes(channel, space) % LANES;
}

/* Later than all that is before it in its lane. */
static uint64_t due_of(struct delayed_broker *d, const struct job *job)
{
    uint64_t *lane = &d->lane_due_us[lane_of(job->request.space, job->request.channel)];
    uint64_t due = job->queued_us + next_random(d) % (2 * d->delay_us + 1);
    if (due <= *lane) due = *lane + 1;
    return *lane = due;
}

/* must: a call that cannot be refused. */
static enum status queue(struct delayed_broker *d, struct job *job, bool must)
{
    enum status status = STATUS_OVERLOADED;
    pthread_mutex_lock(&d->lock);
    if (must || (d->jobs.count < JOBS_MAX && d->bytes + job->cost <= BYTES_MAX)) {
        status = heap_set(&d->jobs, &job->due, due_of(d, job));
        if (status == STATUS_OK) {
            d->bytes += job->cost;
            if (job->request.call == DELAYED_SUBSCRIBE)
                d->lane_subscribes[lane_of(job->request.space, job->request.channel)]++;
        }
        pthread_cond_signal(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    if (status != STATUS_OK) job_free(job);
    return status;
}

static enum status delay(struct broker *b, const struct broker_context *c, const struct delayed_request *request,
                         struct broker_ticket ticket)
{
    struct job *job = job_new(c, request, ticket);
    return job ? queue(of(b), job, false) : STATUS_NO_MEMORY;
}

static void must_delay(struct broker *b, const struct broker_context *c, const struct delayed_request *request)
{
    struct job *job = job_new(c, request, (struct broker_ticket){ 0 });
    CHECK(job && queue(of(b), job, true) == STATUS_OK);
}

static enum broker_answer answer(enum status queued, struct broker_result *result)
{
    if (queued == STATUS_OK) return BROKER_PENDING;
    *result = (struct broker_result){ .status = queued };
    return BROKER_DONE;
}

static enum broker_answer publish(struct broker *b, const struct broker_context *c, const struct broker_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_PUBLISH, .space = r->space, .channel = r->channel, .publish = *r
    };
    return answer(delay(b, c, &request, ticket), result);
}

static enum broker_answer subscribe(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                    struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_SUBSCRIBE, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return answer(delay(b, c, &request, ticket), result);
}

static enum broker_answer regain(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_REGAIN, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return answer(delay(b, c, &request, ticket), result);
}

static void unsubscribe(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    /* Effective at once, as the interface says, unless a subscribe must not be overtaken. */
    struct delayed_broker *d = of(b);
    pthread_mutex_lock(&d->lock);
    bool overtakes = d->lane_subscribes[lane_of(space, channel)] > 0;
    pthread_mutex_unlock(&d->lock);
    if (overtakes) {
        must_delay(b, c, &(struct delayed_request){ .call = DELAYED_UNSUBSCRIBE, .space = space, .channel = channel });
    } else {
        d->inner->ops->unsubscribe(d->inner, c, space, channel);
    }
}

static enum broker_answer history(struct broker *b, const struct broker_context *c, const struct broker_history *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_HISTORY, .space = r->space, .channel = r->channel, .history = *r
    };
    return answer(delay(b, c, &request, ticket), result);
}

static enum broker_answer history_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_HISTORY_REMOVE, .space = space, .channel = channel };
    return answer(delay(b, c, &request, ticket), result);
}

static enum status presence_add(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                                const struct publication_info *info)
{
    struct delayed_request request = {
        .call = DELAYED_PRESENCE_ADD, .space = space, .channel = channel, .presence_add = *info
    };
    return delay(b, c, &request, (struct broker_ticket){ 0 });
}

static void presence_remove(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                            struct slice client)
{
    must_delay(b, c,
               &(struct delayed_request){
                   .call = DELAYED_PRESENCE_REMOVE, .space = space, .channel = channel, .presence_remove = client });
}

static enum broker_answer presence(struct broker *b, const struct broker_context *c, uint32_t space,
                                   struct slice channel, bool stats_only, struct broker_ticket ticket,
                                   struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_PRESENCE, .space = space, .channel = channel, .presence_stats_only = stats_only
    };
    return answer(delay(b, c, &request, ticket), result);
}

static bool sweep(struct broker *b, const struct broker_context *c)
{
    return of(b)->inner->ops->sweep(of(b)->inner, c);
}

static bool channels(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return of(b)->inner->ops->channels(of(b)->inner, space, cursor, visit, context);
}

static uint64_t channel_count(struct broker *b)
{
    return of(b)->inner->ops->channel_count(of(b)->inner);
}

/* ---- carrying out, on the broker's own thread ---- */

static void complete(struct delayed_broker *d, struct job *job, const struct broker_result *result, uint64_t now_ms,
                     struct mailbox_wakes *wakes)
{
    struct broker_completion *completion = job->completion;
    uint32_t worker = job->ticket.handle.worker;
    job->completion = NULL;
    *completion = (struct broker_completion){
        .mail = { .deliver = d->links.deliver_completion, .cost = sizeof *completion },
        .ticket = job->ticket,
        .result = *result,
    };
    mailbox_post(d->links.office->boxes[worker], MAILBOX_WORK, &completion->mail, now_ms);
    mailbox_wakes_add(wakes, worker);
}

static void carry_out(struct delayed_broker *d, struct job *job)
{
    uint64_t passed_ms = (clock_us() - job->queued_us) / 1000;
    struct mailbox_wakes wakes = { 0 };
    struct broker_context context = {
        .worker = job->worker,
        .now_ms = job->now_ms + passed_ms,
        .wall_ms = job->wall_ms + (int64_t)passed_ms,
        .wakes = &wakes,
    };
    struct broker_result result;
    enum broker_answer done = delayed_request_run(&job->request, d->inner, &context, job->ticket, &result);
    if (done == BROKER_DONE && job->completion) complete(d, job, &result, context.now_ms, &wakes);
    mailbox_wakes_send(&wakes, d->links.office);
    job_free(job);
}

/* With the lock held: the next job whose time has come, or NULL when stopping. */
static struct job *next_job(struct delayed_broker *d)
{
    while (!d->stopping) {
        struct heap_node *top = heap_top(&d->jobs);
        if (!top) {
            pthread_cond_wait(&d->changed, &d->lock);
        } else if (top->key > clock_us()) {
            struct timespec until = { (time_t)(top->key / 1000000), (long)(top->key % 1000000 * 1000) };
            pthread_cond_timedwait(&d->changed, &d->lock, &until);
        } else {
            struct job *job = container_of(top, struct job, due);
            heap_remove(&d->jobs, top);
            d->bytes -= job->cost;
            return job;
        }
    }
    return NULL;
}

static void *work(void *context)
{
    struct delayed_broker *d = context;
    struct job *job;
    pthread_mutex_lock(&d->lock);
    while ((job = next_job(d))) {
        pthread_mutex_unlock(&d->lock);
        bool subscribes = job->request.call == DELAYED_SUBSCRIBE;
        size_t lane = lane_of(job->request.space, job->request.channel);
        carry_out(d, job);
        pthread_mutex_lock(&d->lock);
        if (subscribes) d->lane_subscribes[lane]--;
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- its life ---- */

/* What is queued now or later is never carried out. */
static void stop(struct broker *b)
{
    struct delayed_broker *d = of(b);
    pthread_mutex_lock(&d->lock);
    bool running = !d->stopping;
    d->stopping = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (running) pthread_join(d->thread, NULL);
}

static void free_broker(struct broker *b)
{
    struct delayed_broker *d = of(b);
    stop(b);
    for (struct heap_node *top; (top = heap_top(&d->jobs));) {
        heap_remove(&d->jobs, top);
        job_free(container_of(top, struct job, due));
    }
    heap_deinit(&d->jobs);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    d->inner->ops->free(d->inner);
    mem_free(d);
}

static const struct broker_ops ops = {
    .publish = publish,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .history = history,
    .history_remove = history_remove,
    .presence_add = presence_add,
    .presence_remove = presence_remove,
    .presence = presence,
    .regain = regain,
    .sweep = sweep,
    .channels = channels,
    .channel_count = channel_count,
    .stop = stop,
    .free = free_broker,
};

struct broker *delayed_broker_new(struct broker *inner, const struct broker_links *links, uint32_t delay_ms)
{
    struct delayed_broker *d = mem_must_alloc_zero(sizeof *d);
    d->broker.ops = &ops;
    d->inner = inner;
    d->links = *links;
    d->delay_us = (uint64_t)delay_ms * 1000;
    d->random = clock_us() | 1;
    heap_init(&d->jobs);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    CHECK(pthread_create(&d->thread, NULL, work, d) == 0);
    return &d->broker;
}

#include "broker/delayed/delayed_queue.h"

#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/mem.h"

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

struct delayed_queue {
    const struct delayed_target *target;
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

static uint64_t next_random(struct delayed_queue *q) /* xorshift64 */
{
    q->random ^= q->random << 13;
    q->random ^= q->random >> 7;
    return q->random ^= q->random << 17;
}

static size_t lane_of(uint32_t space, struct slice channel)
{
    return hash_bytes(channel, space) % LANES;
}

/* Later than all that is before it in its lane. */
static uint64_t due_of(struct delayed_queue *q, const struct job *job)
{
    uint64_t *lane = &q->lane_due_us[lane_of(job->request.space, job->request.channel)];
    uint64_t due = job->queued_us + next_random(q) % (2 * q->delay_us + 1);
    if (due <= *lane) due = *lane + 1;
    return *lane = due;
}

/* must: a call that cannot be refused. */
static enum status queue(struct delayed_queue *q, struct job *job, bool must)
{
    enum status status = STATUS_OVERLOADED;
    pthread_mutex_lock(&q->lock);
    if (must || (q->jobs.count < JOBS_MAX && q->bytes + job->cost <= BYTES_MAX)) {
        status = heap_set(&q->jobs, &job->due, due_of(q, job));
        if (status == STATUS_OK) {
            q->bytes += job->cost;
            if (job->request.call == DELAYED_SUBSCRIBE)
                q->lane_subscribes[lane_of(job->request.space, job->request.channel)]++;
        }
        pthread_cond_signal(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    if (status != STATUS_OK) job_free(job);
    return status;
}

enum status delayed_queue_add(struct delayed_queue *q, const struct broker_context *c,
                              const struct delayed_request *request, struct broker_ticket ticket)
{
    struct job *job = job_new(c, request, ticket);
    return job ? queue(q, job, false) : STATUS_NO_MEMORY;
}

enum broker_answer delayed_queue_call(struct delayed_queue *q, const struct broker_context *c,
                                      const struct delayed_request *request, struct broker_ticket ticket,
                                      struct broker_result *result)
{
    enum status status = delayed_queue_add(q, c, request, ticket);
    if (status == STATUS_OK) return BROKER_PENDING;
    *result = (struct broker_result){ .status = status };
    return BROKER_DONE;
}

void delayed_queue_must(struct delayed_queue *q, const struct broker_context *c, const struct delayed_request *request)
{
    struct job *job = job_new(c, request, (struct broker_ticket){ 0 });
    CHECK(job && queue(q, job, true) == STATUS_OK);
}

bool delayed_queue_overtakes(struct delayed_queue *q, uint32_t space, struct slice channel)
{
    pthread_mutex_lock(&q->lock);
    bool overtakes = q->lane_subscribes[lane_of(space, channel)] > 0;
    pthread_mutex_unlock(&q->lock);
    return overtakes;
}

/* ---- carrying out, on the broker's own thread ---- */

static void complete(struct delayed_queue *q, struct job *job, const struct broker_result *result, uint64_t now_ms,
                     struct mailbox_wakes *wakes)
{
    struct broker_completion *completion = job->completion;
    uint32_t worker = job->ticket.handle.worker;
    job->completion = NULL;
    *completion = (struct broker_completion){
        .mail = { .deliver = q->links.deliver_completion, .cost = sizeof *completion },
        .ticket = job->ticket,
        .result = *result,
    };
    mailbox_post(q->links.office->boxes[worker], MAILBOX_WORK, &completion->mail, now_ms);
    mailbox_wakes_add(wakes, worker);
}

static void carry_out(struct delayed_queue *q, struct job *job)
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
    enum broker_answer done = delayed_request_run(&job->request, q->target, &context, job->ticket, &result);
    if (done == BROKER_DONE && job->completion) complete(q, job, &result, context.now_ms, &wakes);
    mailbox_wakes_send(&wakes, q->links.office);
    job_free(job);
}

/* With the lock held: the next job whose time has come, or NULL when stopping. */
static struct job *next_job(struct delayed_queue *q)
{
    while (!q->stopping) {
        struct heap_node *top = heap_top(&q->jobs);
        if (!top) {
            pthread_cond_wait(&q->changed, &q->lock);
        } else if (top->key > clock_us()) {
            struct timespec until = { (time_t)(top->key / 1000000), (long)(top->key % 1000000 * 1000) };
            pthread_cond_timedwait(&q->changed, &q->lock, &until);
        } else {
            struct job *job = container_of(top, struct job, due);
            heap_remove(&q->jobs, top);
            q->bytes -= job->cost;
            return job;
        }
    }
    return NULL;
}

static void *work(void *context)
{
    struct delayed_queue *q = context;
    struct job *job;
    pthread_mutex_lock(&q->lock);
    while ((job = next_job(q))) {
        pthread_mutex_unlock(&q->lock);
        bool subscribes = job->request.call == DELAYED_SUBSCRIBE;
        size_t lane = lane_of(job->request.space, job->request.channel);
        carry_out(q, job);
        pthread_mutex_lock(&q->lock);
        if (subscribes) q->lane_subscribes[lane]--;
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* ---- its life ---- */

struct delayed_queue *delayed_queue_new(const struct delayed_target *target, const struct broker_links *links,
                                        uint32_t delay_ms)
{
    struct delayed_queue *q = mem_must_alloc_zero(sizeof *q);
    q->target = target;
    q->links = *links;
    q->delay_us = (uint64_t)delay_ms * 1000;
    q->random = clock_us() | 1;
    heap_init(&q->jobs);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    CHECK(pthread_create(&q->thread, NULL, work, q) == 0);
    return q;
}

void delayed_queue_stop(struct delayed_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool running = !q->stopping;
    q->stopping = true;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
    if (running) pthread_join(q->thread, NULL);
}

void delayed_queue_free(struct delayed_queue *q)
{
    delayed_queue_stop(q);
    for (struct heap_node *top; (top = heap_top(&q->jobs));) {
        heap_remove(&q->jobs, top);
        job_free(container_of(top, struct job, due));
    }
    heap_deinit(&q->jobs);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

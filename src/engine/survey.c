#include "engine/survey.h"

#include "base/mem.h"
#include "engine/survey_rows.h"

#define ANSWER_BYTES_MAX ((size_t)16 << 20)
/* So many looks at a thing between two looks at the clock; and at most so many in a turn,
 * where there is no clock. */
#define LOOKS_PER_CLOCK 16
#define LOOKS_PER_TURN  4096

static void deliver(struct mail *mail, void *worker_context);

/* ---- home again ---- */

static void free_survey(struct survey *s)
{
    buf_deinit(&s->out);
    mem_free(s);
}

static void deliver_home(struct mail *mail, void *worker_context)
{
    struct survey *s = container_of(mail, struct survey, mail);
    struct engine *e = engine_of_worker(worker_context);
    s->is_back = true;
    if (s->request.publish && buf_ok(&s->out)) events_send_overview(e, s->request.space, buf_slice(&s->out));
    if (s->is_released)
        free_survey(s);
    else
        e->worker.effect_done(e->worker.context, s->handle, s->operation, 0);
}

static void post(struct survey *s, struct engine *e, uint32_t worker, void (*deliver_to)(struct mail *, void *))
{
    s->mail = (struct mail){ .deliver = deliver_to };
    mailbox_post(e->shared->office->boxes[worker], MAILBOX_CONTROL, &s->mail, e->now_ms);
    mailbox_wakes_add(e->wakes, worker);
}

static void go_home(struct survey *s, struct engine *e)
{
    survey_write_end(s, e);
    post(s, e, s->handle.worker, deliver_home);
}

/* This worker has no more of it. */
static void go_on(struct survey *s, struct engine *e)
{
    s->at.at = 0;
    if (++s->at.worker < e->shared->worker_count)
        post(s, e, s->at.worker, deliver);
    else
        go_home(s, e);
}

/* ---- connections ---- */

static bool is_full(const struct survey *s)
{
    return s->count >= s->request.limit || !buf_ok(&s->out);
}

/* Nobody of this user, or on this channel, is on this worker. */
static bool nobody_here(const struct survey *s, const struct engine *e)
{
    const struct survey_request *r = &s->request;
    return (r->user.len > 0 && !hub_user_find(&e->hub, r->space, r->user)) ||
           (r->channel.len > 0 && !hub_channel_find(&e->hub, r->space, r->channel));
}

/* One more client; false: there is no more on this worker. */
static bool look_at_client(struct survey *s, struct engine *e)
{
    uint32_t slot = (uint32_t)s->at.at;
    const struct client *c = e->worker.client_next(e->worker.context, &slot);
    if (!c) return false;
    s->at.at = slot;
    if (!survey_wants(s, c)) return true;
    survey_write_client(s, c);
    s->count++;
    return true;
}

/* ---- channels ---- */

/* Channels are of no worker: the place's worker says whether they are streams, or maps. */
enum { STREAMS, MAPS };

struct channel_visit {
    struct survey *survey;
    struct engine *engine;
    uint32_t index;
};

static void on_channel(struct slice name, uint32_t subscribers, void *context)
{
    struct channel_visit *visit = context;
    struct survey *s = visit->survey;
    if (visit->index++ < s->at.skip || is_full(s)) return;
    s->at.skip = visit->index;
    if (!slice_starts_with(name, s->request.prefix)) return;
    survey_write_channel(s, visit->engine, name, subscribers, s->at.worker == MAPS);
    s->count++;
}

/* One slice of a broker's channels; false: that was its last. */
static bool next_channels(struct survey *s, struct engine *e, uint64_t *cursor, struct channel_visit *visit)
{
    const struct engine_shared *shared = e->shared;
    if (s->at.worker == STREAMS)
        return shared->broker->ops->channels(shared->broker, s->request.space, cursor, on_channel, visit);
    return shared->map_broker &&
           shared->map_broker->ops->channels(shared->map_broker, s->request.space, cursor, on_channel, visit);
}

/* False: there are no more channels. A page that is full in the middle of a slice begins the
 * next one with the rest of it. */
static bool look_at_channels(struct survey *s, struct engine *e)
{
    struct channel_visit visit = { s, e, 0 };
    uint64_t cursor = s->at.at;
    const bool more = next_channels(s, e, &cursor, &visit);
    if (is_full(s) && s->at.skip < visit.index) return true;
    s->at = (struct survey_place){ .worker = s->at.worker, .at = cursor };
    if (more) return true;
    s->at = (struct survey_place){ .worker = s->at.worker + 1 };
    return s->at.worker <= MAPS;
}

/* ---- a turn ---- */

static bool look(struct survey *s, struct engine *e)
{
    return s->request.kind == SURVEY_CHANNELS ? look_at_channels(s, e) : look_at_client(s, e);
}

/* False: this worker has shown all. */
static bool look_for_a_while(struct survey *s, struct engine *e)
{
    const uint64_t end_ns = engine_clock_ns(e) + SURVEY_SLICE_NS;
    for (uint32_t i = 1; i <= LOOKS_PER_TURN && !is_full(s); i++) {
        if (!look(s, e)) return false;
        if (i % LOOKS_PER_CLOCK == 0 && engine_clock_ns(e) > end_ns) break;
    }
    return true;
}

static bool step(struct engine *e, struct engine_task *task)
{
    struct survey *s = container_of(task, struct survey, task);
    const bool more = look_for_a_while(s, e);
    if (more && !is_full(s)) return true;
    s->has_more = more;
    if (more || s->request.kind == SURVEY_CHANNELS)
        go_home(s, e);
    else
        go_on(s, e);
    return false;
}

/* ---- the way ---- */

static void work(struct survey *s, struct engine *e)
{
    const enum survey_kind kind = s->request.kind;
    if (kind == SURVEY_OVERVIEW) {
        survey_add_counts(s, e);
        go_on(s, e);
    } else if (kind == SURVEY_NODES) {
        survey_write_node(s, e);
        go_home(s, e);
    } else if (kind != SURVEY_CHANNELS && nobody_here(s, e)) {
        go_on(s, e);
    } else {
        s->task.step = step;
        engine_task_start(e, &s->task);
    }
}

static void deliver(struct mail *mail, void *worker_context)
{
    work(container_of(mail, struct survey, mail), engine_of_worker(worker_context));
}

static char *copy_bytes(struct slice *text, char *at)
{
    if (text->len) memcpy(at, text->ptr, text->len);
    text->ptr = at;
    return at + text->len;
}

static struct survey *survey_new(const struct survey_request *r)
{
    const size_t len = r->user.len + r->client.len + r->channel.len + r->address.len + r->sdk.len + r->prefix.len;
    struct survey *s = mem_alloc(sizeof *s + len + 1);
    if (!s) return NULL;
    *s = (struct survey){ .request = *r, .at = r->from };
    char *at = s->bytes;
    struct slice *const texts[] = { &s->request.user,    &s->request.client, &s->request.channel,
                                    &s->request.address, &s->request.sdk,    &s->request.prefix };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) at = copy_bytes(texts[i], at);
    if (r->kind == SURVEY_CONNECTION) s->request.limit = 1;
    buf_init(&s->out, ANSWER_BYTES_MAX);
    s->json = json_writer_to(&s->out);
    return s;
}

struct survey *survey_start(struct engine *e, const struct survey_request *request, struct handle handle,
                            uint32_t operation)
{
    struct survey *s = survey_new(request);
    if (!s) return NULL;
    s->handle = handle;
    s->operation = operation;
    survey_write_begin(s);
    if (request->kind == SURVEY_CHANNELS || request->kind == SURVEY_NODES)
        work(s, e); /* what all workers share: it is the same from each */
    else if (s->at.worker < e->shared->worker_count)
        post(s, e, s->at.worker, deliver);
    else
        go_home(s, e);
    return s;
}

struct slice survey_result(const struct survey *s, bool *failed)
{
    *failed = !buf_ok(&s->out);
    return *failed ? (struct slice){ 0 } : buf_slice(&s->out);
}

void survey_release(struct survey *s)
{
    if (!s) return;
    if (s->is_back)
        free_survey(s);
    else
        s->is_released = true;
}

/* ---- places ---- */

static bool next_number(struct slice *text, uint64_t *out)
{
    const ptrdiff_t end = slice_index(*text, '.');
    const struct slice digits = end < 0 ? *text : slice_head(*text, (size_t)end);
    *text = end < 0 ? slice_from(*text, text->len) : slice_from(*text, (size_t)end + 1);
    return slice_to_u64(digits, out);
}

bool survey_place_read(struct slice text, struct survey_place *out)
{
    uint64_t worker, at, skip;
    if (!next_number(&text, &worker) || !next_number(&text, &at) || !next_number(&text, &skip) || text.len > 0 ||
        worker > POST_OFFICE_MAX || skip > UINT32_MAX)
        return false;
    *out = (struct survey_place){ (uint32_t)worker, at, (uint32_t)skip };
    return true;
}

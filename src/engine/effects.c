#include "engine/effects.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/client_map.h"
#include "engine/connect_work.h"
#include "engine/effect_run.h"

/* Clients worked on in one turn of a worker. */
#define CLIENTS_PER_TURN 64

/* The request, copied once and shared by the workers that carry it out. */
struct effect {
    struct effect_request request; /* its slices point behind the struct */
    struct countdown *countdown;
    atomic_uint refs;
    struct effect_mail {
        struct mail mail;
        struct engine_task begin; /* while memory for the run is out */
        struct effect *effect;
    } mails[POST_OFFICE_MAX];
    char bytes[];
};

/* One worker's part. */
struct effect_run {
    struct engine_task task;
    struct engine *engine;
    struct effect *effect; /* one reference */
    uint32_t at, count;    /* of targets */
    uint32_t waiting;      /* clients whose part is pending at the broker */
    uint32_t affected;
    bool walked; /* all targets were looked at */
    struct handle targets[];
};

static void effect_unref(struct effect *effect)
{
    /* acq_rel: what other workers did with it happens before it is freed */
    if (atomic_fetch_sub_explicit(&effect->refs, 1, memory_order_acq_rel) != 1) return;
    mem_free(effect);
}

static bool run_end_if_complete(struct effect_run *run)
{
    if (!run->walked || run->waiting > 0) return false;
    countdown_done(run->effect->countdown, run->affected, run->engine->now_ms);
    effect_unref(run->effect);
    mem_free(run);
    return true;
}

void effect_run_step_done(struct effect_run *run, bool affected)
{
    run->waiting--;
    if (affected) run->affected++;
    (void)run_end_if_complete(run);
}

/* ---- what is done to one client ---- */

static void finish_server_subscribe(struct client *c, struct operation *op, struct broker_result *result)
{
    struct subscription *sub = op->sub;
    struct effect_run *run = op->effect;
    op->effect = NULL;
    if (sub && result->status != STATUS_OK) {
        client_disconnect(c, DISCONNECT_INTERNAL);
    } else if (sub) {
        const struct broker_position *top = &result->subscribe.top;
        const struct effect_request *request = &run->effect->request;
        client_settle_subscription(c, sub, &result->subscribe);
        bool positioned = (sub->flags & SUB_POSITIONED) != 0;
        struct push push = {
            .kind = PUSH_SUBSCRIBE,
            .channel = hub_channel_name(sub->channel),
            .subscribe = { .recoverable = (sub->flags & SUB_RECOVERABLE) != 0,
                           .positioned = positioned,
                           .epoch = positioned ? slice_from_cstr(top->epoch) : (struct slice){ 0 },
                           .offset = !positioned                   ? 0
                                     : result->subscribe.recovered ? request->recover_since.offset
                                                                   : top->offset,
                           .data = held_bytes_slice(op->data) },
        };
        if (client_can_read_bytes(c, op->data)) client_push(c, &push);
        client_announce(c, sub);
        client_flush_backlog(c, sub);
    }
    effect_run_step_done(run, sub != NULL);
}

/* A client that is subscribed already gets the new info, data and expiry as if it had not
 * been, but its place in the stream and among those present stays: nothing on its way to
 * it may be lost. */
static void subscribe_again(struct client *c, struct subscription *sub, const struct subscription_plan *plan,
                            struct slice data_bytes)
{
    const uint16_t kept = SUB_POSITIONED | SUB_RECOVERABLE | SUB_REGISTERED | SUB_FROM_TOKEN | SUB_DELTA |
                          SUB_DELTA_READY | (uint16_t)(sub->flags & SUB_PRESENCE);
    struct held_bytes *info = held_bytes_copy(plan->chan_info), *data = held_bytes_copy(data_bytes);
    if (held_bytes_failed(info, plan->chan_info) || held_bytes_failed(data, data_bytes)) {
        held_bytes_free(info);
        held_bytes_free(data);
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    held_bytes_free(sub->chan_info);
    sub->chan_info = info;
    sub->flags = (uint16_t)((sub->flags & kept) | (plan->flags & ~kept));
    if (plan->expire_at_s > 0) client_expire_subscription(c, sub, plan->expire_at_s);
    const bool positioned = (sub->flags & SUB_POSITIONED) != 0;
    const struct push push = { .kind = PUSH_SUBSCRIBE,
                               .channel = hub_channel_name(sub->channel),
                               .subscribe = { .recoverable = (sub->flags & SUB_RECOVERABLE) != 0,
                                              .positioned = positioned,
                                              .epoch = slice_from_cstr(positioned ? sub->channel->epoch : ""),
                                              .offset = positioned ? sub->channel->offset : 0,
                                              .data = held_bytes_slice(data) } };
    if (client_can_read_bytes(c, data)) client_push(c, &push);
    held_bytes_free(data);
    client_announce(c, sub);
}

static void do_subscribe(struct effect_run *run, struct client *c)
{
    const struct effect_request *r = &run->effect->request;
    struct engine *e = run->engine;
    struct rules_channel channel;
    struct subscription *sub = client_find_subscription(c, r->channel);
    if ((sub && sub->pending) || rules_resolve(e->policy, c->space, r->channel, false, &channel) != 0) return;
    if (r->expire_at_s > 0 && client_seconds_left(e, r->expire_at_s) == 0) {
        run->affected++; /* row OB-06: an error, but only where somebody is concerned */
        return;
    }
    if (!sub && c->subscription_count >= e->policy->deployment->limits.channel_limit) {
        client_disconnect(c, DISCONNECT_CHANNEL_LIMIT);
        return;
    }
    struct subscription_plan plan = {
        .channel = r->channel,
        .options = channel.options,
        .flags = (uint16_t)(client_plan_flags(channel.options, &r->override) | SUB_SERVER_SIDE),
        .chan_info = r->info,
        .expire_at_s = r->expire_at_s,
        /* OB-06: decides the position that is told; what was missed is not delivered */
        .recover = r->has_recover_since,
        .since_offset = r->recover_since.offset,
        .since_epoch = slice_from_cstr(r->recover_since.epoch),
    };
    if (sub) {
        run->affected++;
        subscribe_again(c, sub, &plan, r->data);
        return;
    }
    struct held_bytes *data = held_bytes_copy(r->data);
    struct operation *op =
        held_bytes_failed(data, r->data) ? NULL : operation_new(c, r->channel, finish_server_subscribe);
    if (op) {
        op->effect = run;
        op->since_offset = plan.since_offset;
        run->waiting++;
        op->data = data;
        if (client_start_subscription(c, &plan, op)) return;
        run->waiting--;
    } else {
        held_bytes_free(data);
    }
    client_disconnect(c, DISCONNECT_INTERNAL);
}

static void push_unsubscribed(struct client *c, struct slice channel)
{
    struct push push = { .kind = PUSH_UNSUBSCRIBE,
                         .channel = channel,
                         .unsubscribe = { .code = UNSUBSCRIBE_SERVER,
                                          .reason = unsubscribe_reason(UNSUBSCRIBE_SERVER) } };
    client_push(c, &push);
}

static void do_unsubscribe(struct effect_run *run, struct client *c)
{
    const struct effect_request *r = &run->effect->request;
    struct subscription *sub = client_find_subscription(c, r->channel);
    struct map_catch_up *cu = client_map_find(c, r->channel);
    if (cu) {
        run->affected++;
        client_map_drop(c, cu);
        push_unsubscribed(c, r->channel);
    } else if (sub) {
        run->affected++;
        client_unsubscribe_push(c, sub, UNSUBSCRIBE_SERVER);
    } else {
        /* told all the same; with an empty channel, too (OB-03) */
        push_unsubscribed(c, r->channel);
    }
}

static void do_disconnect(struct effect_run *run, struct client *c)
{
    const struct effect_request *r = &run->effect->request;
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    for (size_t i = 0; i < r->whitelist_count; i++)
        if (slice_eq(r->whitelist[i], slice_of(id, CLIENT_ID_LEN))) return;
    if (r->before && c->connect_number >= r->before) return;
    run->affected++;
    client_disconnect_with(c, r->code, r->reason);
    client_gone(c); /* before the effect is answered, so that presence has it no more */
}

static void do_refresh(struct effect_run *run, struct client *c)
{
    const struct effect_request *r = &run->effect->request;
    struct engine *e = run->engine;
    run->affected++;
    uint32_t left_s = client_seconds_left(e, r->expire_at_s);
    if (r->expired || (r->expire_at_s > 0 && left_s == 0)) {
        client_disconnect(c, DISCONNECT_EXPIRED);
        return;
    }
    if (r->info.len > 0) {
        struct held_bytes *info = client_need_extra(c) ? held_bytes_copy(r->info) : NULL;
        if (!info) {
            client_disconnect(c, DISCONNECT_INTERNAL);
            return;
        }
        held_bytes_free(c->extra->conn_info);
        c->extra->conn_info = info;
        client_renew_presence(c);
    }
    struct push push = { .kind = PUSH_REFRESH };
    if (r->expire_at_s > 0) {
        c->expires = true;
        c->stale_or_expire_ms =
            client_expiry_ms(e, r->expire_at_s, e->policy->deployment->limits.expired_close_delay_ms);
        push.refresh.expires = true;
        push.refresh.ttl = left_s;
    } else {
        c->expires = false;
        c->stale_or_expire_ms = 0;
    }
    client_arm(c);
    client_push(c, &push); /* OB-15: on a WebSocket too */
}

static void do_one(struct effect_run *run, struct client *c)
{
    const struct effect_request *r = &run->effect->request;
    if (c->state != CLIENT_CONNECTED && c->state != CLIENT_CONNECTING) return;
    if (r->session.len > 0) return;
    if (r->client.len > 0) {
        char id[CLIENT_ID_LEN + 1];
        client_id_text(c, id);
        if (!slice_eq(r->client, slice_of(id, CLIENT_ID_LEN))) return;
    }
    switch (r->kind) {
    case EFFECT_SUBSCRIBE: do_subscribe(run, c); break;
    case EFFECT_UNSUBSCRIBE: do_unsubscribe(run, c); break;
    case EFFECT_DISCONNECT: do_disconnect(run, c); break;
    case EFFECT_REFRESH: do_refresh(run, c); break;
    }
}

/* Nothing may go to a client before the answer to its connect: the run goes on behind it. */
static bool wait_for_connect(struct effect_run *run, const struct client *c)
{
    if (c->state != CLIENT_CONNECTING || run->effect->request.kind == EFFECT_DISCONNECT) return false;
    struct connect_work *w = connect_work_of(c);
    if (!w) return false;
    list_push_back(&w->waiting, &run->task.link_);
    return true;
}

static bool run_step(struct engine *e, struct engine_task *task)
{
    struct effect_run *run = container_of(task, struct effect_run, task);
    for (int i = 0; i < CLIENTS_PER_TURN && run->at < run->count; i++) {
        struct client *c = e->worker.client_of(e->worker.context, run->targets[run->at]);
        if (c && wait_for_connect(run, c)) return false;
        run->at++;
        if (c) do_one(run, c);
    }
    if (run->at < run->count) return true;
    run->walked = true;
    (void)run_end_if_complete(run);
    return false;
}

/* ---- on each worker ---- */

/* Who is concerned is settled now, so that the walk may take several turns. */
static struct effect_run *run_new(struct engine *e, struct effect *effect)
{
    const struct effect_request *r = &effect->request;
    struct hub_user *user = hub_user_find(&e->hub, r->space, r->user);
    uint32_t count = user ? user->client_count : 0;
    struct effect_run *run = mem_alloc(sizeof *run + count * sizeof run->targets[0]);
    if (!run) return NULL;
    *run = (struct effect_run){ .engine = e, .effect = effect };
    run->task.step = run_step;
    if (!user) return run;
    LIST_EACH(node, next, &user->clients)
    {
        struct client *c = LIST_ENTRY(node, struct client, in_user);
        run->targets[run->count++] = client_handle(c);
    }
    return run;
}

static bool begin_step(struct engine *e, struct engine_task *task)
{
    struct effect_run *run = run_new(e, container_of(task, struct effect_mail, begin)->effect);
    if (!run) return true;
    if (run_step(e, &run->task)) engine_task_start(e, &run->task);
    return false;
}

static void deliver_effect(struct mail *mail, void *worker_context)
{
    struct effect_mail *m = container_of(mail, struct effect_mail, mail);
    struct engine *e = engine_of_worker(worker_context);
    m->begin.step = begin_step;
    if (!begin_step(e, &m->begin)) return;
    LOG_ERROR("out of memory: an effect of the server API has to wait", LOG_U64("worker", e->index));
    engine_task_start(e, &m->begin);
}

static void deliver_done(struct mail *mail, void *worker_context)
{
    struct countdown *c = container_of(mail, struct countdown, mail);
    struct engine *e = engine_of_worker(worker_context);
    if (handle_set(c->handle))
        e->worker.effect_done(e->worker.context, c->handle, c->operation,
                              atomic_load_explicit(&c->affected, memory_order_relaxed));
    countdown_free(c);
}

/* ---- start ---- */

static char *copy_bytes(struct slice *s, char *at)
{
    if (s->len) memcpy(at, s->ptr, s->len);
    s->ptr = at;
    return at + s->len;
}

static struct effect *effect_new(const struct effect_request *request)
{
    size_t len = request->user.len + request->client.len + request->session.len + request->channel.len +
                 request->info.len + request->data.len + request->reason.len +
                 request->whitelist_count * sizeof(struct slice) + _Alignof(struct slice);
    for (size_t i = 0; i < request->whitelist_count; i++) len += request->whitelist[i].len;
    struct effect *effect = mem_alloc(sizeof *effect + len);
    if (!effect) return NULL;
    memset(effect, 0, sizeof *effect);
    effect->request = *request;
    uintptr_t aligned = ((uintptr_t)effect->bytes + _Alignof(struct slice) - 1) & ~(_Alignof(struct slice) - 1);
    struct slice *whitelist = (struct slice *)aligned;
    char *at = (char *)(whitelist + request->whitelist_count);
    struct slice *parts[] = { &effect->request.user,    &effect->request.client, &effect->request.session,
                              &effect->request.channel, &effect->request.info,   &effect->request.data,
                              &effect->request.reason };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) at = copy_bytes(parts[i], at);
    for (size_t i = 0; i < request->whitelist_count; i++) {
        whitelist[i] = request->whitelist[i];
        at = copy_bytes(&whitelist[i], at);
    }
    effect->request.whitelist = whitelist;
    return effect;
}

enum broker_answer engine_effect_start(struct engine *e, const struct effect_request *request, struct handle handle,
                                       uint32_t operation, enum status *status)
{
    struct engine_shared *shared = e->shared;
    *status = STATUS_OK;
    uint64_t workers = registry_workers(shared->registry, request->space, request->user);
    if (!workers) return BROKER_DONE;
    uint32_t parts = (uint32_t)__builtin_popcountll(workers);
    struct effect *effect = effect_new(request);
    struct countdown *countdown = effect ? countdown_new(parts, shared->office, e->index, deliver_done) : NULL;
    if (!countdown) {
        mem_free(effect);
        *status = STATUS_NO_MEMORY;
        return BROKER_DONE;
    }
    countdown->handle = handle;
    countdown->operation = operation;
    effect->countdown = countdown;
    atomic_init(&effect->refs, parts);
    for (uint64_t left = workers; left; left &= left - 1) {
        uint32_t target = (uint32_t)__builtin_ctzll(left);
        struct effect_mail *m = &effect->mails[target];
        m->effect = effect;
        m->mail.deliver = deliver_effect;
        mailbox_post(shared->office->boxes[target], MAILBOX_WORK, &m->mail, e->now_ms);
        mailbox_wakes_add(e->wakes, target);
    }
    return BROKER_PENDING;
}

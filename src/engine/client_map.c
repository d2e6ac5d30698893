#include "engine/client_map.h"

#include "base/mem.h"

struct client_map *client_map_need(struct client *c)
{
    struct client_extra *extra = client_need_extra(c);
    if (extra && !extra->map) extra->map = mem_alloc_zero(sizeof *extra->map);
    return extra ? extra->map : NULL;
}

static struct client_map *map_of(const struct client *c)
{
    return c->extra ? c->extra->map : NULL;
}

struct map_options client_map_options(const struct engine *e, const struct policy_channel_options *o)
{
    const struct policy_map_options *m = &o->map;
    return (struct map_options){
        .key_ttl_ms = m->key_ttl_ms,
        .stream = { .size = m->stream_size,
                    .ttl_ms = m->stream_ttl_ms,
                    .meta_ttl_ms = m->meta_ttl_ms ? m->meta_ttl_ms : BROKER_NEVER_MS,
                    .policy_version = e->policy->version },
    };
}

/* ---- the catch-ups of a client ---- */

struct map_catch_up *client_map_find(const struct client *c, struct slice channel)
{
    const struct client_map *m = map_of(c);
    struct map_catch_up *cu = m ? m->catch_ups : NULL;
    while (cu && !slice_eq(map_catch_up_channel(cu), channel)) cu = cu->next;
    return cu;
}

static uint64_t late_at(const struct map_catch_up *cu, uint64_t catch_up_ms)
{
    return catch_up_ms ? cu->started_ms + catch_up_ms + 1 : 0;
}

uint32_t client_map_count(const struct client *c)
{
    const struct client_map *m = map_of(c);
    uint32_t count = 0;
    for (const struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = cu->next) count += cu->sub == NULL;
    return count;
}

static void unlink_catch_up(struct client *c, struct map_catch_up *cu)
{
    struct map_catch_up **at = &c->extra->map->catch_ups;
    while (*at != cu) at = &(*at)->next;
    *at = cu->next;
    operation_forget_catch_up(c, cu);
}

static void free_catch_up(struct map_catch_up *cu)
{
    tags_filter_free(cu->filter);
    mem_free(cu->chan_info);
    mem_free(cu);
}

void client_map_drop(struct client *c, struct map_catch_up *cu)
{
    struct subscription *sub = cu->sub;
    cu->sub = NULL;
    unlink_catch_up(c, cu);
    free_catch_up(cu);
    if (sub) client_end_subscription(c, sub);
}

void client_map_forget(struct client *c, const struct subscription *sub)
{
    const struct client_map *m = map_of(c);
    for (struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = cu->next) {
        if (cu->sub != sub) continue;
        cu->sub = NULL;
        client_map_drop(c, cu);
        return;
    }
}

void client_map_free(struct client *c)
{
    struct client_map *m = map_of(c);
    while (m && m->catch_ups) client_map_drop(c, m->catch_ups);
    mem_free(m);
    if (c->extra) c->extra->map = NULL;
}

/* ---- taking too long (row CH-59) ---- */

static uint64_t catch_up_limit_ms(const struct client *c, const struct map_catch_up *cu)
{
    struct rules_channel channel;
    if (rules_resolve(c->engine->policy, c->space, map_catch_up_channel(cu), false, &channel) != 0) return 1;
    return channel.options->map.catch_up_ms;
}

static bool is_late(const struct client *c, const struct map_catch_up *cu)
{
    uint64_t due = late_at(cu, catch_up_limit_ms(c, cu));
    return cu->late || (due && due <= c->engine->now_ms);
}

/* The client has turned to something else: what it left behind counts no more. */
static void sweep_others(struct client *c, const struct map_catch_up *current)
{
    const struct client_map *m = map_of(c);
    struct map_catch_up *next;
    for (struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = next) {
        next = cu->next;
        if (cu != current && is_late(c, cu)) client_map_drop(c, cu);
    }
}

void client_map_deadline(struct client *c)
{
    struct client_map *m = map_of(c);
    uint64_t now = c->engine->now_ms;
    if (!m) return;
    if (m->refresh_due_ms && m->refresh_due_ms <= now) client_map_keys_refresh(c);
    if (!m->late_due_ms || m->late_due_ms > now) return;
    m->late_due_ms = 0;
    for (struct map_catch_up *cu = m->catch_ups; cu; cu = cu->next) {
        if (cu->late || !cu->sub) continue;
        uint64_t due = late_at(cu, catch_up_limit_ms(c, cu));
        if (due && due <= now) {
            struct subscription *sub = cu->sub;
            cu->late = true;
            cu->sub = NULL;
            client_end_subscription(c, sub);
        } else if (due && (!m->late_due_ms || due < m->late_due_ms)) {
            m->late_due_ms = due;
        }
    }
}

uint64_t client_map_due_ms(const struct client *c)
{
    const struct client_map *m = map_of(c);
    if (!m) return 0;
    if (!m->refresh_due_ms || (m->late_due_ms && m->late_due_ms < m->refresh_due_ms)) return m->late_due_ms;
    return m->refresh_due_ms;
}

/* ---- pages ---- */

/* Rows CH-57 and HI-56. */
static uint32_t page_size(const struct policy_map_options *o, int32_t asked)
{
    uint32_t size = asked > 0 ? (uint32_t)asked : o->page_default;
    if (size < o->page_min) size = o->page_min;
    return size > o->page_max ? o->page_max : size;
}

/* An epoch longer than any of ours stays different from all of them. */
static struct broker_position position_of(uint64_t offset, struct slice epoch)
{
    struct broker_position at = { .offset = offset };
    epoch = slice_head(epoch, sizeof at.epoch - 1);
    if (epoch.len) memcpy(at.epoch, epoch.ptr, epoch.len);
    return at;
}

static struct operation *page_operation(struct client *c, uint32_t id, struct map_catch_up *cu,
                                        void (*finish)(struct client *, struct operation *, struct broker_result *))
{
    struct operation *op = operation_new(c, map_catch_up_channel(cu), finish);
    if (!op) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return NULL;
    }
    op->command_id = id;
    op->parks = true;
    op->catch_up = cu;
    return op;
}

static void fail(struct client *c, uint32_t id, struct map_catch_up *cu, uint32_t error)
{
    if (cu) client_map_drop(c, cu);
    client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
}

/* The catch-up of an answered operation; NULL: the command is answered with an error. */
static struct map_catch_up *answered(struct client *c, struct operation *op, const struct broker_result *result)
{
    struct map_catch_up *cu = op->catch_up;
    uint32_t error = result->status == STATUS_NOT_FOUND ? CLIENT_ERROR_UNRECOVERABLE_POSITION : CLIENT_ERROR_INTERNAL;
    if (!cu) error = CLIENT_ERROR_PERMISSION_DENIED; /* ended by the server meanwhile, which the client was told */
    if (cu && result->status == STATUS_OK) return cu;
    fail(c, op->command_id, cu, error);
    return NULL;
}

static void reply_page(struct client *c, uint32_t id, struct subscribe_result *page)
{
    struct reply reply = { .id = id, .kind = REPLY_SUBSCRIBE };
    page->type = SUBSCRIPTION_MAP;
    reply.subscribe = *page;
    client_reply(c, &reply);
}

/* The last page takes the subscription live at once, when not too much has been published since the first. */
static void last_page(struct client *c, uint32_t id, struct map_catch_up *cu, struct broker_result *result)
{
    struct map_live *live = map_live_new(cu);
    if (!live) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    live->since = cu->first;
    live->cut = cu->since;
    live->has_cut = cu->has_since;
    live->recovering = false;
    live->page = *result;
    *result = (struct broker_result){ .status = STATUS_OK }; /* what it owned has gone with the page */
    client_map_go_live(c, id, cu, live);
}

static void finish_state(struct client *c, struct operation *op, struct broker_result *result)
{
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    const struct map_state_result *state = &result->map_state;
    if (!cu->begun) cu->first = state->top;
    cu->begun = true;
    bool near = !cu->has_stream || cu->first.offset + cu->limit >= state->top.offset;
    if (state->cursor.len == 0 && near) {
        last_page(c, op->command_id, cu, result);
        return;
    }
    struct map_fields fields;
    if (!client_map_fields(c, cu->filter, cu->has_since ? &cu->since : NULL, &state->publications, &fields)) return;
    reply_page(c, op->command_id,
               &(struct subscribe_result){ .phase = SUBSCRIPTION_PHASE_STATE,
                                           .epoch = slice_from_cstr(state->top.epoch),
                                           .offset = cu->first.offset,
                                           .cursor = state->cursor,
                                           .state = fields.items,
                                           .state_count = fields.count });
}

static void read_state(struct client *c, uint32_t id, struct map_catch_up *cu, struct slice cursor,
                       const struct policy_channel_options *o)
{
    struct engine *e = c->engine;
    struct operation *op = page_operation(c, id, cu, finish_state);
    if (!op) return;
    struct map_read_state request = {
        .space = c->space,
        .channel = map_catch_up_channel(cu),
        .cursor = cursor,
        .limit = cu->limit,
        .has_revision = cu->has_since,
        .revision = cu->since,
        .seq_max = cu->seq_max,
        .options = client_map_options(e, o),
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_STATE_READ), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer = e->shared->map_broker->ops->read_state(e->shared->map_broker, &context, &request,
                                                                       operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

/* Without a stream: registered, so that nothing is missed; now the first page. */
static void finish_register(struct client *c, struct operation *op, struct broker_result *result)
{
    struct rules_channel channel;
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    cu->seq_max = result->subscribe.seq;
    client_settle_subscription(c, op->sub, &result->subscribe);
    if (rules_resolve(c->engine->policy, c->space, map_catch_up_channel(cu), false, &channel) != 0)
        fail(c, op->command_id, cu, CLIENT_ERROR_UNKNOWN_CHANNEL);
    else
        read_state(c, op->command_id, cu, (struct slice){ 0 }, channel.options);
}

static void state_phase(struct client *c, uint32_t id, const struct subscribe_request *r, struct map_catch_up *cu,
                        const struct policy_channel_options *o)
{
    if (cu->has_stream || cu->sub || cu->begun) {
        read_state(c, id, cu, r->cursor, o);
        return;
    }
    struct operation *op = page_operation(c, id, cu, finish_register);
    if (op && !client_map_register(c, cu, op)) client_disconnect(c, DISCONNECT_INTERNAL);
}

/* ---- the stream ---- */

static void go_on_live(struct client *c, uint32_t id, struct map_catch_up *cu)
{
    struct map_live *live = map_live_new(cu);
    if (live)
        client_map_go_live(c, id, cu, live);
    else
        client_disconnect(c, DISCONNECT_INTERNAL);
}

/* Near enough to where the stream stood in the beginning for one answer to hold the rest? */
static bool near_top(const struct map_catch_up *cu)
{
    return cu->since.offset + cu->limit >= cu->stream_top;
}

static void finish_stream(struct client *c, struct operation *op, struct broker_result *result)
{
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    const struct broker_history_result *found = &result->history;
    if (!cu->top_known) cu->stream_top = found->top.offset;
    cu->top_known = true;
    if (near_top(cu)) {
        go_on_live(c, op->command_id, cu);
        return;
    }
    uint32_t count = found->publications.count;
    struct map_fields fields;
    if (!client_map_fields(c, cu->filter, NULL, &found->publications, &fields)) return;
    reply_page(
        c, op->command_id,
        &(struct subscribe_result){ .phase = SUBSCRIPTION_PHASE_STREAM,
                                    .epoch = slice_from_cstr(found->top.epoch),
                                    .offset = count ? found->publications.items[count - 1]->offset : cu->since.offset,
                                    .publications = fields.items,
                                    .publication_count = fields.count });
}

static void stream_phase(struct client *c, uint32_t id, struct map_catch_up *cu, const struct policy_channel_options *o)
{
    struct engine *e = c->engine;
    if (!cu->has_stream) {
        fail(c, id, cu, CLIENT_ERROR_BAD_REQUEST);
        return;
    }
    if (cu->top_known && near_top(cu)) {
        go_on_live(c, id, cu);
        return;
    }
    struct operation *op = page_operation(c, id, cu, finish_stream);
    if (!op) return;
    struct broker_history request = {
        .space = c->space,
        .channel = map_catch_up_channel(cu),
        .limit = cu->limit,
        .has_since = true,
        .since = cu->since,
        .history = client_map_options(e, o).stream,
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_STREAM_READ), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer = e->shared->map_broker->ops->read_stream(e->shared->map_broker, &context, &request,
                                                                        operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

/* ---- the command ---- */

/* A catch-up that the claims and the namespace allow. NULL when memory is out. */
static struct map_catch_up *begin(struct client *c, const struct subscribe_request *r,
                                  const struct policy_channel_options *o, const struct claims *claims)
{
    struct client_map *m = client_map_need(c);
    struct map_catch_up *cu = m ? mem_alloc(sizeof *cu + r->channel.len) : NULL;
    if (!cu) return NULL;
    const bool by_token = r->token.len > 0;
    uint16_t flags = client_plan_flags(o, by_token ? &claims->override : NULL);
    flags &= (uint16_t) ~(SUB_POSITIONED | SUB_RECOVERABLE);
    if (policy_map_has_stream(&o->map)) flags |= SUB_POSITIONED | SUB_RECOVERABLE;
    if (!by_token) flags |= client_map_keys_flags(o); /* row AU-19 */
    *cu = (struct map_catch_up){
        .next = m->catch_ups,
        .started_ms = c->engine->now_ms,
        .flags = (uint16_t)(flags | SUB_MAP),
        .expire_at_s = claims_expire_at(claims),
        .has_stream = policy_map_has_stream(&o->map),
        .chan_info = held_bytes_copy(claims->info),
        .channel_len = (uint32_t)r->channel.len,
    };
    memcpy(cu->channel, r->channel.ptr, r->channel.len);
    if (held_bytes_failed(cu->chan_info, claims->info)) {
        mem_free(cu);
        return NULL;
    }
    m->catch_ups = cu;
    return cu;
}

/* May this request begin a catch-up, and which? Otherwise the command is answered. */
static struct map_catch_up *authorise(struct client *c, uint32_t id, const struct subscribe_request *r,
                                      struct rules_channel *channel)
{
    struct claims claims = { 0 };
    struct subscribe_verdict verdict = client_may_subscribe(c, r, channel, &claims);
    if (verdict.later) return NULL;
    if (verdict.disconnect) {
        client_disconnect(c, verdict.disconnect);
        return NULL;
    }
    const bool live = r->phase == SUBSCRIPTION_PHASE_LIVE;
    if (!verdict.error && r->phase == SUBSCRIPTION_PHASE_STREAM && policy_map_has_stream(&channel->options->map) &&
        !r->recover)
        verdict.error = CLIENT_ERROR_PERMISSION_DENIED;
    if (!verdict.error && !live && r->phase != SUBSCRIPTION_PHASE_STREAM && r->phase != SUBSCRIPTION_PHASE_STATE)
        verdict.error = CLIENT_ERROR_BAD_REQUEST;
    if (verdict.error) {
        client_reply_error(c, id, COMMAND_SUBSCRIBE, verdict.error);
        return NULL;
    }
    struct map_catch_up *cu = begin(c, r, channel->options, &claims);
    if (!cu) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return NULL;
    }
    if (r->phase != SUBSCRIPTION_PHASE_STATE) cu->first = position_of(r->offset, r->epoch);
    return cu;
}

/* 0, or why the request can neither begin nor go on. */
static uint32_t refusal(const struct client *c, const struct subscribe_request *r, const struct map_catch_up *cu)
{
    const struct policy_limits *limits = &c->engine->policy->deployment->limits;
    if (r->channel.len > limits->channel_len_max) return CLIENT_ERROR_BAD_REQUEST;
    if (cu && (r->cursor.len > 0 || r->phase != SUBSCRIPTION_PHASE_STATE)) return 0;
    if (cu || client_find_subscription(c, r->channel)) return CLIENT_ERROR_ALREADY_SUBSCRIBED;
    if (c->subscription_count + client_map_count(c) >= limits->channel_limit) return CLIENT_ERROR_LIMIT_EXCEEDED;
    return 0;
}

/* The filter of this request; one without keeps the one before. */
static uint32_t take_filter(struct client *c, struct map_catch_up *cu, const struct subscribe_request *r,
                            const struct policy_channel_options *o)
{
    struct tags_filter *filter = NULL;
    uint32_t error = client_make_filter(o, r->tf, &filter);
    if (!error && filter) {
        tags_filter_free(cu->filter);
        cu->filter = filter;
    }
    return error;
}

static void run_phase(struct client *c, uint32_t id, const struct subscribe_request *r, struct map_catch_up *cu,
                      const struct policy_channel_options *o)
{
    cu->since = position_of(r->offset, r->epoch);
    cu->has_since = r->offset > 0 || r->epoch.len > 0;
    cu->recover = r->recover;
    cu->limit = page_size(&o->map, r->limit);
    bool other_epoch = r->phase != SUBSCRIPTION_PHASE_STATE && r->epoch.len > 0 && cu->first.epoch[0] &&
                       !slice_eq(r->epoch, slice_from_cstr(cu->first.epoch));
    if (cu->has_stream != policy_map_has_stream(&o->map) || other_epoch) {
        fail(c, id, cu, CLIENT_ERROR_UNRECOVERABLE_POSITION);
        return;
    }
    switch (r->phase) {
    case SUBSCRIPTION_PHASE_STATE: state_phase(c, id, r, cu, o); break;
    case SUBSCRIPTION_PHASE_STREAM: stream_phase(c, id, cu, o); break;
    case SUBSCRIPTION_PHASE_LIVE: go_on_live(c, id, cu); break;
    default: fail(c, id, cu, CLIENT_ERROR_BAD_REQUEST); break;
    }
}

void client_on_map_subscribe(struct client *c, uint32_t id, const struct subscribe_request *r)
{
    struct map_catch_up *cu = client_map_find(c, r->channel);
    struct rules_channel channel;
    uint32_t error = refusal(c, r, cu);
    if (!error) sweep_others(c, cu);
    if (!error && !cu && r->cursor.len > 0) error = CLIENT_ERROR_PERMISSION_DENIED;
    if (error) {
        client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
        return;
    }
    if (cu && is_late(c, cu)) {
        client_map_drop(c, cu);
        client_disconnect(c, DISCONNECT_SLOW);
        return;
    }
    if (cu) {
        error = rules_resolve(c->engine->policy, c->space, r->channel, true, &channel);
    } else if (!(cu = authorise(c, id, r, &channel))) {
        return;
    }
    if (!error) error = take_filter(c, cu, r, channel.options);
    if (error)
        fail(c, id, cu, error);
    else
        run_phase(c, id, r, cu, channel.options);
}

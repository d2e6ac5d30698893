#include "engine/client_map.h"

#include "base/mem_part.h"
#include "engine/refusals.h"

/* Rows CH-57 and HI-56. */
static uint32_t page_size(const struct policy_map_options *o, int32_t asked)
{
    uint32_t size = asked > 0 ? (uint32_t)asked : o->page_default;
    if (size < o->page_min) size = o->page_min;
    if (size > o->page_max) size = o->page_max;
    return size > MAP_PAGE_MAX ? MAP_PAGE_MAX : size;
}

/* An epoch longer than any of ours stays different from all of them. */
static struct broker_position position_of(uint64_t offset, struct slice epoch)
{
    struct broker_position at = { .offset = offset };
    epoch = slice_head(epoch, sizeof at.epoch - 1);
    if (epoch.len) memcpy(at.epoch, epoch.ptr, epoch.len);
    return at;
}

/* A catch-up that the claims and the namespace allow. NULL when memory is out. */
static struct map_catch_up *begin(struct client *c, const struct subscribe_request *r,
                                  const struct policy_channel_options *o, const struct claims *claims)
{
    struct client_map *m = client_map_need(c);
    struct map_catch_up *cu = m ? mem_part_alloc(MEM_SUBSCRIPTIONS, sizeof *cu + r->channel.len) : NULL;
    if (!cu) return NULL;
    const bool by_token = r->token.len > 0;
    uint16_t flags = client_plan_flags(o, by_token ? &claims->override : NULL);
    flags &= (uint16_t) ~(SUB_POSITIONED | SUB_RECOVERABLE);
    if (policy_map_has_stream(&o->map)) flags |= SUB_POSITIONED | SUB_RECOVERABLE;
    if (!by_token) flags |= client_map_keys_flags(o); /* row AU-19 */
    *cu = (struct map_catch_up){
        .next = m->catch_ups,
        .late_ms = o->map.catch_up_ms ? c->engine->now_ms + o->map.catch_up_ms + 1 : 0,
        .flags = (uint16_t)(flags | SUB_MAP),
        .expire_at_s = claims_expire_at(claims),
        .has_stream = policy_map_has_stream(&o->map),
        .chan_info = held_bytes_copy(claims->info),
        .channel_len = (uint32_t)r->channel.len,
    };
    memcpy(cu->channel, r->channel.ptr, r->channel.len);
    if (held_bytes_failed(cu->chan_info, claims->info)) {
        mem_part_free(MEM_SUBSCRIPTIONS, cu);
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
        refusal_tell_subscribe(c, r, verdict.disconnect, true, verdict.why);
        client_disconnect(c, verdict.disconnect);
        return NULL;
    }
    const bool in_stream = r->phase == SUBSCRIPTION_PHASE_STREAM;
    if (!verdict.error && in_stream && !policy_map_has_stream(&channel->options->map))
        verdict.error = CLIENT_ERROR_BAD_REQUEST;
    else if (!verdict.error && in_stream && !r->recover)
        verdict.error = CLIENT_ERROR_PERMISSION_DENIED;
    if (verdict.error) {
        refusal_tell_subscribe(c, r, verdict.error, false, verdict.why);
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
    cu->delta = client_delta_flag(o, r->delta) != 0;
    cu->limit = page_size(&o->map, r->limit);
    bool other_epoch = r->phase != SUBSCRIPTION_PHASE_STATE && r->epoch.len > 0 && cu->first.epoch[0] &&
                       !slice_eq(r->epoch, slice_from_cstr(cu->first.epoch));
    if (cu->has_stream != policy_map_has_stream(&o->map) || other_epoch) {
        client_map_fail(c, id, cu, CLIENT_ERROR_UNRECOVERABLE_POSITION);
        return;
    }
    switch (r->phase) {
    case SUBSCRIPTION_PHASE_STATE: client_map_state_phase(c, id, r, cu, o); break;
    case SUBSCRIPTION_PHASE_STREAM: client_map_stream_phase(c, id, cu, o); break;
    case SUBSCRIPTION_PHASE_LIVE: client_map_live_phase(c, id, cu); break;
    default: client_map_fail(c, id, cu, CLIENT_ERROR_BAD_REQUEST); break;
    }
}

void client_on_map_subscribe(struct client *c, uint32_t id, const struct subscribe_request *r)
{
    struct map_catch_up *cu = client_map_find(c, r->channel);
    struct rules_channel channel;
    uint32_t error = refusal(c, r, cu);
    if (!error) client_map_drop_late(c, cu);
    if (!error && !cu && r->cursor.len > 0) error = CLIENT_ERROR_PERMISSION_DENIED;
    if (error) {
        client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
        return;
    }
    if (cu && client_map_is_late(c, cu)) {
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
        client_map_fail(c, id, cu, error);
    else
        run_phase(c, id, r, cu, channel.options);
}

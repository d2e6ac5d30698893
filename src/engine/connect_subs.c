#include "base/check.h"
#include "engine/connect_plan.h"

static const struct subscribe_request *request_sub(const struct connect_request *r, struct slice channel)
{
    for (size_t i = 0; i < r->sub_count; i++)
        if (slice_eq(r->subs[i].channel, channel)) return &r->subs[i].request;
    return NULL;
}

static bool already_wanted(const struct wanted_list *list, struct slice channel)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(list->items[i].plan.channel, channel)) return true;
    return false;
}

static void want(struct wanted_list *list, const struct connect_request *r, const struct rules_channel *channel,
                 struct slice name, const struct claims_sub *claim, uint16_t more_flags)
{
    if (list->count == list->cap || already_wanted(list, name)) return;
    const struct subscribe_request *asked = request_sub(r, name);
    struct wanted_sub *w = &list->items[list->count++];
    *w = (struct wanted_sub){
        .plan = { .channel = name,
                  .options = channel->options,
                  .flags = (uint16_t)(client_plan_flags(channel->options, claim ? &claim->override : NULL) |
                                      SUB_SERVER_SIDE | more_flags),
                  .chan_info = claim ? claim->info : (struct slice){ 0 } },
        .data = claim ? claim->data : (struct slice){ 0 },
    };
    w->plan.recover = client_recovers_by_itself(channel->options, w->plan.flags);
    if (asked) {
        w->plan.recover |= asked->recover;
        w->plan.since_offset = asked->offset;
        w->plan.since_epoch = asked->epoch;
        w->plan.flags |= client_delta_flag(channel->options, asked->delta);
    }
}

static struct refusal want_token_channels(struct client *c, const struct connect_request *r, const struct identity *who,
                                          struct wanted_list *list)
{
    for (size_t i = 0; i < who->sub_count; i++) {
        struct rules_channel channel;
        if (rules_resolve(c->engine->policy, who->space, who->subs[i].channel, false, &channel) ||
            who->subs[i].channel.len == 0)
            return refuse_error(CLIENT_ERROR_UNKNOWN_CHANNEL, "a channel of the token has an unknown namespace");
        want(list, r, &channel, who->subs[i].channel, &who->subs[i], SUB_FROM_TOKEN);
    }
    return NOT_REFUSED;
}

static struct slice personal_channel_name(struct client *c, struct slice user)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
    struct slice ns = slice_from_cstr(d->personal_channel_namespace);
    struct slice boundary = slice_from_cstr(d->user_boundary);
    struct slice ns_boundary = ns.len ? slice_from_cstr(d->namespace_boundary) : (struct slice){ 0 };
    char *name = arena_alloc(&c->engine->arena, ns.len + ns_boundary.len + boundary.len + user.len + 1);
    if (!name) return (struct slice){ 0 };
    char *at = name;
    struct slice parts[] = { ns, ns_boundary, boundary, user };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (parts[i].len) at = mempcpy(at, parts[i].ptr, parts[i].len);
    return slice_of(name, (size_t)(at - name));
}

static struct refusal want_personal_channel(struct client *c, const struct connect_request *r,
                                            const struct identity *who, struct wanted_list *list)
{
    if (!who->may_ask) return NOT_REFUSED; /* row AU-32 */
    if (!c->engine->policy->deployment->personal_channel_enabled || who->user.len == 0) return NOT_REFUSED;
    struct slice name = personal_channel_name(c, who->user);
    struct rules_channel channel;
    if (name.len == 0) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    if (rules_resolve(c->engine->policy, who->space, name, false, &channel))
        return refuse_error(CLIENT_ERROR_UNKNOWN_CHANNEL, "the namespace of the personal channel is unknown");
    want(list, r, &channel, name, NULL, 0);
    return NOT_REFUSED;
}

/* Row CP-63: only what a subscribe without a token would be allowed; the rest is left out. */
static struct refusal want_asked_channels(struct client *c, const struct connect_request *r, const struct identity *who,
                                          struct wanted_list *list)
{
    if (!who->may_ask) return NOT_REFUSED;
    const struct policy *p = c->engine->policy;
    struct rules_identity rules_who = { .user = who->user };
    for (size_t i = 0; i < r->sub_count; i++) {
        struct rules_channel channel;
        struct slice name = r->subs[i].channel;
        if (name.len == 0) return refuse_close(DISCONNECT_BAD_REQUEST, "an empty channel in subs");
        if (already_wanted(list, name)) continue;
        uint32_t error = rules_resolve(p, who->space, name, true, &channel);
        if (error == CLIENT_ERROR_UNKNOWN_CHANNEL)
            return refuse_close(DISCONNECT_BAD_REQUEST, "a channel of subs has an unknown namespace");
        bool fits = !error && channel.options->subscription_type == POLICY_STREAM &&
                    name.len <= p->deployment->limits.channel_len_max;
        if (fits && !rules_subscribe(p, &channel, name, &rules_who)) want(list, r, &channel, name, NULL, 0);
    }
    return NOT_REFUSED;
}

struct refusal connect_collect_subs(struct client *c, const struct connect_request *r, const struct identity *who,
                                    struct wanted_list *list)
{
    size_t limit = c->engine->policy->deployment->limits.channel_limit;
    if (who->space == POLICY_CONSOLE_SPACE) return NOT_REFUSED; /* its pages subscribe */
    list->cap = who->sub_count + r->sub_count + 1;
    /* One too many is enough to refuse: thousands would be compared with each other first. */
    if (list->cap > limit + 1) list->cap = limit + 1;
    list->items = arena_alloc(&c->engine->arena, list->cap * sizeof *list->items);
    if (!list->items) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    struct refusal refusal = want_token_channels(c, r, who, list);
    if (!refusal.kind) refusal = want_personal_channel(c, r, who, list);
    if (!refusal.kind) refusal = want_asked_channels(c, r, who, list);
    if (!refusal.kind && list->count > limit)
        refusal = refuse_close(DISCONNECT_CHANNEL_LIMIT, "more server-side subscriptions than client.channel_limit");
    return refusal;
}

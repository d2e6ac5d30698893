#include "engine/position_check.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/client_parts.h"

/* Buckets of the hub's table looked at in one turn. */
#define BUCKETS_PER_TURN 64
/* A doubt is looked into after this time: by then what was on its way has come, or its
 * mailbox has been marked as having lost events (MAILBOX_LIMITS_DEFAULT). */
#define DOUBT_S 6

struct round {
    struct engine_task task;
    uint64_t cursor;
};

/* A question that the broker has not answered yet. */
struct question {
    struct list link; /* in engine->position_questions */
    uint32_t operation;
    uint32_t space;
    uint64_t offset; /* where the channel stood when it was asked */
    uint32_t channel_len;
    char channel[];
};

static void judge(struct engine *e, struct hub_channel *channel, const struct broker_position *top)
{
    const bool at_top = channel->offset == top->offset && strcmp(channel->epoch, top->epoch) == 0;
    const bool doubted = channel->doubted;
    position_check_heard(e, channel);
    if (at_top) return;
    if (!doubted) {
        channel->doubted = true;
        return;
    }
    LOG_WARN("channel does not stand at the top of its stream", LOG_STR("channel", hub_channel_name(channel)),
             LOG_U64("worker", e->index), LOG_U64("offset", channel->offset), LOG_U64("top", top->offset));
    fanout_lose_position(channel); /* the channel may be gone now */
}

static void keep_question(struct engine *e, const struct hub_channel *channel, uint32_t operation)
{
    struct question *q = mem_alloc(sizeof *q + channel->name_len);
    if (!q) return; /* asked again in the next round */
    *q = (struct question){
        .operation = operation, .space = channel->space, .offset = channel->offset, .channel_len = channel->name_len
    };
    memcpy(q->channel, channel->name, channel->name_len);
    list_push_back(&e->position_questions, &q->link);
}

static void ask(struct engine *e, struct hub_channel *channel)
{
    struct rules_channel rules;
    const struct slice name = hub_channel_name(channel);
    if (rules_resolve(e->policy, channel->space, name, false, &rules) != 0) return;
    const struct broker_history request = { .space = channel->space,
                                            .channel = name,
                                            .history = client_history_options(e, rules.options) };
    const struct broker_ticket ticket = { .handle = { .worker = e->index }, .operation = ++e->next_operation };
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    struct broker *broker = e->shared->broker;
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY), 1);
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY_STREAM_TOP), 1);
    if (broker->ops->history(broker, &context, &request, ticket, &result) == BROKER_PENDING) {
        keep_question(e, channel, ticket.operation);
        return;
    }
    if (result.status == STATUS_OK) judge(e, channel, &result.history.top);
    broker_result_deinit(&result);
}

static void look_at(struct map_node *node, void *context)
{
    struct engine *e = context;
    struct hub_channel *channel = container_of(node, struct hub_channel, node_);
    /* a map broker inside the process loses nothing unseen */
    if (!channel->has_position || channel->is_map) return;
    const uint64_t delay_s = e->policy->deployment->limits.position_check_delay_ms / 1000;
    const uint32_t silent_s = (uint32_t)(e->now_ms / 1000) - channel->heard_s;
    if (channel->doubted ? silent_s >= DOUBT_S : silent_s > delay_s) ask(e, channel);
}

static bool step(struct engine *e, struct engine_task *task)
{
    struct round *round = container_of(task, struct round, task);
    if (map_scan(&e->hub.channels_, &round->cursor, BUCKETS_PER_TURN, look_at, e)) return true;
    e->position_round = false;
    mem_free(round);
    return false;
}

void position_check_tick(struct engine *e)
{
    const struct policy_limits *limits = &e->policy->deployment->limits;
    if (e->now_ms < e->next_position_ms || e->position_round || limits->position_check_delay_ms == 0) return;
    e->next_position_ms = e->now_ms + limits->presence_update_interval_ms;
    if (e->shared->broker->ops->delivers_reliably) return; /* row HI-17 */
    struct round *round = mem_alloc_zero(sizeof *round);
    if (!round) return;
    round->task.step = step;
    e->position_round = true;
    engine_task_start(e, &round->task);
}

bool position_check_answered(struct engine *e, struct broker_completion *completion)
{
    LIST_EACH(node, next, &e->position_questions)
    {
        struct question *q = LIST_ENTRY(node, struct question, link);
        if (q->operation != completion->ticket.operation) continue;
        struct hub_channel *channel = hub_channel_find(&e->hub, q->space, slice_of(q->channel, q->channel_len));
        /* what has come meanwhile is news enough */
        const bool still = channel && channel->has_position && channel->offset == q->offset;
        if (still && completion->result.status == STATUS_OK) judge(e, channel, &completion->result.history.top);
        list_remove(node);
        mem_free(q);
        broker_completion_free(completion);
        return true;
    }
    return false;
}

void position_check_deinit(struct engine *e)
{
    LIST_EACH(node, next, &e->position_questions)
    {
        list_remove(node);
        mem_free(LIST_ENTRY(node, struct question, link));
    }
}

#include "api_harness_parts.h"
#include "base/mem.h"

struct failing_broker {
    struct broker broker;
    struct harness *harness;
};

static enum broker_answer refuse_call(struct broker *b, struct broker_result *result)
{
    *result = (struct broker_result){ .status = container_of(b, struct failing_broker, broker)->harness->fail_with };
    return BROKER_DONE;
}

static enum broker_answer fail_publish(struct broker *b, const struct broker_context *c,
                                       const struct broker_publish *request, struct broker_ticket ticket,
                                       struct broker_result *result)
{
    (void)c, (void)request, (void)ticket;
    return refuse_call(b, result);
}

static enum broker_answer fail_history(struct broker *b, const struct broker_context *c,
                                       const struct broker_history *request, struct broker_ticket ticket,
                                       struct broker_result *result)
{
    (void)c, (void)request, (void)ticket;
    return refuse_call(b, result);
}

static enum broker_answer fail_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                      struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    (void)c, (void)space, (void)channel, (void)ticket;
    return refuse_call(b, result);
}

static enum broker_answer fail_presence(struct broker *b, const struct broker_context *c, uint32_t space,
                                        struct slice channel, bool stats_only, struct broker_ticket ticket,
                                        struct broker_result *result)
{
    (void)c, (void)space, (void)channel, (void)stats_only, (void)ticket;
    return refuse_call(b, result);
}

static void free_failing(struct broker *b)
{
    mem_free(container_of(b, struct failing_broker, broker));
}

struct broker *harness_failing_broker(struct harness *h)
{
    static const struct broker_ops ops = { .publish = fail_publish,
                                           .history = fail_history,
                                           .history_remove = fail_remove,
                                           .presence = fail_presence,
                                           .free = free_failing };
    struct failing_broker *b = mem_must_alloc_zero(sizeof *b);
    b->broker.ops = &ops;
    b->harness = h;
    return &b->broker;
}

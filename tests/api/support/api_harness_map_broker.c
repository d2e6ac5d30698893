#include "api_harness_parts.h"
#include "base/mem.h"

struct failing_map_broker {
    struct map_broker broker;
    struct harness *harness;
};

static enum broker_answer refuse_call(struct map_broker *b, struct broker_result *result)
{
    *result =
        (struct broker_result){ .status = container_of(b, struct failing_map_broker, broker)->harness->fail_with };
    return BROKER_DONE;
}

#define FAIL(name, type)                                                                                               \
    static enum broker_answer fail_##name(struct map_broker *b, const struct broker_context *c,                        \
                                          const struct type *request, struct broker_ticket ticket,                     \
                                          struct broker_result *result)                                                \
    {                                                                                                                  \
        (void)c, (void)request, (void)ticket;                                                                          \
        return refuse_call(b, result);                                                                                 \
    }

FAIL(publish, map_publish)
FAIL(remove, map_removal)
FAIL(read_state, map_read_state)
FAIL(read_stream, broker_history)

static enum broker_answer fail_channel(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                       struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    (void)c, (void)space, (void)channel, (void)ticket;
    return refuse_call(b, result);
}

static void free_failing(struct map_broker *b)
{
    mem_free(container_of(b, struct failing_map_broker, broker));
}

struct map_broker *harness_failing_map_broker(struct harness *h)
{
    static const struct map_broker_ops ops = { .publish = fail_publish,
                                               .remove = fail_remove,
                                               .read_state = fail_read_state,
                                               .read_stream = fail_read_stream,
                                               .clear = fail_channel,
                                               .stats = fail_channel,
                                               .free = free_failing };
    struct failing_map_broker *b = mem_must_alloc_zero(sizeof *b);
    b->broker.ops = &ops;
    b->harness = h;
    return &b->broker;
}

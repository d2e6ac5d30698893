#include "engine/operation.h"

#include "base/check.h"
#include "base/mem.h"
#include "engine/effect_run.h"
#include "engine/client_map.h"
#include "engine/connect_work.h"
#include "engine/held_bytes.h"

struct operation *operation_new(struct client *c, struct slice channel,
                                void (*finish)(struct client *, struct operation *, struct broker_result *))
{
    struct operation *op = mem_alloc(sizeof *op + channel.len);
    if (!op) return NULL;
    *op = (struct operation){
        .client = c,
        .finish = finish,
        .number = ++c->engine->next_operation,
        .space = c->space,
        .channel_len = (uint32_t)channel.len,
    };
    list_init(&op->in_client);
    if (channel.len) memcpy(op->channel, channel.ptr, channel.len);
    return op;
}

struct broker_ticket operation_ticket(const struct operation *op)
{
    return (struct broker_ticket){ .handle = client_handle(op->client), .operation = op->number };
}

void operation_free(struct operation *op)
{
    list_remove(&op->in_client);
    held_bytes_free(op->data);
    map_live_free(op->map_live);
    mem_free(op);
}

/* A registered subscriber that nobody waits for any more is taken back. */
static void pay_back(struct engine *e, struct operation *op, const struct broker_result *result)
{
    if (!op->subscribes || result->status != STATUS_OK) return;
    struct broker_context context = engine_broker_context(e);
    if (op->is_map)
        e->shared->map_broker->ops->unsubscribe(e->shared->map_broker, &context, op->space, operation_channel(op));
    else
        e->shared->broker->ops->unsubscribe(e->shared->broker, &context, op->space, operation_channel(op));
}

static void finish(struct operation *op, struct broker_result *result)
{
    struct client *c = op->client;
    list_remove(&op->in_client);
    if (op->subscribes && !op->sub) pay_back(c->engine, op, result);
    op->finish(c, op, result);
    operation_free(op);
}

void operation_settle(struct operation *op, enum broker_answer answer, struct broker_result *result)
{
    if (answer == BROKER_DONE) {
        finish(op, result);
        broker_result_deinit(result);
        return;
    }
    list_push_back(&op->client->operations, &op->in_client);
    if (op->parks) op->client->parked++;
}

static struct operation *find(const struct list *operations, uint32_t number)
{
    LIST_EACH(node, next, operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (op->number == number) return op;
    }
    return NULL;
}

void operation_wait(struct client *c, unsigned metric_method, uint64_t started_ns)
{
    LIST_EACH(node, next, &c->operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (!op->parks) continue;
        op->metric_method = (uint8_t)metric_method;
        op->started_ns = started_ns;
    }
}

void operation_answer(struct engine *e, struct client *c, uint32_t number, struct broker_result *result)
{
    arena_reset(&e->arena); /* no message is in work while mail is delivered */
    struct operation *op = find(&c->operations, number);
    if (!op) return;
    const bool parks = op->parks;
    const uint64_t started_ns = op->started_ns;
    const unsigned method = op->metric_method;
    finish(op, result);
    if (!parks || --c->parked > 0) return;
    if (started_ns > 0)
        metrics_observe(e->metrics, METRIC_CLIENT_COMMAND_DURATION, method,
                        (double)(engine_clock_ns(e) - started_ns) / 1e9);
    if (c->state != CLIENT_CLOSING) c->port->resume(c);
}

void operation_complete(struct engine *e, struct client *c, struct broker_completion *completion)
{
    operation_answer(e, c, completion->ticket.operation, &completion->result);
    broker_completion_free(completion);
}

bool operation_complete_orphan(struct engine *e, struct broker_completion *completion)
{
    struct operation *op = find(&e->orphans, completion->ticket.operation);
    if (!op) return false;
    pay_back(e, op, &completion->result);
    operation_free(op);
    broker_completion_free(completion);
    return true;
}

/* A part that was answered already waits for the others with its subscription. */
static void forget_in_connect(struct connect_work *w, const struct subscription *sub)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->parts[i].sub == sub) w->parts[i].sub = NULL;
}

void operation_forget_subscription(struct client *c, struct subscription *sub)
{
    LIST_EACH(node, next, &c->operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (op->sub == sub) op->sub = NULL;
        if (op->connect) forget_in_connect(op->connect, sub);
    }
}

void operation_forget_catch_up(struct client *c, const struct map_catch_up *cu)
{
    LIST_EACH(node, next, &c->operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (op->catch_up == cu) op->catch_up = NULL;
    }
}

void operations_drop(struct client *c)
{
    LIST_EACH(node, next, &c->operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (op->effect) effect_run_step_done(op->effect, false);
        if (op->connect) connect_work_release(op->connect);
        list_remove(&op->in_client);
        op->client = NULL;
        op->sub = NULL;
        op->effect = NULL;
        op->connect = NULL;
        op->catch_up = NULL;
        if (op->subscribes) {
            list_push_back(&c->engine->orphans, &op->in_client);
        } else {
            operation_free(op);
        }
    }
}

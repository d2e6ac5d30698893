/* Subscribing: registering a worker and reading what was missed, in one step. */
#include "base/mem.h"
#include "broker/memory/memory_calls.h"
#include "broker/memory/memory_read.h"

/* Whether all after `since` is there, and then the range of it (rows HI-18 to HI-20). */
static bool plan_recovery(const struct memory_hold *h, const struct broker_subscribe *r,
                          const struct broker_position *top, struct memory_read *read)
{
    if (r->since.epoch[0] && strncmp(r->since.epoch, top->epoch, BROKER_EPOCH_MAX) != 0) return false;
    if (r->since.offset > top->offset) return false;
    uint64_t missed = top->offset - r->since.offset;
    if (missed > r->recover_max) return false;
    if (missed && memory_stream_first(h->entry->stream) > r->since.offset + 1) return false;
    read->next = r->since.offset + 1;
    read->left = missed;
    return true;
}

/* Rows HI-26 and HI-28: the latest publication, or the latest ones, unless the subscriber stands at the top already. */
static bool plan_cache_recovery(const struct memory_hold *h, const struct broker_subscribe *r,
                                const struct broker_position *top, struct memory_read *read)
{
    bool has_it = r->since.offset > 0 && r->since.offset == top->offset &&
                  strncmp(r->since.epoch, top->epoch, BROKER_EPOCH_MAX) == 0;
    uint64_t first = top->offset > 0 ? memory_stream_first(h->entry->stream) : 1;
    bool there = top->offset > 0 && first <= top->offset;
    if (there && !has_it) {
        uint64_t count = top->offset - first + 1, count_max = r->cache_all ? r->recover_max : 1;
        read->left = count < count_max ? count : count_max;
        read->next = top->offset - read->left + 1;
    }
    return there || has_it;
}

/* In the hold: the position, and the first of what was missed. */
static void read_position(const struct memory_hold *h, const struct broker_subscribe *r,
                          struct broker_subscribe_result *result, struct memory_read *read)
{
    result->seq = h->shard->seq;
    struct broker_position top;
    memory_hold_position(h, &top);
    if (r->position || r->recover || h->entry->stream) result->top = top;
    if (r->recover) result->recovered = (r->cache ? plan_cache_recovery : plan_recovery)(h, r, &top, read);
    result->latest = r->recover && r->cache && r->cache_all;
    memory_read_begin(read, h);
}

/* After the hold. A failure to read all is an honest "not recovered". */
static void read_missed(struct memory_broker *mb, const struct broker_context *c, const struct broker_subscribe *r,
                        struct memory_read *read, struct broker_result *result)
{
    struct broker_subscribe_result *s = &result->subscribe;
    enum memory_read_result got = memory_read_end(read, &mb->table, r->space, r->channel, c->now_ms, &s->missed);
    result->owns_ = BROKER_RESULT_SUBSCRIBE;
    if (got == MEMORY_READ_OK) return;
    broker_result_deinit(result);
    s->missed = (struct broker_publications){ 0 };
    s->recovered = false;
}

enum broker_answer memory_subscribe(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                    struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_broker *mb = memory_broker_of(b);
    struct memory_read read = { .left = 0 };
    struct memory_hold h;
    *result = (struct broker_result){ .status = STATUS_OK };
    memory_hold_begin(&h, &mb->table, r->space, r->channel, c->now_ms);
    result->status = memory_hold_need_entry(&h);
    if (result->status == STATUS_OK) result->status = memory_hold_register(&h, c->worker);
    if (result->status == STATUS_OK) {
        if (h.entry->stream) {
            memory_stream_use(h.entry->stream, &r->history, c->now_ms);
            memory_hold_schedule(&h);
        }
        read_position(&h, r, &result->subscribe, &read);
    }
    memory_hold_end(&h);
    if (result->status == STATUS_OK) read_missed(mb, c, r, &read, result);
    return BROKER_DONE;
}

void memory_unsubscribe(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    struct memory_hold h;
    memory_hold_begin(&h, &memory_broker_of(b)->table, space, channel, c->now_ms);
    memory_hold_unregister(&h, c->worker);
    memory_hold_end(&h);
}

enum broker_answer memory_regain(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_broker *mb = memory_broker_of(b);
    struct memory_read read = { .left = 0 };
    struct memory_hold h;
    *result = (struct broker_result){ .status = STATUS_OK };
    memory_hold_begin(&h, &mb->table, r->space, r->channel, c->now_ms);
    if (h.entry && memory_entry_subscribers(h.entry, c->worker) > 0) {
        h.entry->gapped &= ~(UINT64_C(1) << c->worker);
        read_position(&h, r, &result->subscribe, &read);
    } else {
        result->status = STATUS_NOT_FOUND; /* its last subscriber has left meanwhile */
    }
    memory_hold_end(&h);
    if (result->status == STATUS_OK) read_missed(mb, c, r, &read, result);
    return BROKER_DONE;
}

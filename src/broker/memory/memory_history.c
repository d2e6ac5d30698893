/* Reading and removing the history of a channel: rows HI-03, HI-06 to HI-08. */
#include "base/mem.h"
#include "broker/memory/memory_calls.h"
#include "broker/memory/memory_read.h"

static uint64_t at_most(uint64_t count, int64_t limit)
{
    return limit >= 0 && count > (uint64_t)limit ? (uint64_t)limit : count;
}

/* The range that the query means; a position below the ring starts with its oldest. */
static void plan_range(const struct memory_stream *stream, const struct broker_history *r, struct memory_read *read)
{
    uint64_t first = memory_stream_first(stream), top = stream->top;
    read->reverse = r->reverse;
    read->left = 0;
    if (first > top) return;
    if (!r->has_since) {
        read->next = r->reverse ? top : first;
        read->left = at_most(top - first + 1, r->limit);
    } else if (r->reverse) {
        if (r->since.offset <= first || r->since.offset - 1 > top) return;
        read->next = r->since.offset - 1;
        read->left = at_most(read->next - first + 1, r->limit);
    } else {
        if (r->since.offset >= top) return;
        read->next = r->since.offset + 1 > first ? r->since.offset + 1 : first;
        read->left = at_most(top - read->next + 1, r->limit);
    }
}

static bool epoch_differs(const struct broker_history *r, const struct broker_position *top)
{
    return r->has_since && r->since.epoch[0] && strncmp(r->since.epoch, top->epoch, BROKER_EPOCH_MAX) != 0;
}

enum broker_answer memory_history(struct broker *b, const struct broker_context *c, const struct broker_history *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_broker *mb = memory_broker_of(b);
    struct memory_read read = { .left = 0 };
    struct memory_hold h;
    *result = (struct broker_result){ .status = STATUS_OK };
    memory_hold_begin(&h, &mb->table, r->space, r->channel, c->now_ms);
    if (h.entry && h.entry->stream) {
        memory_stream_use(h.entry->stream, &r->history, c->now_ms);
        memory_hold_schedule(&h);
        plan_range(h.entry->stream, r, &read);
    }
    memory_hold_position(&h, &result->history.top);
    if (epoch_differs(r, &result->history.top)) result->status = STATUS_NOT_FOUND, read.left = 0;
    memory_read_begin(&read, &h);
    memory_hold_end(&h);
    enum memory_read_result got =
        memory_read_end(&read, &mb->table, r->space, r->channel, c->now_ms, &result->history.publications);
    if (got == MEMORY_READ_NO_MEMORY) result->status = STATUS_NO_MEMORY;
    result->owns_ = BROKER_RESULT_HISTORY;
    return BROKER_DONE;
}

enum broker_answer memory_history_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result)
{
    struct memory_broker *mb = memory_broker_of(b);
    struct memory_hold h;
    memory_hold_begin(&h, &mb->table, space, channel, c->now_ms);
    if (h.entry && h.entry->stream) memory_stream_clear(h.entry->stream, h.entry->space, &h.garbage);
    memory_hold_end(&h);
    *result = (struct broker_result){ .status = STATUS_OK };
    return BROKER_DONE;
}

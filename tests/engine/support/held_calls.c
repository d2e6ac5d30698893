#include "held_calls.h"

#include "base/check.h"
#include "base/mem.h"

/* Made with mem_must_alloc: a test that lets memory fail means the engine's. */
struct held_call {
    struct list link;
    struct delayed_request request;
    struct broker_ticket ticket;
    struct broker_context context;
    struct broker_result result;
    bool has_result;
    _Alignas(8) char bytes[];
};

void held_calls_init(struct held_calls *h, const struct broker_links *links)
{
    h->links = *links;
    list_init(&h->list);
}

enum broker_answer held_calls_add(struct held_calls *h, const struct broker_context *c,
                                  const struct delayed_request *request, struct broker_ticket ticket,
                                  struct broker_result *result)
{
    if (h->mode == HELD_NOTHING) return delayed_request_run(request, &h->target, c, ticket, result);
    if (h->mode == HELD_FAILING) {
        *result = (struct broker_result){ .status = STATUS_UNAVAILABLE };
        return BROKER_DONE;
    }
    struct held_call *call = mem_must_alloc_zero(sizeof *call + delayed_request_len(request));
    delayed_request_copy(&call->request, request, call->bytes);
    call->ticket = ticket;
    call->context = *c;
    if (h->mode == HELD_ANSWERS) {
        CHECK(delayed_request_run(&call->request, &h->target, c, ticket, &call->result) == BROKER_DONE);
        call->has_result = true;
    }
    list_push_back(&h->list, &call->link);
    h->count++;
    return BROKER_PENDING;
}

static void let_go(struct held_calls *h, struct held_call *call)
{
    list_remove(&call->link);
    h->count--;
    if (!call->has_result)
        CHECK(delayed_request_run(&call->request, &h->target, &call->context, call->ticket, &call->result) ==
              BROKER_DONE);
    struct broker_completion *completion = mem_must_alloc_zero(sizeof *completion);
    completion->mail.deliver = h->links.deliver_completion;
    completion->ticket = call->ticket;
    completion->result = call->result;
    mailbox_post(h->links.office->boxes[call->ticket.handle.worker], MAILBOX_WORK, &completion->mail,
                 call->context.now_ms);
    mem_free(call);
}

void held_calls_release(struct held_calls *h, size_t index)
{
    CHECK(index < h->count);
    struct list *node = h->list.next;
    while (index-- > 0) node = node->next;
    let_go(h, LIST_ENTRY(node, struct held_call, link));
}

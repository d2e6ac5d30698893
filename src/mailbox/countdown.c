#include "mailbox/countdown.h"

#include "base/mem.h"

struct countdown *countdown_new(uint32_t parts, struct post_office *office, uint32_t reply_to,
                                void (*deliver)(struct mail *mail, void *owner))
{
    struct countdown *c = mem_alloc_zero(sizeof *c);
    if (!c) return NULL;
    atomic_init(&c->left_, parts);
    c->office_ = office;
    c->reply_to = reply_to;
    c->mail.deliver = deliver;
    return c;
}

void countdown_done(struct countdown *c, uint32_t affected, uint64_t now_ms)
{
    atomic_fetch_add_explicit(&c->affected, affected, memory_order_relaxed);
    struct post_office *office = c->office_;
    uint32_t reply_to = c->reply_to;
    /* acq_rel: what each part did happens before the answer */
    if (atomic_fetch_sub_explicit(&c->left_, 1, memory_order_acq_rel) != 1) return;
    mailbox_post(office->boxes[reply_to], MAILBOX_WORK, &c->mail, now_ms);
    mailbox_wake(office->boxes[reply_to]);
}

void countdown_free(struct countdown *c)
{
    mem_free(c);
}

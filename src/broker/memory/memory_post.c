#include "broker/memory/memory_post.h"

#include "base/mem.h"

void memory_post_init(struct memory_post *post, const struct broker_links *links, const struct broker_context *c)
{
    post->links = links;
    post->context = c;
    memset(post->gaps, 0, links->worker_count * sizeof *post->gaps);
}

void memory_post_deinit(struct memory_post *post)
{
    for (uint32_t w = 0; w < post->links->worker_count; w++) mem_free(post->gaps[w]);
}

void memory_post_prepare(const struct memory_post *post, struct publication *p)
{
    size_t cost = publication_cost(p);
    uint32_t mail_cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    for (uint32_t w = 0; w < post->links->worker_count; w++) {
        p->mails[w].mail.deliver = post->links->deliver_publication;
        p->mails[w].mail.cost = mail_cost;
    }
}

static struct broker_gap *gap_new(const struct memory_post *post, uint32_t space, struct slice channel)
{
    struct broker_gap *gap = mem_alloc(sizeof *gap + channel.len);
    if (!gap) return NULL;
    *gap = (struct broker_gap){
        .mail = { .deliver = post->links->deliver_gap, .cost = (uint32_t)(sizeof *gap + channel.len) },
        .space = space,
        .channel_len = (uint32_t)channel.len,
    };
    if (channel.len) memcpy(gap->channel, channel.ptr, channel.len);
    return gap;
}

static enum mailbox_pressure pressure_of(const struct memory_post *post, uint32_t worker)
{
    return mailbox_pressure(post->links->office->boxes[worker], post->context->now_ms);
}

/* Whoever is calm now has far to go until it is full: it gets the event posted. */
void memory_post_prepare_gaps(struct memory_post *post, uint32_t space, struct slice channel)
{
    for (uint32_t w = 0; w < post->links->worker_count; w++)
        if (pressure_of(post, w) != MAILBOX_EASY) post->gaps[w] = gap_new(post, space, channel);
}

bool memory_post_prepare_all_gaps(struct memory_post *post, uint32_t space, struct slice channel)
{
    for (uint32_t w = 0; w < post->links->worker_count; w++) {
        post->gaps[w] = gap_new(post, space, channel);
        if (!post->gaps[w]) return false;
    }
    return true;
}

bool memory_post_overloaded(const struct memory_post *post, const struct memory_entry *e)
{
    for (uint64_t left = e ? e->workers : 0; left; left &= left - 1)
        if (pressure_of(post, (uint32_t)__builtin_ctzll(left)) != MAILBOX_EASY) return true;
    return false;
}

static void send_gap(struct memory_post *post, struct memory_entry *e, uint32_t worker)
{
    struct broker_gap *gap = post->gaps[worker];
    post->gaps[worker] = NULL;
    e->gapped |= UINT64_C(1) << worker;
    mailbox_post(post->links->office->boxes[worker], MAILBOX_CONTROL, &gap->mail, post->context->now_ms);
    mailbox_wakes_add(post->context->wakes, worker);
}

static void send_one(struct memory_post *post, struct memory_entry *e, uint32_t worker, struct publication *p)
{
    if (e->gapped >> worker & 1) return; /* it reads all of it when it regains */
    if (post->gaps[worker] && pressure_of(post, worker) == MAILBOX_FULL) {
        send_gap(post, e, worker);
        return;
    }
    publication_ref(p);
    mailbox_post(post->links->office->boxes[worker], MAILBOX_WORK, &p->mails[worker].mail, post->context->now_ms);
    mailbox_wakes_add(post->context->wakes, worker);
}

void memory_post_send(struct memory_post *post, struct memory_entry *e, struct publication *p)
{
    for (uint64_t left = e->workers; left; left &= left - 1) send_one(post, e, (uint32_t)__builtin_ctzll(left), p);
}

void memory_post_send_gaps(struct memory_post *post, struct memory_entry *e)
{
    for (uint64_t left = e->workers & ~e->gapped; left; left &= left - 1)
        send_gap(post, e, (uint32_t)__builtin_ctzll(left));
}

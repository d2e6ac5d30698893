#include "mailbox/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool mailbox_init(struct mailbox *box, void *owner, struct mailbox_limits limits)
{
    *box = (struct mailbox){ .limits = limits, .owner_ = owner };
    box->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return box->wake_fd >= 0;
}

void mailbox_deinit(struct mailbox *box)
{
    if (box->wake_fd >= 0) close(box->wake_fd);
    box->wake_fd = -1;
}

void mailbox_post(struct mailbox *box, enum mailbox_lane lane, struct mail *mail, uint64_t now_ms)
{
    /* Counted before it can be taken, so that the count never goes below zero.
     * relaxed: a limit may be late by one mail. */
    atomic_fetch_add_explicit(&box->backlog_bytes_, mail->cost, memory_order_relaxed);
    uint64_t empty = 0;
    if (atomic_load_explicit(&box->busy_since_ms_, memory_order_relaxed) == 0)
        atomic_compare_exchange_strong_explicit(&box->busy_since_ms_, &empty, now_ms | 1, memory_order_relaxed,
                                                memory_order_relaxed);
    struct mail *head = atomic_load_explicit(&box->stacks_[lane], memory_order_relaxed);
    /* seq_cst: ordered against the owner's sleeping flag, see mailbox_sleep() */
    do mail->next_ = head;
    while (!atomic_compare_exchange_weak_explicit(&box->stacks_[lane], &head, mail, memory_order_seq_cst,
                                                  memory_order_relaxed));
}

void mailbox_wake(struct mailbox *box)
{
    /* seq_cst: either the owner's last look sees the mail, or this sees its flag */
    if (!atomic_load_explicit(&box->sleeping_, memory_order_seq_cst)) return;
    if (!atomic_exchange_explicit(&box->sleeping_, false, memory_order_seq_cst)) return;
    uint64_t one = 1;
    atomic_fetch_add_explicit(&box->wakeups, 1, memory_order_relaxed);
    /* A full counter (EAGAIN) is as good as a successful write: the fd is readable. */
    ssize_t written = write(box->wake_fd, &one, sizeof one);
    (void)written;
}

enum mailbox_pressure mailbox_pressure(const struct mailbox *box, uint64_t now_ms)
{
    /* relaxed: a limit, not an order */
    size_t bytes = atomic_load_explicit(&box->backlog_bytes_, memory_order_relaxed);
    if (bytes >= box->limits.hard_bytes) return MAILBOX_FULL;
    if (bytes >= box->limits.high_bytes) return MAILBOX_HIGH;
    uint64_t since = atomic_load_explicit(&box->busy_since_ms_, memory_order_relaxed);
    if (bytes > 0 && since != 0 && now_ms > since && now_ms - since >= box->limits.high_age_ms) return MAILBOX_HIGH;
    return MAILBOX_EASY;
}

/* Take what producers have stacked and append it, oldest first, to what was taken
 * before. Only called when the taken list is empty, so appending is assigning. */
static void take_lane(struct mailbox *box, enum mailbox_lane lane)
{
    /* acquire: pairs with the producer's exchange; the mail's contents are visible */
    struct mail *stack = atomic_exchange_explicit(&box->stacks_[lane], NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (stack) {
        struct mail *next = stack->next_;
        stack->next_ = oldest;
        oldest = stack;
        stack = next;
    }
    box->taken_[lane] = oldest;
}

static struct mail *next_mail(struct mailbox *box)
{
    for (int lane = 0; lane < MAILBOX_LANE_COUNT; lane++) {
        if (!box->taken_[lane]) take_lane(box, (enum mailbox_lane)lane);
        struct mail *mail = box->taken_[lane];
        if (mail) {
            box->taken_[lane] = mail->next_;
            return mail;
        }
    }
    return NULL;
}

static bool something_waits(struct mailbox *box)
{
    for (int lane = 0; lane < MAILBOX_LANE_COUNT; lane++)
        if (box->taken_[lane] || atomic_load_explicit(&box->stacks_[lane], memory_order_seq_cst)) return true;
    return false;
}

bool mailbox_drain(struct mailbox *box, size_t budget)
{
    for (size_t i = 0; i < budget; i++) {
        struct mail *mail = next_mail(box);
        if (!mail) break;
        atomic_fetch_sub_explicit(&box->backlog_bytes_, mail->cost, memory_order_relaxed);
        mail->deliver(mail, box->owner_);
    }
    if (something_waits(box)) return true;
    /* Also when the budget ended with the last mail: an old age must not meet the next one. */
    atomic_store_explicit(&box->busy_since_ms_, 0, memory_order_relaxed);
    return false;
}

bool mailbox_sleep(struct mailbox *box)
{
    atomic_store_explicit(&box->sleeping_, true, memory_order_seq_cst);
    if (!something_waits(box)) return true;
    atomic_store_explicit(&box->sleeping_, false, memory_order_seq_cst);
    return false;
}

void mailbox_awake(struct mailbox *box, bool fd_ready)
{
    atomic_store_explicit(&box->sleeping_, false, memory_order_seq_cst);
    if (!fd_ready) return;
    uint64_t count;
    ssize_t got = read(box->wake_fd, &count, sizeof count);
    (void)got;
}

void mailbox_wakes_send(struct mailbox_wakes *w, struct post_office *office)
{
    for (uint64_t left = w->targets; left; left &= left - 1) mailbox_wake(office->boxes[__builtin_ctzll(left)]);
    w->targets = 0;
}

/* mailbox: the one way between threads. Many producers, one owner.
 *
 * Use: mailbox_post(box, MAILBOX_WORK, &item->mail); then, at the end of the turn,
 *      mailbox_wake(box). The owner calls mailbox_drain() in each turn.
 *
 * Linearizable: if post A returns before post B begins, A is delivered first (per
 * lane). A lane is one atomic stack head; the owner takes the whole stack at once
 * and turns it round, so a stalled producer hides nobody else's mail.
 *
 * Two lanes: MAILBOX_CONTROL (shutdown, snapshots, gap marks) goes before
 * MAILBOX_WORK and is never refused; its producers keep it small.
 *
 * mailbox_post, mailbox_wake and mailbox_pressure are for any thread; all the rest
 * is the owner's. */
#ifndef XSHATHRA_MAILBOX_MAILBOX_H
#define XSHATHRA_MAILBOX_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail {
    struct mail *next_;
    /* Called by the owner; it owns the mail from then on. owner is what
     * mailbox_init was given. */
    void (*deliver)(struct mail *mail, void *owner);
    uint32_t cost; /* bytes that this mail keeps alive, for the backlog count */
};

enum mailbox_lane { MAILBOX_CONTROL, MAILBOX_WORK, MAILBOX_LANE_COUNT };

enum mailbox_pressure {
    MAILBOX_EASY,
    MAILBOX_HIGH, /* above high water: new publishes are refused at the door */
    MAILBOX_FULL, /* above the hard limit: mark a gap instead of posting */
};

struct mailbox_limits {
    size_t high_bytes, hard_bytes;
    uint64_t high_age_ms; /* the backlog has not been empty for this long */
};

#define MAILBOX_LIMITS_DEFAULT                                                                                         \
    ((struct mailbox_limits){ .high_bytes = 16u << 20, .hard_bytes = 64u << 20, .high_age_ms = 5000 })

struct mailbox {
    _Atomic(struct mail *) stacks_[MAILBOX_LANE_COUNT];
    atomic_size_t backlog_bytes_;
    _Atomic uint64_t busy_since_ms_; /* 0 = was empty */
    atomic_bool sleeping_;
    atomic_ulong wakeups; /* wake-up system calls made, for tests and metrics */
    int wake_fd;          /* eventfd; the owner polls it for reading */
    struct mailbox_limits limits;
    /* the owner's */
    struct mail *taken_[MAILBOX_LANE_COUNT];
    void *owner_;
};

/* False when no eventfd is to be had. */
bool mailbox_init(struct mailbox *box, void *owner, struct mailbox_limits limits);
/* Undelivered mail is dropped undelivered: stop the producers and drain first. */
void mailbox_deinit(struct mailbox *box);

void mailbox_post(struct mailbox *box, enum mailbox_lane lane, struct mail *mail, uint64_t now_ms);
/* One system call, and only if the owner sleeps. */
void mailbox_wake(struct mailbox *box);
enum mailbox_pressure mailbox_pressure(const struct mailbox *box, uint64_t now_ms);

/* Deliver at most budget mails, control first. True when more are waiting. */
bool mailbox_drain(struct mailbox *box, size_t budget);
/* The two steps before the owner sleeps: false = mail came meanwhile, do not sleep. */
bool mailbox_sleep(struct mailbox *box);
/* After sleeping: clears the flag and the eventfd (when fd_ready). */
void mailbox_awake(struct mailbox *box, bool fd_ready);

/* post_office: the mailboxes of all workers (index 0 to count - 1) and, behind
 * them, of other threads. Filled before threads start, then read only. */
#define POST_OFFICE_MAX 64
struct post_office {
    struct mailbox *boxes[POST_OFFICE_MAX];
    uint32_t count;
};

/* The targets that a turn has posted to and not yet woken: bit i = boxes[i]. */
struct mailbox_wakes {
    uint64_t targets;
};
static inline void mailbox_wakes_add(struct mailbox_wakes *w, uint32_t index)
{
    w->targets |= UINT64_C(1) << index;
}
void mailbox_wakes_send(struct mailbox_wakes *w, struct post_office *office);

#endif

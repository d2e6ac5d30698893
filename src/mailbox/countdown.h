/* countdown: one effect that several workers carry out, and one mail back to who
 * asked when the last of them has done it.
 *
 * Use: c = countdown_new(targets, office, reply_worker, deliver, cost 0);
 *      post a mail that carries c to each target; each target calls
 *      countdown_done(c, …) when its part is complete; the last call posts
 *      c->mail to the mailbox of who asked, which then owns c and frees it. */
#ifndef XSHATHRA_MAILBOX_COUNTDOWN_H
#define XSHATHRA_MAILBOX_COUNTDOWN_H

#include "mailbox/handle.h"
#include "mailbox/mailbox.h"

struct countdown {
    struct mail mail; /* posted when the count is zero */
    atomic_uint left_;
    atomic_uint affected; /* what the parts add up, e.g. sessions disconnected */
    struct post_office *office_;
    uint32_t reply_to;    /* index in the office */
    struct handle handle; /* who asked */
    uint32_t operation;   /* the asker's own number */
};

/* NULL when memory is out. parts must be at least 1. */
struct countdown *countdown_new(uint32_t parts, struct post_office *office, uint32_t reply_to,
                                void (*deliver)(struct mail *mail, void *owner));
void countdown_done(struct countdown *c, uint32_t affected, uint64_t now_ms);
void countdown_free(struct countdown *c);

#endif

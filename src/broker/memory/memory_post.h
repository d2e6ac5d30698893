/* memory_post: from a hold to the mailboxes of the workers with subscribers. On the
 * stack of a call.
 *
 * Use: init; before the hold prepare each publication, and the gaps if the events
 * may not be refused; in the hold send; after it deinit. */
#ifndef XSHATHRA_BROKER_MEMORY_POST_H
#define XSHATHRA_BROKER_MEMORY_POST_H

#include "broker/memory/memory_table.h"

struct memory_post {
    const struct broker_links *links;
    const struct broker_context *context;
    struct broker_gap *gaps[POST_OFFICE_MAX]; /* owns; for the workers that were under pressure */
};

void memory_post_init(struct memory_post *post, const struct broker_links *links, const struct broker_context *c);
void memory_post_deinit(struct memory_post *post);

/* The publication's mails get their function and cost. */
void memory_post_prepare(const struct memory_post *post, struct publication *p);
/* For events that are not refused: the mails that tell of their loss must be there before the hold. */
void memory_post_prepare_gaps(struct memory_post *post, uint32_t space, struct slice channel);
/* For all workers, whatever their pressure. False when memory is out. */
MUST_CHECK bool memory_post_prepare_all_gaps(struct memory_post *post, uint32_t space, struct slice channel);

/* One worker above high water refuses a publish for all, before an offset exists. */
bool memory_post_overloaded(const struct memory_post *post, const struct memory_entry *e); /* e may be NULL */
/* To every worker with subscribers; where a gap is prepared and the mailbox full, the gap. */
void memory_post_send(struct memory_post *post, struct memory_entry *e, struct publication *p);
/* A gap to every worker with subscribers that has none under way, after prepare_all_gaps. */
void memory_post_send_gaps(struct memory_post *post, struct memory_entry *e);

#endif

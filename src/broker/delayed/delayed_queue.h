/* delayed_queue: the calls of a delayed broker, carried out late by a thread of its
 * own, each with its completion. Calls of one channel keep their order. */
#ifndef XSHATHRA_BROKER_DELAYED_QUEUE_H
#define XSHATHRA_BROKER_DELAYED_QUEUE_H

#include "broker/delayed/delayed_request.h"

struct delayed_queue;

/* The target is borrowed for its life. Stops when memory is out. */
struct delayed_queue *delayed_queue_new(const struct delayed_target *target, const struct broker_links *links,
                                        uint32_t delay_ms);
/* What is queued now or later is never carried out. */
void delayed_queue_stop(struct delayed_queue *q);
void delayed_queue_free(struct delayed_queue *q);

/* Between 0 and 2 * delay_ms from now, later than all that is before it in its channel. */
MUST_CHECK enum status delayed_queue_add(struct delayed_queue *q, const struct broker_context *c,
                                         const struct delayed_request *request, struct broker_ticket ticket);
/* The same as an answer: PENDING, or DONE with the reason why not. */
enum broker_answer delayed_queue_call(struct delayed_queue *q, const struct broker_context *c,
                                      const struct delayed_request *request, struct broker_ticket ticket,
                                      struct broker_result *result);
/* For a call that cannot be refused. */
void delayed_queue_must(struct delayed_queue *q, const struct broker_context *c, const struct delayed_request *request);
/* An unsubscribe of the channel: true = it would overtake a subscribe. */
bool delayed_queue_overtakes(struct delayed_queue *q, uint32_t space, struct slice channel);

#endif

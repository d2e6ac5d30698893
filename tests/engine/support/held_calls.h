/* held_calls: the calls that a held broker keeps until a test lets them go. */
#ifndef XSHATHRA_TESTS_ENGINE_HELD_CALLS_H
#define XSHATHRA_TESTS_ENGINE_HELD_CALLS_H

#include "base/list.h"
#include "broker/delayed/delayed_request.h"

enum held_mode {
    HELD_NOTHING, /* all goes through, DONE */
    HELD_CALLS,   /* PENDING; the inner broker is asked at the release */
    HELD_ANSWERS, /* PENDING; the inner broker is asked at once, its answer waits */
    HELD_FAILING, /* DONE with STATUS_UNAVAILABLE, for calls that are answered */
};

struct held_calls {
    struct delayed_target target;
    struct broker_links links;
    struct list list;
    size_t count;
    enum held_mode mode;
};

/* target is set by the caller. */
void held_calls_init(struct held_calls *h, const struct broker_links *links);
enum broker_answer held_calls_add(struct held_calls *h, const struct broker_context *c,
                                  const struct delayed_request *request, struct broker_ticket ticket,
                                  struct broker_result *result);
/* The call at this index of those waiting, oldest first. */
void held_calls_release(struct held_calls *h, size_t index);

#endif

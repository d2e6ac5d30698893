/* survey: what is there, over all workers: a page of a space's connections or channels, one
 * connection, or the space's numbers. It goes from worker to worker by mail, one at a time,
 * and works on each in slices of SURVEY_SLICE_NS, until the page is full or all were asked.
 *
 * Use: s = survey_start(engine, &request, handle, n);   NULL: memory is out
 *      … engine_worker.effect_done(context, handle, n, 0) comes on the same worker …
 *      body = survey_result(s); survey_release(s)       release at any time
 * A page is not one moment: who comes or goes meanwhile may be missing or be there twice on
 * two pages. Rows are JSON; texts of strangers in them are escaped, and are what they sent. */
#ifndef XSHATHRA_ENGINE_SURVEY_H
#define XSHATHRA_ENGINE_SURVEY_H

#include "engine/engine.h"

#define SURVEY_SLICE_NS   500000
#define SURVEY_LIMIT_MAX  100
#define SURVEY_CURSOR_MAX 64

enum survey_kind {
    SURVEY_CONNECTIONS, /* {"connections":[…],"cursor":text or null} */
    SURVEY_CONNECTION,  /* one with its subscriptions and claims; not found: empty */
    SURVEY_CHANNELS,    /* {"channels":[…],"cursor":text or null} */
    SURVEY_OVERVIEW,    /* {"connections":n,…} of the space */
    SURVEY_NODES,       /* {"nodes":[…]}, whatever the space */
};

/* Where the next page begins. */
struct survey_place {
    uint32_t worker; /* of connections */
    uint64_t at;     /* slot, or the broker's cursor */
    uint32_t skip;   /* of channels: so many of the broker's slice were on the page before */
};

/* Slices are borrowed during survey_start(); empty = whatever it is. */
struct survey_request {
    enum survey_kind kind;
    uint32_t space;
    struct slice user, client, channel, address, sdk; /* sdk: of its name, any letter case */
    struct slice prefix;                              /* of a channel's name */
    uint32_t limit;
    struct survey_place from;
    bool publish; /* SURVEY_OVERVIEW: to the project's people, when nobody waits */
};

struct survey; /* opaque; belongs to the worker that it is on */

MUST_CHECK struct survey *survey_start(struct engine *e, const struct survey_request *request, struct handle handle,
                                       uint32_t operation);
/* The home worker, after effect_done. Empty: the connection is not there, or memory was out (*failed). */
struct slice survey_result(const struct survey *s, bool *failed);
void survey_release(struct survey *s); /* accepts NULL */

/* "1.4711.0"; false: it is none. */
MUST_CHECK bool survey_place_read(struct slice text, struct survey_place *out);

#endif

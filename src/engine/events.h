/* events: what happens in a project, told to its people while they listen: each is published as
 * JSON to EVENTS_PREFIX + project id in the console's own space (POLICY_CONSOLE_SPACE).
 *
 * Use: struct event ev;
 *      if (event_begin(&ev, e, space, "subscribe")) {      somebody listens to this project
 *          event_text(&ev, "channel", name); …; event_send(&ev);
 *      }
 * While nobody listens to any project this is one relaxed load. A project gets at most
 * EVENTS_PER_SECOND; how many more there were is in the next one as "dropped". The numbers of a
 * project come once a second to OVERVIEW_PREFIX + project id in the same way: events_tick().
 * What strangers sent is in events as they sent it, cut: pages must not trust it. Worker threads. */
#ifndef XSHATHRA_ENGINE_EVENTS_H
#define XSHATHRA_ENGINE_EVENTS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "json/json_writer.h"

struct client;
struct engine;

#define EVENTS_PREFIX      "events:"
#define OVERVIEW_PREFIX    "overview:"
#define EVENTS_PER_SECOND  200u
#define EVENTS_LISTENED    256u /* projects that are listened to at a time */
#define EVENT_BYTES_MAX    ((size_t)16 << 10)
#define EVENT_TEXT_MAX     512u
#define EVENT_DATA_MAX     1024u
#define OVERVIEW_PERIOD_MS 1000

/* One project that somebody listens to. Zeroed = free. */
struct events_cell {
    _Atomic uint64_t listeners_; /* hash of the project's id in the high half, how many in the low half */
    _Atomic uint64_t window_;    /* the second in the high half, how many were sent in it in the low half */
    atomic_uint dropped_;
};

/* Shared by all workers; zeroed = nobody listens. All relaxed: an event more or less at the
 * moment when somebody begins to listen is none too many. */
struct events {
    atomic_uint listeners; /* to events of any project */
    struct events_cell events_[EVENTS_LISTENED], overviews_[EVENTS_LISTENED];
};

enum events_kind { EVENTS_OF_PROJECT, OVERVIEW_OF_PROJECT };

/* One more, one less listener of a project. listen: false, too many projects are listened to. */
MUST_CHECK bool events_listen(struct events *events, enum events_kind kind, struct slice project);
void events_unlisten(struct events *events, enum events_kind kind, struct slice project);

struct event {
    struct engine *engine;
    struct slice project; /* borrows the policy */
    struct buf buf;
    struct json_writer json;
};

/* False: nobody wants it, and there is nothing to end. */
MUST_CHECK bool event_begin(struct event *ev, struct engine *e, uint32_t space, const char *type);
void event_text(struct event *ev, const char *name, struct slice value); /* cut to EVENT_TEXT_MAX */
void event_number(struct event *ev, const char *name, uint64_t value);
void event_flag(struct event *ev, const char *name, bool value);
/* A payload: its length, and itself when it is short JSON. */
void event_data(struct event *ev, struct slice data, bool is_json);
/* client and user. */
void event_client(struct event *ev, const struct client *c);
void event_send(struct event *ev);

/* Worker 0, about once in OVERVIEW_PERIOD_MS: numbers of the projects that are listened to. */
void events_tick(struct engine *e);
/* What a survey has found for a project's overview. */
void events_send_overview(struct engine *e, uint32_t space, struct slice json);

#endif

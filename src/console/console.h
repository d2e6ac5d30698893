/* console: the API under /api/console/ that the console's pages and scripts use: accounts,
 * projects, keys, members. A call is read on the worker that got it, carried out as a job on
 * the control thread, where the database is, and answered on the worker again.
 *
 * Use, on a worker: console_host_init(&host, …);
 *      exchange = console_start(&host, &request);     NULL: memory is out, or too many are on their way
 *      … host.ready(context, handle) comes later, on the same worker …
 *      console_errand(exchange)                       something for another API to do, or
 *      console_answer(exchange) -> status, headers, body
 *      console_release(exchange)                      at any time, also before it is ready
 * Source: docs/console-api. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_H
#define XSHATHRA_CONSOLE_CONSOLE_H

#include "api/api.h"
#include "control/control.h"
#include "engine/survey.h"
#include "http/http_request.h"
#include "mailbox/handle.h"

#define CONSOLE_PREFIX         "/api/console"
#define CONSOLE_BODY_BYTES_MAX ((size_t)64 << 10)
#define CONSOLE_HEADERS_MAX    3
/* Calls of one worker on their way, with those whose peer has hung up: no more are begun. */
#define CONSOLE_AWAY_MAX 256

struct console_exchange; /* opaque; belongs to its worker */

struct console_host {
    struct control *control; /* borrowed */
    struct mailbox *home;    /* the worker's own; borrowed */
    /* The exchange that was started for handle has its answer. */
    void (*ready)(void *context, struct handle handle);
    void *context;
    const uint8_t *live_secret; /* of tokens for the console's own space; borrowed */
    const char *live_path;      /* where its pages open a WebSocket, below /realtime; NULL = there is none */
    uint32_t away;              /* private */
};

struct console_request {
    const struct http_request *http; /* borrowed during the call, as all of this */
    struct slice body;
    struct slice address; /* of the peer, as trusted proxies name it */
    bool secure;          /* it came over TLS, ours or a trusted proxy's */
    struct handle handle;
};

/* Content-Type of every answer is application/json. Borrowed until console_release(). */
struct console_answer {
    int status;
    struct slice body;
    const struct http_header *headers;
    size_t header_count;
};

MUST_CHECK struct console_exchange *console_start(struct console_host *host, const struct console_request *request);
/* Who asks may have something done on the project that the engine's or the project API does:
 * the worker then carries that out with api_start(), as request.granted. Borrowed until
 * console_release(). */
struct console_errand {
    enum api_family family;
    struct slice name;    /* the method; ptr NULL = there is none, console_answer() has the answer */
    struct slice project; /* its id */
    struct slice body;
    const struct survey_request *survey; /* instead: what is to be found over all workers; NULL = nothing */
};
struct console_errand console_errand(const struct console_exchange *exchange);
struct handle console_handle(const struct console_exchange *exchange); /* that it was started for */
struct console_answer console_answer(const struct console_exchange *exchange);
void console_release(struct console_exchange *exchange); /* accepts NULL */

#endif

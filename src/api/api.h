/* api: the HTTP APIs for backends: request in, engine call, answer out. Two
 * families: the engine's server API (/api/<method>, key of the deployment) and the
 * project API (/api/realtime/<name>, key of a project). One file per method.
 *
 * Use: api_call_init(&call, engine);
 *      if (api_refuse(&call, &request)) -> send the answer, read no body; else, with the body:
 *      outcome = api_start(&call, &request);
 *      API_ANSWERED -> send call.status, call.content_type, call.headers, call.body;
 *      API_PENDING  -> keep the call; api_completed() or api_effect_done() comes;
 *      API_AGAIN    -> long work: api_continue() in a later turn.
 *      api_call_reset() makes it ready for the next request, api_call_deinit() ends it.
 * A call belongs to one worker. It opens no socket and waits for nothing. */
#ifndef XSHATHRA_API_API_H
#define XSHATHRA_API_API_H

#include "base/arena.h"
#include "base/buf.h"
#include "engine/engine.h"
#include "http/http_request.h"

enum api_family { API_ENGINE, API_PROJECT };

enum api_outcome { API_ANSWERED, API_PENDING, API_AGAIN };

/* All borrowed during api_start() only: what must outlive it is copied to the arena. */
struct api_request {
    enum api_family family;
    struct slice name;               /* "publish", "token", …: the last part of the path */
    const struct http_request *http; /* head: method, headers, query */
    struct slice body;               /* whole; api_refuse() does not look at it */
    struct handle handle;            /* who asks: pending answers go there */
    struct slice granted;            /* the id of the project that it may act on without a key: the caller has
                                        asked who it is. ptr NULL = a key decides */
};

/* More than any answer has beside its content type. */
#define API_HEADERS_MAX 2

/* What api_refuse() let pass, for the api_start() that follows. */
struct api_admission {
    struct slice name;                    /* static; ptr NULL = nothing was let pass */
    const void *method;                   /* a row of the family's own table */
    const struct policy_project *project; /* of the key; lives as long as the policy of this version */
    const struct policy_key *key;         /* of a project, when one let it in; lives as long */
    uint64_t policy_version;
};

/* Where in the body an answer goes: zeroed, it is the body. */
struct api_place {
    bool among_others; /* start is where it begins, and its status is not the whole's */
    uint32_t id;       /* a member of it; 0 = none */
    size_t start;
    struct slice result_name; /* empty = "result" */
};

struct api_state; /* a method's own state while an answer is pending; in the arena */

struct api_call {
    struct engine *engine;
    struct arena arena;
    struct handle handle;
    /* the answer, after API_ANSWERED; borrowed until reset */
    int status;                                  /* HTTP */
    struct slice content_type;                   /* empty: none */
    struct http_header headers[API_HEADERS_MAX]; /* static text */
    size_t header_count;
    struct buf body;
    /* private */
    uint32_t space_;
    struct slice command_;           /* what was asked for, as the paths name it; static; empty = nothing known */
    char key_id_[POLICY_KEY_ID_MAX]; /* of that key */
    bool granted_;                   /* without a key: the console has asked who it is */
    bool errors_as_status_;
    unsigned metric_method_;
    uint64_t started_ns_;
    struct api_state *state_;
    enum api_outcome (*completed_)(struct api_call *call, struct broker_result *result);
    enum api_outcome (*effect_done_)(struct api_call *call, uint32_t affected);
    enum api_outcome (*continue_)(struct api_call *call);
    void (*drop_)(struct api_call *call); /* gives back what state_ owns outside the arena; NULL = nothing */
    struct api_many *many_;               /* the commands of a batch; in the arena; NULL = there is one request */
    struct api_place place_;
    uint32_t operation_; /* the pending operation; answers with another number are stale; 0 = none */
    enum api_family family_;
    struct api_admission admission_;
};

void api_call_init(struct api_call *call, struct engine *engine);
void api_call_deinit(struct api_call *call);
void api_call_reset(struct api_call *call);

/* Look at the head alone: name, method, key, project, content type and announced
 * length, so that a stranger's body is never kept. True: refused, and the call holds
 * the answer that api_start() would give (an OPTIONS request is answered here too).
 * False: read the body, then api_start() on this call, whose handle and name must be
 * the same; the checks passed here are not made again unless the policy has changed
 * since. api_call_reset() in between forgets them. */
MUST_CHECK bool api_refuse(struct api_call *call, const struct api_request *request);
/* The whole request. Makes all checks itself when api_refuse() was not asked. */
enum api_outcome api_start(struct api_call *call, const struct api_request *request);
/* Takes the completion over. */
enum api_outcome api_completed(struct api_call *call, struct broker_completion *completion);
enum api_outcome api_effect_done(struct api_call *call, uint32_t operation, uint32_t affected);
enum api_outcome api_continue(struct api_call *call);
/* The answer was not there in time: error 100 (engine), 503 (project). Fills the answer. */
void api_timed_out(struct api_call *call);

/* Largest body that the family takes, in bytes. */
size_t api_body_max(enum api_family family);

#endif

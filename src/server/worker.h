/* worker: one thread with its loop, mailbox, engine and sessions. */
#ifndef XSHATHRA_SERVER_WORKER_H
#define XSHATHRA_SERVER_WORKER_H

#include "api/api.h"
#include "config/config.h"
#include "console/console.h"
#include "console/console_assets.h"
#include "engine/console_space.h"
#include "server/http_metrics.h"
#include "session/session.h"
#include "session/session_gate.h"

enum worker_listener { WORKER_LISTENER_PUBLIC, WORKER_LISTENER_INTERNAL, WORKER_LISTENER_COUNT };

/* What all workers share; built before they start, read only but for the atomics. */
struct worker_shared {
    const struct config *config;
    struct worker *workers; /* engine.worker_count of them */
    struct engine_shared engine;
    struct post_office office;
    struct session_gate gate;
    struct control *control;      /* borrowed; NULL until the control thread is there */
    struct metrics *node_metrics; /* gauges of the whole node, set when metrics are asked for */
    pthread_mutex_t node_metrics_lock;
    uint8_t console_secret[CONSOLE_SECRET_LEN]; /* of this process's life */
    atomic_bool stopping;                       /* health answers 503 */
};

#define WORKER_SPARE_CALLS_MAX 32

/* One request of an API from its head to its answer. */
struct worker_call {
    struct api_call api;
    struct console_exchange *console; /* owned; NULL = it is no request of the console's API */
    struct survey *survey;            /* owned; NULL = the console has asked for none */
    bool on_errand;                   /* api, or the survey, does what the console asked for */
    struct http_header
        headers[API_HEADERS_MAX + CONSOLE_HEADERS_MAX]; /* of an errand's answer: api's and the console's */
};

struct worker {
    struct worker_shared *shared;
    uint32_t index;
    pthread_t thread;
    struct mailbox mailbox;
    struct net_loop loop;
    struct engine engine;
    struct session_host host;
    struct net_listener listeners[WORKER_LISTENER_COUNT];
    struct http_metrics *http_metrics; /* owned; NULL: requests are not counted */
    struct net_timer sweep_timer, drain_timer;
    struct mail stop_mail;
    uint32_t drain_slot, drain_batch;
    uint64_t next_overview_ms, next_key_uses_ms;
    bool draining, drained, sweep_again;
    uint64_t drain_deadline_ms;
    atomic_bool forced; /* connections were left when the time-out came */
    struct console_host console;
    struct worker_call *spare_calls[WORKER_SPARE_CALLS_MAX];
    uint32_t spare_call_count;
    struct buf answer;                 /* of routes that are no API */
    struct console_assets_answer page; /* the last one */
    bool has_loop;                     /* something to take apart */
    struct http_header cors[2];
};

/* Listening descriptors are taken over (-1 = none), and one reference of policy. */
MUST_CHECK enum status worker_init(struct worker *w, struct worker_shared *shared, uint32_t index,
                                   struct policy *policy, const int fds[WORKER_LISTENER_COUNT]);
/* For connections accepted from now on; references of its own. The worker's thread, or any before it starts. */
void worker_set_tls(struct worker *w, struct net_tls_context *const contexts[WORKER_LISTENER_COUNT]);
MUST_CHECK bool worker_start(struct worker *w);
/* Any thread: stop accepting, close connections spread over the shutdown time-out, end. */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
void worker_deinit(struct worker *w);

/* The deliver function of struct control_policy_mail. */
void worker_deliver_policy(struct mail *mail, void *owner);

/* routes.c */
extern const struct session_app routes_app;

#endif

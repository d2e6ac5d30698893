/* api_harness: two workers with real engines in one thread, a broker, a policy made
 * by hand, clients behind a fake transport, and one API call on worker 0.
 *
 * Use: struct harness *h = harness_new(HARNESS_MEMORY);
 *      harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{…}");
 *      assert_int_equal(h->call.status, 200); … harness_body(h) …; harness_free(h);
 * No sockets; the clock stands at HARNESS_NOW_S until a test moves it. */
#ifndef XSHATHRA_TESTS_API_HARNESS_H
#define XSHATHRA_TESTS_API_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api.h"
#include "engine/client.h"

#define HARNESS_NOW_S   1800000000
#define HARNESS_WORKERS 2
#define HARNESS_CLIENTS 8

#define ENGINE_KEY   "X-API-Key: engine-key\n"
#define SERVER_KEY   "Authorization: apikey sk_default\n"
#define SHOP_KEY     "Authorization: apikey sk_shop\n"
#define TOKEN_SECRET "token-secret"
#define DEFAULT_ID   "proj_default"
#define SHOP_ID      "proj_shop"
#define SHOP_SPACE   7
#define QUEUE_BYTES  65536

enum harness_broker {
    HARNESS_MEMORY,
    HARNESS_DELAYED, /* the memory broker with late answers */
    HARNESS_FAILING, /* answers h->fail_with to everything */
};

struct harness_client {
    struct client client;
    struct buf out; /* messages, one a line */
    uint32_t worker;
    uint32_t generation;
    uint32_t close_code;
    char close_reason[256];
    bool in_use;
};

struct harness {
    struct engine_shared shared;
    struct mailbox boxes[HARNESS_WORKERS];
    struct post_office office;
    struct harness_worker {
        struct harness *harness;
        struct engine engine;
        struct mailbox_wakes wakes;
    } workers[HARNESS_WORKERS];
    struct harness_client clients[HARNESS_CLIENTS];
    struct policy *policy; /* borrowed from the engines */
    enum status fail_with;
    struct api_call call;
    enum api_outcome outcome;
    unsigned pending_count, again_count; /* outcomes of that kind in the last ask */
    uint32_t generation;                 /* of the call's handle */
    bool was_refused;                    /* by api_refuse(), in the last ask */
    bool without_refuse;                 /* only api_start(), as a caller that has the body already may */
};

/* What a test may change before the policy is sealed; NULL = nothing. */
typedef void harness_policy_fn(struct policy_deployment *d);

struct harness *harness_new(enum harness_broker kind, harness_policy_fn *change);
void harness_free(struct harness *h);

/* Ask and work until the answer is there. headers: lines "Name: value\n". Each ask goes
 * through api_refuse() first; what that refuses, api_start() must refuse in the same bytes. */
void harness_ask(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body);
/* The same with everything: method "GET", query without '?', body with its length. */
void harness_ask_with(struct harness *h, enum api_family family, const char *name, const char *method,
                      const char *query, const char *headers, struct slice body);
/* Only begin; then harness_turn() until h->outcome is API_ANSWERED. */
void harness_begin(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body);
void harness_turn(struct harness *h);
void harness_finish(struct harness *h);

/* The two steps one by one, on h->call; the answer, if any, is there at once. */
bool harness_refuse(struct harness *h, enum api_family family, const char *name, const char *method,
                    const char *headers, uint64_t content_length);
void harness_start(struct harness *h, enum api_family family, const char *name, const char *headers, const char *body);
/* The value of a header of the answer; "" when it has none. */
struct slice harness_header(struct harness *h, const char *name);

/* The body as a string, until the next call. */
const char *harness_body(struct harness *h);
void harness_expect(struct harness *h, int status, const char *body);
/* Status, and a body that holds this text. */
void harness_expect_part(struct harness *h, int status, const char *part);

/* A client on a worker that connects with a token ("" = without). */
struct harness_client *harness_connect(struct harness *h, uint32_t worker, const char *token);
/* Send a command and work until all is quiet. */
void harness_send(struct harness *h, struct harness_client *c, const char *command);
/* What it has received since the last look, as a string. */
const char *harness_received(struct harness *h, struct harness_client *c);
/* The value of "token" in the last answer; static memory. */
const char *harness_token(struct harness *h);

#endif

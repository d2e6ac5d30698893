/* engine_rig: one or two workers with real engines in one thread, real mailboxes, the
 * memory broker behind one whose answers a test may hold, a clock that stands still
 * until a test moves it, and clients behind a port that keeps what is sent as text.
 *
 * Use: struct rig *r = rig_new(1, NULL);
 *      struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
 *      rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
 *      rig_expect(r, c, "{\"id\":2,\"subscribe\":{}}"); … rig_free(r);
 * In what rig_received() gives, ids of clients read C0, C1, … and epochs E0, E1, … in the
 * order in which the rig has seen them. rig_free() checks that nothing was left behind. */
#ifndef XSHATHRA_TESTS_ENGINE_ENGINE_RIG_H
#define XSHATHRA_TESTS_ENGINE_ENGINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/client.h"
#include "engine/effects.h"
#include "engine/support/held_broker.h"
#include "engine/support/held_map_broker.h"

#define RIG_NOW_S      1800000000
#define RIG_WORKERS    2
#define RIG_CLIENTS    16
#define RIG_EPOCHS     16
#define RIG_SECRET     "token-secret"
#define RIG_SUB_SECRET "subscription-secret"
#define RIG_SHOP       "proj_shop"
#define RIG_SHOP_SPACE 7
#define RIG_OLD        "proj_old" /* archived; space 9 */
#define RIG_SAY_MAX    8

struct rig_text {
    char *ptr;
    size_t len, cap;
};

struct rig_client {
    struct client client;
    struct rig *rig;
    struct rig_text out;
    uint32_t worker, slot, generation;
    uint32_t close_code;
    char close_reason[256];
    char *parked; /* rest of a message whose command is pending */
    size_t parked_len;
    char *unread[RIG_SAY_MAX]; /* messages that came meanwhile */
    size_t unread_len[RIG_SAY_MAX];
    size_t unread_count;
    uint64_t deadline_ms;
    enum client_order last_order; /* of the last message */
    size_t queued;                /* what port->queued() says; a test sets it */
    uint32_t joined_space, frame_pings, resumes;
    bool in_use, ended;
};

struct rig {
    struct engine_shared shared;
    struct broker *broker;   /* held_broker_…() */
    struct map_broker *maps; /* held_map_broker_…() */
    struct mailbox boxes[RIG_WORKERS];
    struct post_office office;
    struct rig_worker {
        struct rig *rig;
        struct engine engine;
        struct mailbox_wakes wakes;
    } workers[RIG_WORKERS];
    struct rig_client clients[RIG_CLIENTS];
    char epochs[RIG_EPOCHS][BROKER_EPOCH_MAX];
    size_t epoch_count;
    uint64_t now_ms;
    int64_t wall_ms;
    uint32_t effects_done, affected; /* of rig_effect(): answers and their sums */
};

typedef void rig_policy_fn(struct policy_deployment *d);

/* change: what is different from the usual deployment, before it is sealed. */
struct rig *rig_new(uint32_t workers, rig_policy_fn *change);
struct rig *rig_new_with(uint32_t workers, rig_policy_fn *change, struct mailbox_limits limits);
void rig_free(struct rig *r);
/* The usual policy in a version of its own; archive: the shop's project is; revoke: its client key is. */
struct policy *rig_policy(uint64_t version, rig_policy_fn *change, bool archive, bool revoke);

/* Turns until all is quiet. */
void rig_run(struct rig *r);
/* One turn of one worker: mailbox, tasks, clients that ended. True = more to do. */
bool rig_turn(struct rig *r, uint32_t worker);
/* Let time pass, with deadlines on the way. */
void rig_pass(struct rig *r, uint64_t ms);

/* A client that has said nothing yet. */
struct rig_client *rig_open(struct rig *r, uint32_t worker);
/* The same of Protobuf: what is said to it as JSON reaches it translated, and what it gets
 * is kept as bytes, see rig_bytes(). */
struct rig_client *rig_open_protobuf(struct rig *r, uint32_t worker);
/* For tests with threads: in this slot, and gone without a turn. They touch this client only. */
struct rig_client *rig_open_at(struct rig *r, uint32_t worker, uint32_t slot);
void rig_drop(struct rig_client *c);
/* A client that connected with these claims; what it got was thrown away. */
struct rig_client *rig_connected(struct rig *r, uint32_t worker, const char *claims);
/* Say one message and work until all is quiet; printf form in which $E0 stands for an epoch. */
void rig_say(struct rig *r, struct rig_client *c, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same without working on. */
void rig_say_only(struct rig *r, struct rig_client *c, const char *message);
/* The peer ends the connection. */
void rig_hang_up(struct rig *r, struct rig_client *c);

/* All since the last look, one message a line; valid until the next call. */
const char *rig_received(struct rig *r, struct rig_client *c);
void rig_expect(struct rig *r, struct rig_client *c, const char *text);
void rig_expect_part(struct rig *r, struct rig_client *c, const char *part);
void rig_expect_closed(struct rig *r, struct rig_client *c, uint32_t code);
/* All bytes since the last look, one message after the other; valid until it gets more. */
struct slice rig_bytes(struct rig_client *c);
void rig_forget(struct rig *r, struct rig_client *c); /* what was received so far */

/* HS256 under RIG_SECRET; memory of a ring of eight. */
const char *rig_token(const char *claims);
const char *rig_token_under(const char *secret, const char *claims);

/* Publish as a backend does, from worker 0. */
void rig_publish(struct rig *r, uint32_t space, const char *channel, const char *data);
/* Set a key of a map, or remove it (data NULL), as a backend does; tags "a=b c=d", NULL = none. */
void rig_map_publish(struct rig *r, uint32_t space, const char *channel, const char *key, const char *data,
                     const char *tags);
/* All keys go, the next epoch begins. */
void rig_map_clear(struct rig *r, uint32_t space, const char *channel);
/* Keys that have come to their end go. */
void rig_map_sweep(struct rig *r);
/* Subscribers of a map that its broker counts, over all workers. */
uint32_t rig_map_subscribers(struct rig *r, uint32_t space, const char *channel);
uint64_t rig_map_keys(struct rig *r, uint32_t space, const char *channel);
/* The broker's options for a channel of this rig: history of 5 for "public:…". */
struct broker_history_options rig_history(const struct rig *r, const char *channel);
/* Start an effect from a worker; then rig_run(), and effects_done tells. False: nobody is concerned. */
bool rig_effect(struct rig *r, uint32_t worker, const struct effect_request *request);
/* Subscribers that the broker counts on a channel, over all workers. */
uint32_t rig_subscribers(struct rig *r, uint32_t space, const char *channel);
uint32_t rig_present(struct rig *r, uint32_t space, const char *channel);
int64_t rig_gauge(struct rig *r, unsigned slot);

#endif

/* load_client: a group of WebSocket connections that behave as ordinary Centrifuge
 * clients: upgrade, connect with a token, subscribe to one channel each, count what
 * arrives, answer pings. JSON protocol.
 *
 * Use: load_group_init(&group, &loop, &options); load_group_grow(&group, 1000);
 *      then publish, and look at group.deliveries; load_group_deinit(&group).
 * Each step waits for the answer to the one before, as centrifuge-js does. A refusal,
 * an unexpected end or a wrong payload ends the program with a sentence. One thread. */
#ifndef XSHATHRA_BENCH_LOAD_CLIENT_H
#define XSHATHRA_BENCH_LOAD_CLIENT_H

#include "base/buf.h"
#include "bench/lib/load_loop.h"
#include "crypto/crypto_hmac.h"

/* How many connections are under way at a time while a group grows. */
#define LOAD_IN_FLIGHT_DEFAULT 32

struct load_group_options {
    uint16_t port;
    uint32_t count_max;
    uint32_t in_flight;     /* 0 = LOAD_IN_FLIGHT_DEFAULT */
    const char *name_space; /* WIRE_LIVE or WIRE_HISTORY */
    bool one_channel;       /* all on channel 0; otherwise connection i on channel i */
};

struct load_client {
    struct load_source source;
    struct load_group *group; /* borrowed */
    char *rest;               /* the start of an incomplete frame; owned, mostly NULL */
    uint32_t rest_len;
    uint32_t index;
    uint8_t state;
};

struct load_group {
    struct load_group_options options;
    struct load_loop *loop;      /* borrowed */
    struct load_client *clients; /* owned */
    struct crypto_hmac *mac;     /* owned */
    struct buf out;              /* scratch */
    uint32_t started, ready, wanted;
    uint64_t deliveries, pings;
    bool checks_payload;    /* compare each delivery with wire_payload() */
    uint64_t *sent_ns;      /* per channel, or NULL; borrowed. Zeroed when it arrives … */
    uint64_t *latencies_ns; /* … and the difference is appended here */
    size_t latency_count, latency_max;
};

void load_group_init(struct load_group *group, struct load_loop *loop, const struct load_group_options *options);
/* Have count connections, all subscribed. */
void load_group_grow(struct load_group *group, uint32_t count);
void load_group_deinit(struct load_group *group); /* closes the connections */

#endif

/* load_group: a group of connections that behave as ordinary Centrifuge clients: upgrade, connect with a token,
 * subscribe to channels, count what arrives, answer pings. Over src/load, which `xshathra bench` uses, too.
 *
 * Use: load_group_init(&group, &loop, &options); load_group_grow(&group, 1000);
 *      then publish, and look at group.deliveries; load_group_deinit(&group).
 * Each step waits for the answer to the one before, as centrifuge-js does. A refusal,
 * an unexpected end or a wrong payload ends the program with a sentence. One thread. */
#ifndef XSHATHRA_BENCH_LOAD_GROUP_H
#define XSHATHRA_BENCH_LOAD_GROUP_H

#include "base/buf.h"
#include "bench/lib/server_process.h"
#include "crypto/crypto_hmac.h"
#include "load/load_conn.h"
#include "load/load_histogram.h"

/* How many connections are under way at a time while a group grows. */
#define LOAD_IN_FLIGHT_DEFAULT 32

struct load_group_options {
    const struct server_process *server;
    uint32_t count_max;
    uint32_t in_flight;     /* 0 = LOAD_IN_FLIGHT_DEFAULT */
    const char *name_space; /* WIRE_LIVE, WIRE_HISTORY, WIRE_PRESENCE or WIRE_CLIENTS */
    bool one_channel;       /* all on first_channel; otherwise connection i on first_channel + i */
    uint32_t first_channel;
    bool subscribes_to_none;
    uint32_t more_channels; /* subscribe to so many more of its own */
    uint32_t first_user;    /* connection i is user first_user + i */
    enum load_encoding encoding;
    bool deflates;
    bool ends_are_expected; /* a connection that ends is opened again when the group grows again */
};

struct load_client {
    struct load_conn conn;
    struct load_group *group; /* borrowed */
    uint64_t began_ns;
    uint32_t subscribed;
    uint8_t state;
};

struct load_group {
    struct load_group_options options;
    struct load_target target;
    struct load_net net;
    struct load_loop *loop;      /* borrowed */
    struct load_client *clients; /* owned */
    struct crypto_hmac *mac;     /* owned */
    uint32_t started, ready, wanted;
    uint64_t deliveries, pings, answers;
    bool checks_payload; /* compare each delivery with wire_payload() */
    bool recovers;       /* subscribe from offset 0 of epoch */
    char epoch[16];      /* of the channel of the last subscribe's answer */
    uint64_t recovered;  /* publications in answers to subscribes */
    uint64_t *sent_ns; /* per connection, each with a channel of its own; or NULL; borrowed. Zeroed when it arrives … */
    struct load_histogram *times;         /* … and the difference goes here */
    struct load_histogram *connect_times; /* from the TCP connect until the last subscribe's answer; or NULL */
};

void load_group_init(struct load_group *group, struct load_loop *loop, const struct load_group_options *options);
/* Have count connections, all subscribed. */
void load_group_grow(struct load_group *group, uint32_t count);
/* Publishes wire_payload() as client index, to its own channel; counted in answers. */
void load_group_publish(struct load_group *group, uint32_t index);
/* Ends all connections by a reset; growing begins anew. */
void load_group_drop(struct load_group *group);
void load_group_deinit(struct load_group *group); /* closes the connections */

#endif

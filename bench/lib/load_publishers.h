/* load_publishers: subscribers with a channel each, and API connections that publish to the channels in turn, busy or
 * at a fixed rate.
 *
 * Use: load_publishers_init(p, &options); load_publishers_run(p, 5000); or load_publishers_run_paced(p, 2000, 500);
 *      load_publishers_deinit(p).
 * The numbers of answers and deliveries must be exact; anything else ends the program. One thread. */
#ifndef XSHATHRA_BENCH_LOAD_PUBLISHERS_H
#define XSHATHRA_BENCH_LOAD_PUBLISHERS_H

#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"

#define LOAD_PUBLISHERS_SUBSCRIBERS 1000
#define LOAD_PUBLISHERS_APIS        8

struct load_publishers_options {
    const struct server_process *server;
    const char *name_space;
    uint32_t first_channel;
    uint32_t batch; /* publishes in a request; 0 = ordinary publishes */
};

struct load_publishers {
    struct load_loop *loop; /* borrowed */
    struct load_group group;
    struct load_api apis[LOAD_PUBLISHERS_APIS];
    uint32_t pipelined;                   /* requests in one write: 1 */
    uint32_t batch;                       /* publishes in a request */
    uint32_t first_channel, next_channel; /* the second counts from the first */
    uint64_t asked, wanted;               /* publishes */
    uint64_t sent_ns[LOAD_PUBLISHERS_SUBSCRIBERS];
};

void load_publishers_init(struct load_publishers *p, struct load_loop *loop,
                          const struct load_publishers_options *options);
/* Keeps each API connection busy until count more publishes are answered and delivered. */
void load_publishers_run(struct load_publishers *p, uint32_t count);
/* count publishes at the rate, on the API connections in turn. In between the program sleeps, as clients do, so each
 * delivery pays for waking it. times gets how long each took from the moment that it was due, not when it was sent:
 * whoever waits for a slow server does not excuse it. */
void load_publishers_run_paced(struct load_publishers *p, uint32_t per_second, uint32_t count,
                               struct load_histogram *times);
void load_publishers_deinit(struct load_publishers *p);

#endif

/* load_api: keep-alive connections to the server API that publish wire_payload().
 *
 * Use: load_api_init(&api, &loop, port, WIRE_LIVE);
 *      load_api_publish(&api, first_channel, step, 16);   16 requests in one write
 *      … until api.answered is what you wait for.
 * Each answer must be a 200 with a result; anything else ends the program. One thread. */
#ifndef XSHATHRA_BENCH_LOAD_API_H
#define XSHATHRA_BENCH_LOAD_API_H

#include "bench/lib/load_loop.h"

#define LOAD_API_PIPELINE_MAX 64

struct load_api {
    struct load_source source;
    struct load_loop *loop; /* borrowed */
    char *requests;         /* LOAD_API_PIPELINE_MAX copies of one request; owned */
    size_t request_len, channel_at;
    char *unread; /* the start of an incomplete answer; owned */
    size_t unread_len;
    uint64_t asked, answered;
    /* Called after each read that completed answers; may be NULL. */
    void (*on_answers)(struct load_api *api);
    void *context;
};

/* Connects at once; blocks until the connection stands. */
void load_api_init(struct load_api *api, struct load_loop *loop, uint16_t port, const char *name_space);
/* One write with count publishes, to channel first, first + step, first + 2 * step … modulo channel_count. */
void load_api_publish(struct load_api *api, uint32_t first, uint32_t step, uint32_t channel_count, uint32_t count);
void load_api_deinit(struct load_api *api);

#endif

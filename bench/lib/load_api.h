/* load_api: keep-alive connections to the server API, each with one kind of call: publish wire_payload(), publish
 * many of it in one batch, or ask who is present.
 *
 * Use: load_api_init(&api, &loop, &options);
 *      load_api_call(&api, first_channel, step, channel_count, 16);   16 requests in one write
 *      … until api.answered is what you wait for.
 * Each answer must be a 200 with a result; anything else ends the program. One thread. */
#ifndef XSHATHRA_BENCH_LOAD_API_H
#define XSHATHRA_BENCH_LOAD_API_H

#include "bench/lib/server_process.h"
#include "load/load_loop.h"

#define LOAD_API_PIPELINE_MAX 64

enum load_call { LOAD_CALL_PUBLISH, LOAD_CALL_BATCH, LOAD_CALL_PRESENCE };

struct load_api_options {
    const struct server_process *server;
    const char *name_space;
    enum load_call call;
    uint32_t batch; /* publishes in one LOAD_CALL_BATCH */
};

struct load_api {
    struct load_source source;
    struct load_loop *loop; /* borrowed */
    char *requests;         /* LOAD_API_PIPELINE_MAX copies of one request; owned */
    size_t request_len, channel_at;
    uint32_t entries;  /* channels in a request */
    size_t entry_step; /* from one of them to the next */
    char *unread;      /* the start of an incomplete answer; owned */
    size_t unread_len, unread_cap;
    uint64_t asked, answered; /* requests */
    /* Called after each read that completed answers; may be NULL. */
    void (*on_answers)(struct load_api *api);
    void *context;
};

/* Connects at once; blocks until the connection stands. */
void load_api_init(struct load_api *api, struct load_loop *loop, const struct load_api_options *options);
/* One write with count requests, to channel first, first + step, first + 2 * step … modulo channel_count. */
void load_api_call(struct load_api *api, uint32_t first, uint32_t step, uint32_t channel_count, uint32_t count);
void load_api_deinit(struct load_api *api);

#endif

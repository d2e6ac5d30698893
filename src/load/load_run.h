/* load_run: a load by plan: connections are opened at a steady rate, each subscribes, then they publish at a steady
 * rate for a while, and everything is counted.
 *
 * Use: status = load_run(&plan, &watcher, &totals);
 * Open loop: a connection or a publish is due when the rate says so, and times count from then; a slow server makes
 * them longer and not fewer. Connection i is subscribed to the channels i * subscriptions + k, modulo channels; the
 * n-th publish comes from the next connection that stands, into one of its channels. One thread. */
#ifndef XSHATHRA_LOAD_LOAD_RUN_H
#define XSHATHRA_LOAD_LOAD_RUN_H

#include "load/load_histogram.h"
#include "load/load_target.h"
#include "load/load_tokens.h"

/* The shortest payload holds when it was due. */
#define LOAD_PAYLOAD_LEN_MIN 32
#define LOAD_PAYLOAD_LEN_MAX 65536
#define LOAD_REASONS_MAX     8
#define LOAD_REASON_LEN_MAX  80
/* No more are under way at a time, whatever the rate: the server's queue of connections is not endless. */
#define LOAD_OPENING_MAX 512

struct load_plan {
    const struct load_target *target; /* borrowed */
    const struct load_tokens *tokens; /* borrowed */
    const char *channel_prefix;       /* the number follows */
    uint32_t connections, channels, subscriptions;
    uint64_t ramp_ns, duration_ns;
    double publishes_per_s; /* 0 = none */
    uint32_t payload_len;
};

enum load_phase { LOAD_RAMP, LOAD_STEADY, LOAD_DRAIN };

/* What failed, and how often. */
struct load_reason {
    char text[LOAD_REASON_LEN_MAX];
    uint64_t count;
};

struct load_totals {
    enum load_phase phase;
    uint64_t elapsed_ns; /* of the phase */
    uint32_t opened, ready, failed, lost;
    uint64_t published, acknowledged, refused;
    uint64_t deliveries, deliveries_due;
    uint64_t received_bytes, sent_bytes;
    uint64_t ramp_ns, steady_ns; /* what they really took */
    double cpu_share;            /* of one processor, by this program */
    bool stopped;                /* the watcher ended it early */
    struct load_histogram connect_times, delivery_times;
    struct load_reason reasons[LOAD_REASONS_MAX]; /* the first so many different ones */
    uint32_t reason_count;
};

struct load_watcher {
    /* Some times a second; false ends the run early. */
    bool (*on_progress)(void *context, const struct load_totals *totals);
    void *context;
};

/* STATUS_OK: *totals tells how it went, be it badly; STATUS_NO_MEMORY; STATUS_IO: there is no event loop. */
MUST_CHECK enum status load_run(const struct load_plan *plan, const struct load_watcher *watcher,
                                struct load_totals *totals);

#endif

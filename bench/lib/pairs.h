/* pairs: measures floor and server, and Centrifugo where there is one, side by side. All run at the same time, each
 * with its own clients, and take turns in short slices: whatever else the machine does meanwhile falls on all alike.
 *
 * Use: describe the work in a static struct bench_work; bench_pairs(&options, &work).
 * One thread. */
#ifndef XSHATHRA_BENCH_PAIRS_H
#define XSHATHRA_BENCH_PAIRS_H

#include "bench/lib/report.h"
#include "bench/lib/server_process.h"

#define BENCH_QUESTIONS_MAX 16

struct bench_work {
    const char *name; /* of the program, for the line of progress */
    const struct bench_question *questions;
    uint32_t question_count;
    uint32_t slice_count; /* per question */
    bool one_after_other; /* too many descriptors for all at a time: they run in turn */
    bool tls;             /* clients speak TLS, but to the floor, which has none */
    /* Connect clients to the server (borrowed until close) and warm it up. */
    void *(*open)(const struct server_process *server, const struct bench_options *options);
    /* May be NULL: called before the first slice of a question that is asked. */
    void (*begin)(void *subject, uint32_t question);
    void (*run_slice)(void *subject, uint32_t question);
    /* The figure after all slices of the question. */
    double (*result)(void *subject, uint32_t question);
    void (*close)(void *subject);
};

/* options->pairs times: starts all (another one first each time), measures, stops them. Prints each question's
 * figures, the ratio being the median of the pairs' ratios. */
void bench_pairs(const struct bench_options *options, const struct bench_work *work);

#endif

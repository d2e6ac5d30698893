/* report: the options of the bench programs, and their results as one JSON line and
 * one line for people, with machine, build and units.
 *
 * Use: bench_options_parse(&options, argc, argv, 5);
 *      … bench_report(&options, &question, &samples);
 *      return bench_exit_status(&options);
 * One thread. */
#ifndef XSHATHRA_BENCH_REPORT_H
#define XSHATHRA_BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_PAIRS_MAX    25
#define BENCH_PATH_LEN_MAX 1024

struct bench_options {
    char server_path[BENCH_PATH_LEN_MAX]; /* default: xshathra in the folder above this program's */
    char floor_path[BENCH_PATH_LEN_MAX];  /* default: bench_floor beside this program */
    const char *centrifugo_path;          /* of the variable XSHATHRA_BENCH_CENTRIFUGO; NULL = not measured */
    uint32_t workers;                     /* 1 */
    uint32_t pairs;                       /* the program's default, mostly 5 */
    uint32_t rounds;                      /* 0 = what the program finds right */
    uint32_t idle_seconds;                /* idle_memory only: how long to watch the idle connections */
    const char *only;                     /* the name of the one question to ask; NULL = all. Borrowed */
    bool quick;                           /* one pair, and a quarter of the work: to see that all works */
    bool pin;                             /* servers to the first CPU, this program to the last */
    bool check;                           /* end with status 1 when a target is missed */
    bool floor_only;                      /* measure the floor alone */
    bool server_only;                     /* measure the server alone: for a profiler */
};

/* Ends the program on --help and on an unknown option. */
void bench_options_parse(struct bench_options *options, int argc, char **argv, uint32_t default_pairs);

struct bench_question {
    const char *name;        /* "fanout_single" */
    const char *unit;        /* "us CPU per delivery" */
    double target;           /* ours must be at most this times the floor; or, without floor, this; 0 = no target */
    bool without_floor;      /* ours alone counts */
    bool is_rate;            /* more is better; then target is a least one */
    uint8_t recorded_before; /* it only reads what the question so many places before it has recorded */
    bool needs_client;       /* a rate or a time: worth nothing when this program was the bottleneck */
};

struct bench_samples {
    double ours[BENCH_PAIRS_MAX], floor[BENCH_PAIRS_MAX], centrifugo[BENCH_PAIRS_MAX], ratio[BENCH_PAIRS_MAX];
    double client_share; /* of one processor that this program used meanwhile */
    uint32_t count;
};

/* Prints the medians, and remembers a missed target. */
void bench_report(const struct bench_options *options, const struct bench_question *question,
                  const struct bench_samples *samples);

/* 0, or 1 when a target was missed and options->check is set. */
int bench_exit_status(const struct bench_options *options);

#endif

#include "bench/lib/pairs.h"

#include <string.h>

#include "base/check.h"

struct side {
    struct server_process server;
    void *subject;
    double results[BENCH_QUESTIONS_MAX];
};

static void open_side(struct side *side, enum server_kind kind, const struct bench_options *options,
                      const struct bench_work *work)
{
    struct server_options server_options = {
        .kind = kind,
        .path = kind == SERVER_FLOOR ? options->floor_path : options->server_path,
        .workers = options->workers,
        .pin = options->pin,
    };
    server_start(&side->server, &server_options);
    side->subject = work->open(&side->server, options);
}

static bool is_asked(const struct bench_options *options, const struct bench_question *question)
{
    return options->only == NULL || strcmp(options->only, question->name) == 0;
}

/* The sides take turns, and the one that begins changes from slice to slice. */
static void run_sides(struct side **sides, uint32_t side_count, const struct bench_options *options,
                      const struct bench_work *work)
{
    for (uint32_t question = 0; question < work->question_count; question++) {
        if (!is_asked(options, &work->questions[question])) continue;
        for (uint32_t slice = 0; slice < work->slice_count; slice++)
            for (uint32_t i = 0; i < side_count; i++)
                work->run_slice(sides[(slice + i) % side_count]->subject, question);
        for (uint32_t i = 0; i < side_count; i++)
            sides[i]->results[question] = work->result(sides[i]->subject, question);
    }
}

static void close_side(struct side *side, const struct bench_work *work)
{
    work->close(side->subject);
    server_stop(&side->server);
}

static void run_pair(struct side both[2], uint32_t pair, const struct bench_options *options,
                     const struct bench_work *work)
{
    struct side *sides[2];
    uint32_t side_count = 0;
    for (uint32_t i = 0; i < 2; i++) {
        enum server_kind kind = (pair + i) % 2 == 0 ? SERVER_REAL : SERVER_FLOOR;
        bool is_skipped = kind == SERVER_REAL ? options->floor_only : options->server_only;
        if (!is_skipped) sides[side_count++] = &both[kind];
    }
    uint32_t at_once = work->one_after_other ? 1 : side_count;
    for (uint32_t first = 0; first < side_count; first += at_once) {
        for (uint32_t i = first; i < first + at_once; i++)
            open_side(sides[i], sides[i] == &both[SERVER_REAL] ? SERVER_REAL : SERVER_FLOOR, options, work);
        run_sides(sides + first, at_once, options, work);
        for (uint32_t i = first; i < first + at_once; i++) close_side(sides[i], work);
    }
}

void bench_pairs(const struct bench_options *options, const struct bench_work *work)
{
    static struct bench_samples samples[BENCH_QUESTIONS_MAX];
    CHECK(work->question_count <= BENCH_QUESTIONS_MAX);
    for (uint32_t pair = 0; pair < options->pairs; pair++) {
        struct side both[2];
        memset(both, 0, sizeof(both));
        run_pair(both, pair, options, work);
        for (uint32_t i = 0; i < work->question_count; i++) {
            struct bench_samples *s = &samples[i];
            s->ours[s->count] = both[SERVER_REAL].results[i];
            s->floor[s->count] = both[SERVER_FLOOR].results[i];
            s->ratio[s->count] = s->floor[s->count] > 0 ? s->ours[s->count] / s->floor[s->count] : 0;
            s->count++;
        }
    }
    for (uint32_t i = 0; i < work->question_count; i++)
        if (is_asked(options, &work->questions[i])) bench_report(options, &work->questions[i], &samples[i]);
}

#include "bench/lib/pairs.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "platform/platform_clock.h"

struct side {
    struct server_process server;
    void *subject;
    double results[BENCH_QUESTIONS_MAX];
};

/* How busy this program was while slices ran: a client that never sleeps may be what is measured. */
struct client_time {
    uint64_t cpu_ns, wall_ns;
};

static uint64_t own_cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000u;
}

static void open_side(struct side *side, enum server_kind kind, const struct bench_options *options,
                      const struct bench_work *work)
{
    const char *const paths[SERVER_KIND_COUNT] = {
        [SERVER_REAL] = options->server_path,
        [SERVER_FLOOR] = options->floor_path,
        [SERVER_CENTRIFUGO] = options->centrifugo_path,
    };
    struct server_options server_options = {
        .kind = kind, .path = paths[kind], .workers = options->workers, .tls = work->tls, .pin = options->pin
    };
    server_start(&side->server, &server_options);
    side->subject = work->open(&side->server, options);
}

static bool is_asked(const struct bench_options *options, const struct bench_question *question)
{
    return options->only == NULL || strcmp(options->only, question->name) == 0;
}

/* Asked, or recording what one that is asked will read. */
static bool is_run(const struct bench_options *options, const struct bench_work *work, uint32_t question)
{
    for (uint32_t i = question; i < work->question_count; i++)
        if (i - work->questions[i].recorded_before == question && is_asked(options, &work->questions[i])) return true;
    return is_asked(options, &work->questions[question]);
}

static void show_progress(const struct bench_work *work, const char *question, uint32_t pair, uint32_t pairs)
{
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K%s: %s, pair %u of %u", work->name, question, pair + 1, pairs);
}

static void run_slice(const struct bench_work *work, struct side *side, uint32_t question, struct client_time *time)
{
    uint64_t wall_ns = platform_clock_ns(), cpu_ns = own_cpu_ns();
    work->run_slice(side->subject, question);
    time->wall_ns += platform_clock_ns() - wall_ns;
    time->cpu_ns += own_cpu_ns() - cpu_ns;
}

/* The sides take turns, and the one that begins changes from slice to slice. */
static void run_sides(struct side **sides, uint32_t side_count, const struct bench_options *options,
                      const struct bench_work *work, uint32_t pair, struct client_time *times)
{
    for (uint32_t question = 0; question < work->question_count; question++) {
        if (!is_run(options, work, question)) continue;
        show_progress(work, work->questions[question].name, pair, options->pairs);
        for (uint32_t i = 0; i < side_count && work->begin != NULL; i++) work->begin(sides[i]->subject, question);
        for (uint32_t slice = 0; slice < work->slice_count; slice++)
            for (uint32_t i = 0; i < side_count; i++)
                run_slice(work, sides[(slice + i) % side_count], question, &times[question]);
        for (uint32_t i = 0; i < side_count; i++)
            sides[i]->results[question] = work->result(sides[i]->subject, question);
    }
}

static bool is_skipped(enum server_kind kind, const struct bench_options *options)
{
    switch (kind) {
    case SERVER_REAL: return options->floor_only;
    case SERVER_FLOOR: return options->server_only;
    default: return options->server_only || options->floor_only || options->centrifugo_path == NULL;
    }
}

static void run_pair(struct side all[SERVER_KIND_COUNT], uint32_t pair, const struct bench_options *options,
                     const struct bench_work *work, struct client_time *times)
{
    enum server_kind kinds[SERVER_KIND_COUNT];
    struct side *sides[SERVER_KIND_COUNT];
    uint32_t count = 0;
    for (uint32_t i = 0; i < SERVER_KIND_COUNT; i++) {
        enum server_kind kind = (pair + i) % SERVER_KIND_COUNT;
        if (!is_skipped(kind, options)) kinds[count++] = kind;
    }
    uint32_t at_once = work->one_after_other ? 1 : count;
    for (uint32_t first = 0; first < count; first += at_once) {
        for (uint32_t i = first; i < first + at_once; i++) {
            sides[i] = &all[kinds[i]];
            open_side(sides[i], kinds[i], options, work);
        }
        run_sides(sides + first, at_once, options, work, pair, times);
        for (uint32_t i = first; i < first + at_once; i++) {
            work->close(sides[i]->subject);
            server_stop(&sides[i]->server);
        }
    }
}

static void keep_samples(struct bench_samples *s, const struct side all[SERVER_KIND_COUNT], uint32_t question)
{
    s->ours[s->count] = all[SERVER_REAL].results[question];
    s->floor[s->count] = all[SERVER_FLOOR].results[question];
    s->centrifugo[s->count] = all[SERVER_CENTRIFUGO].results[question];
    s->ratio[s->count] = s->floor[s->count] > 0 ? s->ours[s->count] / s->floor[s->count] : 0;
    s->count++;
}

void bench_pairs(const struct bench_options *options, const struct bench_work *work)
{
    static struct bench_samples samples[BENCH_QUESTIONS_MAX];
    struct client_time times[BENCH_QUESTIONS_MAX] = { 0 };
    CHECK(work->question_count <= BENCH_QUESTIONS_MAX);
    bool any = false;
    for (uint32_t i = 0; i < work->question_count; i++) any |= is_asked(options, &work->questions[i]);
    if (!any) return;
    memset(samples, 0, sizeof samples);
    for (uint32_t pair = 0; pair < options->pairs; pair++) {
        struct side all[SERVER_KIND_COUNT];
        memset(all, 0, sizeof(all));
        run_pair(all, pair, options, work, times);
        for (uint32_t i = 0; i < work->question_count; i++) keep_samples(&samples[i], all, i);
    }
    if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
    for (uint32_t i = 0; i < work->question_count; i++) {
        if (!is_asked(options, &work->questions[i])) continue;
        const struct client_time *time = &times[i - work->questions[i].recorded_before];
        samples[i].client_share = time->wall_ns ? (double)time->cpu_ns / (double)time->wall_ns : 0;
        bench_report(options, &work->questions[i], &samples[i]);
    }
}

/* How long does a message of a small channel take while another channel fans out to 10,000 subscribers without a pause?
 * The small channels' subscribers and publishers are a process of their own: the one that takes the 10,000 deliveries
 * would otherwise measure itself. Open loop, as in bench_latency. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_publishers.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define SUBSCRIBERS      10000
#define PROBES           400
#define PROBES_PER_S     50
#define FLOOD_TIMEOUT_MS 60000

enum { P50, P99, QUESTION_COUNT };

static const struct bench_question questions[QUESTION_COUNT] = {
    [P50] = { .name = "isolation_p50", .unit = "ms beside a fan-out to 10,000" },
    [P99] = { .recorded_before = 1,
              .name = "isolation_p99",
              .unit = "ms beside a fan-out to 10,000",
              .target = 5,
              .without_floor = true },
};

struct isolation {
    struct load_loop loop;
    struct load_group group;
    struct load_api api;
    const struct server_process *server;
    uint32_t probes;
    uint64_t wanted;
    double results[QUESTION_COUNT];
};

/* ---- the small channels, in a child process ---- */

/* Writes a byte to fd when it is ready, and the two figures after that. */
static void probe(const struct isolation *all, int fd)
{
    static struct load_histogram times;
    static struct load_publishers small;
    struct load_loop loop;
    struct load_publishers_options options = { .server = all->server, .name_space = WIRE_LIVE, .first_channel = 1 };
    if (load_loop_init(&loop) != STATUS_OK) bench_fail("no loop");
    load_publishers_init(&small, &loop, &options);
    if (write(fd, "r", 1) != 1) _exit(1);
    load_publishers_run_paced(&small, PROBES_PER_S, all->probes, &times);
    double figures[QUESTION_COUNT] = {
        [P50] = (double)load_histogram_quantile(&times, 0.5) / 1e6,
        [P99] = (double)load_histogram_quantile(&times, 0.99) / 1e6,
    };
    _exit(write(fd, figures, sizeof figures) == sizeof figures ? 0 : 1);
}

static pid_t start_probe(const struct isolation *all, int *figures_fd)
{
    char ready;
    int ends[2];
    if (pipe(ends) != 0) bench_fail("no pipe");
    pid_t pid = fork();
    if (pid < 0) bench_fail("no process for the probe");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        probe(all, ends[1]);
    }
    close(ends[1]);
    *figures_fd = ends[0];
    if (read(ends[0], &ready, 1) != 1) bench_fail("the probe did not start");
    return pid;
}

/* ---- the large one ---- */

static void *open_isolation(const struct server_process *server, const struct bench_options *options)
{
    struct isolation *all = mem_must_alloc_zero(sizeof(*all));
    struct load_group_options group_options = {
        .server = server, .count_max = SUBSCRIBERS, .name_space = WIRE_LIVE, .one_channel = true
    };
    struct load_api_options api_options = { .server = server, .name_space = WIRE_LIVE };
    all->server = server;
    all->probes = PROBES / (options->quick ? 4 : 1);
    if (load_loop_init(&all->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&all->group, &all->loop, &group_options);
    load_group_grow(&all->group, SUBSCRIBERS);
    load_api_init(&all->api, &all->loop, &api_options);
    return all;
}

static bool is_everywhere(void *context)
{
    const struct isolation *all = context;
    return all->group.deliveries >= all->wanted && all->api.answered == all->api.asked;
}

static void run_slice(void *subject, uint32_t question)
{
    struct isolation *all = subject;
    int figures_fd, status;
    if (question != P50) return;
    pid_t pid = start_probe(all, &figures_fd), ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        all->wanted += SUBSCRIBERS;
        load_api_call(&all->api, 0, 0, 1, 1);
        if (!load_loop_until(&all->loop, is_everywhere, all, FLOOD_TIMEOUT_MS)) bench_fail("the fan-out got stuck");
    }
    if (ended != pid || status != 0 ||
        read(figures_fd, all->results, sizeof all->results) != (ssize_t)sizeof all->results)
        bench_fail("the probe failed");
    close(figures_fd);
}

static double result(void *subject, uint32_t question)
{
    return ((struct isolation *)subject)->results[question];
}

static void close_isolation(void *subject)
{
    struct isolation *all = subject;
    load_api_deinit(&all->api);
    load_group_deinit(&all->group);
    load_loop_deinit(&all->loop);
    mem_free(all);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "isolation",
        .questions = questions,
        .question_count = QUESTION_COUNT,
        .slice_count = 1,
        .one_after_other = true, /* descriptors, and each wants the machine for itself */
        .open = open_isolation,
        .run_slice = run_slice,
        .result = result,
        .close = close_isolation,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 3);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}

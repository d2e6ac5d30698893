#include "bench/lib/report.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"
#include "bench/lib/bench_fail.h"
#include "platform/platform_limit.h"

#define DESCRIPTORS_WANTED 20000

static bool target_missed;

/* ---- options ---- */

static const char help_text[] =
    "  --server PATH        the server program (default: ../xshathra from this program)\n"
    "  --floor PATH         the floor program (default: bench_floor beside this program)\n"
    "  --workers N          the server's workers (default 1)\n"
    "  --pairs N            interleaved pairs of floor and server (default: 5, idle_memory 1)\n"
    "  --rounds N           work per sample (default: chosen by each program)\n"
    "  --idle-seconds N     idle_memory: also the CPU of idle connections over this time (default 0)\n"
    "  --only NAME          one question of the program: fanout_burst_16, for example\n"
    "  --quick              one pair and a quarter of the work: to see that all works\n"
    "  --pin                servers to the first CPU, this program to the last (on a quiet machine)\n"
    "  --server-only        no floor: for a profiler\n"
    "  --floor-only         no server\n"
    "  --check              end with status 1 when a target is missed\n"
    "\n"
    "With XSHATHRA_BENCH_CENTRIFUGO=PATH a Centrifugo 6 is measured beside.\n";

static const struct option long_options[] = {
    { "server", required_argument, NULL, 's' },  { "floor", required_argument, NULL, 'f' },
    { "workers", required_argument, NULL, 'w' }, { "pairs", required_argument, NULL, 'p' },
    { "rounds", required_argument, NULL, 'r' },  { "idle-seconds", required_argument, NULL, 'i' },
    { "only", required_argument, NULL, 'o' },    { "quick", no_argument, NULL, 'q' },
    { "pin", no_argument, NULL, 'n' },           { "check", no_argument, NULL, 'c' },
    { "floor-only", no_argument, NULL, 'F' },    { "server-only", no_argument, NULL, 'S' },
    { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
};

static uint32_t number_of(const char *text, uint32_t max)
{
    uint64_t value;
    if (!slice_to_u64(slice_from_cstr(text), &value) || value > max)
        bench_fail("'%s' is not a number from 0 to %u", text, max);
    return (uint32_t)value;
}

static void set_default_paths(struct bench_options *options)
{
    char self[BENCH_PATH_LEN_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0) bench_fail("cannot read /proc/self/exe");
    self[len] = 0;
    const char *folder = dirname(self);
    if (snprintf(options->server_path, BENCH_PATH_LEN_MAX, "%s/../xshathra", folder) >= BENCH_PATH_LEN_MAX ||
        snprintf(options->floor_path, BENCH_PATH_LEN_MAX, "%s/bench_floor", folder) >= BENCH_PATH_LEN_MAX)
        bench_fail("the path of this program is too long");
}

static void set_option(struct bench_options *options, int letter)
{
    switch (letter) {
    case 's': snprintf(options->server_path, BENCH_PATH_LEN_MAX, "%s", optarg); break;
    case 'f': snprintf(options->floor_path, BENCH_PATH_LEN_MAX, "%s", optarg); break;
    case 'w': options->workers = number_of(optarg, 64); break;
    case 'p': options->pairs = number_of(optarg, BENCH_PAIRS_MAX); break;
    case 'r': options->rounds = number_of(optarg, 1000000); break;
    case 'i': options->idle_seconds = number_of(optarg, 3600); break;
    case 'o': options->only = optarg; break;
    case 'q':
        options->quick = true;
        options->pairs = 1;
        break;
    case 'n': options->pin = true; break;
    case 'c': options->check = true; break;
    case 'F': options->floor_only = true; break;
    case 'S': options->server_only = true; break;
    case 'h': fputs(help_text, stdout); exit(0);
    default: fputs(help_text, stderr); exit(2);
    }
}

static void want_descriptors(void)
{
    uint64_t limit;
    if (platform_raise_nofile(&limit) != STATUS_OK || limit >= DESCRIPTORS_WANTED) return;
    fprintf(stderr, "bench: only %lu descriptors, and %d are needed for the largest questions: ulimit -n %d\n",
            (unsigned long)limit, DESCRIPTORS_WANTED, DESCRIPTORS_WANTED);
}

void bench_options_parse(struct bench_options *options, int argc, char **argv, uint32_t default_pairs)
{
    *options = (struct bench_options){ .workers = 1, .pairs = default_pairs };
    set_default_paths(options);
    want_descriptors();
    options->centrifugo_path = getenv("XSHATHRA_BENCH_CENTRIFUGO");
    if (options->centrifugo_path != NULL && options->centrifugo_path[0] == '\0') options->centrifugo_path = NULL;
    for (int letter; (letter = getopt_long(argc, argv, "", long_options, NULL)) != -1;) set_option(options, letter);
    if (optind != argc || options->pairs == 0 || (options->floor_only && options->server_only))
        set_option(options, '?');
}

/* ---- output ---- */

static void machine_text(char *out, size_t len)
{
    char line[256], model[128] = "unknown CPU";
    struct utsname system;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "model name : %127[^\n]", model) == 1) break;
    if (file != NULL) fclose(file);
    uname(&system);
    snprintf(out, len, "%s, %ld CPUs, %s %s", model, sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release);
    for (char *c = out; *c; c++)
        if (*c == '"' || *c == '\\') *c = ' ';
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const double *samples, uint32_t count)
{
    double sorted[BENCH_PAIRS_MAX];
    memcpy(sorted, samples, count * sizeof(double));
    qsort(sorted, count, sizeof(double), compare_doubles);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static void print_array(const char *name, const double *samples, uint32_t count)
{
    printf(",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) printf("%s%.4g", i ? "," : "", samples[i]);
    printf("]");
}

/* What can be said: the figures of either side, their ratio, and the verdict on the one that has a target. */
struct verdict {
    bool has_ours, has_floor, has_centrifugo, has_target;
    double ours, floor, centrifugo, ratio;
    bool met;
};

static struct verdict judge(const struct bench_options *options, const struct bench_question *question,
                            const struct bench_samples *samples)
{
    struct verdict v = { .has_ours = !options->floor_only, .has_floor = !options->server_only };
    v.has_centrifugo = samples->centrifugo[0] > 0;
    v.has_floor &= samples->floor[0] > 0;
    v.centrifugo = median(samples->centrifugo, samples->count);
    v.ours = median(samples->ours, samples->count);
    v.floor = median(samples->floor, samples->count);
    v.ratio = median(samples->ratio, samples->count);
    v.has_target = question->target > 0 && v.has_ours && (v.has_floor || question->without_floor);
    double judged = question->without_floor ? v.ours : v.ratio;
    v.met = question->is_rate ? judged >= question->target : judged <= question->target;
    return v;
}

/* A client that never slept may be what was measured. */
static bool is_bottleneck(const struct bench_question *question, const struct bench_samples *samples)
{
    return question->needs_client && samples->client_share > 0.95;
}

static void print_json(const struct bench_options *options, const struct bench_question *question,
                       const struct bench_samples *samples, const struct verdict *v)
{
    char machine[512], at[32];
    time_t now = time(NULL);
    machine_text(machine, sizeof(machine));
    strftime(at, sizeof(at), "%FT%TZ", gmtime(&now));
    printf("{\"bench\":\"%s\",\"unit\":\"%s\"", question->name, question->unit);
    if (v->has_ours) printf(",\"ours\":%.4g", v->ours);
    if (v->has_floor) printf(",\"floor\":%.4g", v->floor);
    if (v->has_centrifugo) printf(",\"centrifugo\":%.4g", v->centrifugo);
    if (v->has_ours && v->has_floor) printf(",\"ratio\":%.4g", v->ratio);
    if (v->has_target) printf(",\"target\":%.4g,\"met\":%s", question->target, v->met ? "true" : "false");
    if (v->has_ours) print_array("ours_samples", samples->ours, samples->count);
    if (v->has_floor) print_array("floor_samples", samples->floor, samples->count);
    if (v->has_centrifugo) print_array("centrifugo_samples", samples->centrifugo, samples->count);
    printf(",\"client_cpu\":%.3g", samples->client_share);
    if (is_bottleneck(question, samples)) printf(",\"client_is_bottleneck\":true");
    printf(",\"workers\":%u,\"pinned\":%s,\"build\":\"%s %s\",\"machine\":\"%s\",\"at\":\"%s\"}\n", options->workers,
           options->pin ? "true" : "false", BENCH_BUILD, BENCH_FLAGS, machine, at);
}

static void print_readable(const struct bench_question *question, const struct bench_samples *samples,
                           const struct verdict *v)
{
    printf("# %-24s", question->name);
    if (v->has_ours) printf(" ours %8.3f ", v->ours);
    if (v->has_floor) printf(" floor %8.3f ", v->floor);
    if (v->has_centrifugo) printf(" centrifugo %8.3f ", v->centrifugo);
    printf(" %s", question->unit);
    if (v->has_ours && v->has_floor) printf("; ratio %.3f", v->ratio);
    if (v->has_target)
        printf(" (%s %s %.4g: %s)", question->without_floor ? "ours" : "ratio",
               question->is_rate ? "at least" : "at most", question->target, v->met ? "met" : "MISSED");
    if (is_bottleneck(question, samples))
        printf("; THE CLIENT WAS BUSY %.0f %% OF THE TIME AND MAY BE THE LIMIT", samples->client_share * 100);
    printf("\n");
}

void bench_report(const struct bench_options *options, const struct bench_question *question,
                  const struct bench_samples *samples)
{
    struct verdict v = judge(options, question, samples);
    print_json(options, question, samples, &v);
    print_readable(question, samples, &v);
    fflush(stdout);
    if (v.has_target && !v.met) target_missed = true;
}

int bench_exit_status(const struct bench_options *options)
{
    return options->check && target_missed ? 1 : 0;
}

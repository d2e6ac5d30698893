#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "cli/bench_view.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "config/config_duration.h"
#include "platform/platform_limit.h"

#define COMMAND CLI_NAME " bench"
#define USAGE   "Usage: " COMMAND " URL [OPTION]..."
/* Beside the connections: standard streams, the event loop, the token file. */
#define OTHER_DESCRIPTORS 16
/* A source address has some 28,000 ports to one target; a few may be taken. */
#define PORTS_LEFT_FREE 200
#define CONNECTIONS_MAX 5000000
#define CHANNELS_MAX    10000000
#define RATE_MAX        10000000
#define SECRET_VARIABLE "XSHATHRA_BENCH_TOKEN_SECRET"
#define SECRET_LEN_MAX  4096
/* As many connects a second as a plan without --ramp makes. */
#define RAMP_PER_S 1000

static const char help[] = USAGE
    "\n"
    "\n"
    "Loads a server that speaks the protocol of Centrifuge clients: opens connections at a steady rate, subscribes\n"
    "each, publishes through them at a steady rate, and tells times and losses. Times count from the moment that\n"
    "something was due, so a slow server cannot make them look better. URL: ws:// or wss://, with the path, else\n"
    "/connection/websocket. Use it on servers of your own only.\n"
    "\n"
    "Plan:\n"
    "  -c, --connections N      how many (100)\n"
    "      --channels N         channels in all (10); connection i is in channel i modulo N\n"
    "      --subscriptions N    channels of each connection (1)\n"
    "      --channel PREFIX     what their names begin with, a number follows (bench_)\n"
    "  -r, --rate N             publishes a second, in all (0: only connect)\n"
    "      --size BYTES         length of what is published, 32 to 65536 (128)\n"
    "      --ramp TIME          open the connections over this time (1s for each thousand)\n"
    "  -d, --duration TIME      how long to go on after that (10s)\n"
    "\n"
    "Who they are:\n"
    "      --secret-file FILE   the HMAC secret of the server's tokens; else from $" SECRET_VARIABLE ",\n"
    "                           else from CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY. Never shown. Users: bench_0, …\n"
    "      --token-file FILE    tokens, one a line, in turn; without any, connections are anonymous\n"
    "      --origin URL         the header Origin, as of a browser\n"
    "\n"
    "How they speak:\n"
    "      --protobuf           instead of JSON\n"
    "      --deflate            ask for permessage-deflate\n"
    "      --insecure           accept any certificate\n"
    "      --source ADDRESSES   connect from these addresses of this machine, parted by commas: one has some 28,000\n"
    "                           ports to one server (to 127.0.0.1: not needed, 127.0.0.2 and so on are taken)\n"
    "\n"
    "      --json               one line of JSON instead of the summary\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit status 0: all connected and nothing was lost; 1: not so.\n"
    "\n"
    "Example:\n"
    "  " COMMAND " ws://127.0.0.1:3001/realtime/connection/websocket -c 1000 --channel chat:bench_ -r 200 -d 30s\n";

struct words {
    const char *connections, *channels, *subscriptions, *channel, *rate, *size, *ramp, *duration;
    const char *secret_file, *token_file, *origin, *source;
    bool protobuf, deflate, insecure, json;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* ---- from words to a plan ---- */

static bool take_number(const char *option, const char *text, uint64_t low, uint64_t high, uint32_t *out, FILE *err)
{
    uint64_t value = *out;
    if (text && !cli_want_number(COMMAND, option, text, low, high, &value, err)) return false;
    *out = (uint32_t)value;
    return true;
}

static bool take_time(const char *option, const char *text, uint64_t *out_ns, FILE *err)
{
    int64_t ns;
    if (!text) return true;
    if (!config_duration_parse(slice_from_cstr(text), &ns) || ns < 0) {
        cli_complain(err, COMMAND, "the option \"%s\" is \"%s\": a time such as \"30s\" or \"2m\" is allowed", option,
                     text);
        return false;
    }
    *out_ns = (uint64_t)ns;
    return true;
}

static bool to_plan(const struct words *w, struct load_plan *plan, FILE *err)
{
    uint32_t rate = 0;
    *plan = (struct load_plan){ .connections = 100,
                                .channels = 10,
                                .subscriptions = 1,
                                .payload_len = 128,
                                .channel_prefix = w->channel ? w->channel : "bench_",
                                .duration_ns = 10 * CONFIG_SECOND_NS };
    if (!take_number("--connections", w->connections, 1, CONNECTIONS_MAX, &plan->connections, err) ||
        !take_number("--channels", w->channels, 1, CHANNELS_MAX, &plan->channels, err) ||
        !take_number("--subscriptions", w->subscriptions, 1, plan->channels, &plan->subscriptions, err) ||
        !take_number("--rate", w->rate, 0, RATE_MAX, &rate, err) ||
        !take_number("--size", w->size, LOAD_PAYLOAD_LEN_MIN, LOAD_PAYLOAD_LEN_MAX, &plan->payload_len, err))
        return false;
    plan->publishes_per_s = rate;
    plan->ramp_ns = (uint64_t)plan->connections * CONFIG_SECOND_NS / RAMP_PER_S;
    return take_time("--ramp", w->ramp, &plan->ramp_ns, err) &&
           take_time("--duration", w->duration, &plan->duration_ns, err);
}

/* ---- who the connections are ---- */

static const char *secret_of_environment(void)
{
    static const char *const names[] = { SECRET_VARIABLE, "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY",
                                         "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) return value;
    }
    return NULL;
}

/* The first line, without its end. */
static bool read_secret(const char *path, char out[static SECRET_LEN_MAX], FILE *err)
{
    FILE *file = fopen(path, "re");
    bool good = file && fgets(out, SECRET_LEN_MAX, file);
    if (file) fclose(file);
    if (good) out[strcspn(out, "\r\n")] = '\0';
    if (good && out[0]) return true;
    cli_complain(err, COMMAND, "no secret can be read from \"%s\"%s%s", path, file ? "" : ": ",
                 file ? "" : strerror(errno));
    return false;
}

static bool to_tokens(const struct words *w, struct load_tokens *tokens, FILE *err)
{
    char text[SECRET_LEN_MAX];
    const char *secret = w->secret_file ? text : secret_of_environment();
    if (w->token_file) {
        enum status status = load_tokens_from_file(tokens, w->token_file);
        if (status == STATUS_OK) return true;
        cli_complain(err, COMMAND, "no tokens can be read from \"%s\": %s", w->token_file,
                     status == STATUS_IO ? strerror(errno) : status_text(status));
        return false;
    }
    if (w->secret_file && !read_secret(w->secret_file, text, err)) return false;
    bool good = !secret || load_tokens_from_secret(tokens, slice_from_cstr(secret)) == STATUS_OK;
    explicit_bzero(text, sizeof text);
    return good;
}

/* ---- what the machine allows ---- */

static bool have_descriptors(uint32_t connections, FILE *err)
{
    uint64_t limit, wanted = (uint64_t)connections + OTHER_DESCRIPTORS;
    if (platform_raise_nofile(&limit) != STATUS_OK || limit >= wanted) return true;
    fprintf(err,
            CLI_NAME
            ": %u connections need %llu descriptors, and this process may have %llu. Raise the limit:\n"
            "  in this shell, as root:     ulimit -n %llu\n"
            "  for a user, for good:       \"hard nofile %llu\" in /etc/security/limits.conf, then log in anew\n"
            "  for a service of systemd:   LimitNOFILE=%llu\n"
            "  above /proc/sys/fs/nr_open: sysctl -w fs.nr_open=%llu first\n"
            "The server needs as many.\n",
            connections, (unsigned long long)wanted, (unsigned long long)limit, (unsigned long long)wanted,
            (unsigned long long)wanted, (unsigned long long)wanted, (unsigned long long)wanted);
    return false;
}

static bool take_sources(struct load_target *target, const char *list, FILE *err)
{
    char address[64];
    while (list && *list) {
        size_t len = strcspn(list, ",");
        snprintf(address, sizeof address, "%.*s", (int)(len < sizeof address ? len : sizeof address - 1), list);
        if (len != 0 && !load_target_add_source(target, address)) {
            cli_complain(err, COMMAND, "\"%s\" cannot be connected from: an address of the server's kind, at most %d",
                         address, LOAD_SOURCES_MAX);
            return false;
        }
        list += len + (list[len] == ',');
    }
    return true;
}

static bool spread(struct load_target *target, uint32_t connections, FILE *err)
{
    uint32_t ports = load_target_ports_per_source();
    uint32_t each = ports > 2 * PORTS_LEFT_FREE ? ports - PORTS_LEFT_FREE : ports;
    uint32_t needed = (connections + each - 1) / each;
    if (needed > 1 || target->source_count > 0) {
        uint32_t sources = target->source_count > needed ? target->source_count : needed;
        if (load_target_spread(target, sources, (connections + sources - 1) / sources)) return true;
        fprintf(err,
                CLI_NAME ": one address has %u ports to one server, so %u connections need %u of them: give them with\n"
                         "--source A,B,…, or widen net.ipv4.ip_local_port_range\n",
                ports, connections, needed);
        return false;
    }
    return true;
}

/* ---- the run ---- */

struct shown {
    const struct load_plan *plan;
    FILE *out; /* NULL = nothing is shown */
};

static bool on_progress(void *context, const struct load_totals *totals)
{
    const struct shown *shown = context;
    if (shown->out) bench_view_progress(shown->out, shown->plan, totals);
    return !interrupted;
}

static bool is_good(const struct load_plan *plan, const struct load_totals *t)
{
    return t->ready == plan->connections && t->refused == 0 && t->acknowledged == t->published &&
           t->deliveries == t->deliveries_due && !t->stopped;
}

static int run(const struct load_plan *plan, bool json, const struct cli_io *io)
{
    struct load_totals *totals = mem_must_alloc_zero(sizeof *totals);
    struct shown shown = { plan, isatty(fileno(io->err)) ? io->err : NULL };
    struct load_watcher watcher = { on_progress, &shown };
    struct sigaction before, action = { .sa_handler = on_interrupt };
    interrupted = 0;
    sigaction(SIGINT, &action, &before);
    enum status status = load_run(plan, &watcher, totals);
    sigaction(SIGINT, &before, NULL);
    if (shown.out) bench_view_clear(shown.out);
    int result = CLI_FAILED;
    if (status != STATUS_OK) {
        cli_complain(io->err, COMMAND, "it cannot run: %s", status_text(status));
    } else {
        (json ? bench_view_json : bench_view_summary)(io->out, plan, totals);
        result = is_good(plan, totals) ? CLI_OK : CLI_FAILED;
    }
    mem_free(totals);
    return result;
}

static int bench(const char *url, const struct words *w, const struct cli_io *io)
{
    struct load_plan plan;
    struct load_target *target = mem_must_alloc_zero(sizeof *target);
    struct load_tokens tokens = { 0 };
    char error[LOAD_TARGET_ERROR_MAX];
    int result = CLI_USAGE;
    if (!to_plan(w, &plan, io->err)) goto done;
    result = CLI_FAILED;
    if (load_target_init(target, url, error) != STATUS_OK) {
        cli_complain(io->err, COMMAND, "%s", error);
        result = CLI_USAGE;
        goto done;
    }
    target->encoding = w->protobuf ? LOAD_PROTOBUF : LOAD_JSON;
    target->offers_deflate = w->deflate;
    target->origin = w->origin;
    if (w->insecure) load_target_trust_any(target);
    plan.target = target;
    plan.tokens = &tokens;
    if (take_sources(target, w->source, io->err) && to_tokens(w, &tokens, io->err) &&
        have_descriptors(plan.connections, io->err) && spread(target, plan.connections, io->err))
        result = run(&plan, w->json, io);
done:
    load_tokens_deinit(&tokens);
    load_target_deinit(target);
    mem_free(target);
    return result;
}

int cmd_bench(int argc, char **argv, const struct cli_io *io)
{
    static const char *const operands[] = { "URL" };
    struct words w = { 0 };
    struct cli_args args;
    const struct cli_option options[] = {
        { 'c', "connections", .value = &w.connections },
        { 0, "channels", .value = &w.channels },
        { 0, "subscriptions", .value = &w.subscriptions },
        { 0, "channel", .value = &w.channel },
        { 'r', "rate", .value = &w.rate },
        { 0, "size", .value = &w.size },
        { 0, "ramp", .value = &w.ramp },
        { 'd', "duration", .value = &w.duration },
        { 0, "secret-file", .value = &w.secret_file },
        { 0, "token-file", .value = &w.token_file },
        { 0, "origin", .value = &w.origin },
        { 0, "source", .value = &w.source },
        { 0, "protobuf", .flag = &w.protobuf },
        { 0, "deflate", .flag = &w.deflate },
        { 0, "insecure", .flag = &w.insecure },
        { 0, "json", .flag = &w.json },
    };
    if (!cli_parse(COMMAND, argc, argv, options, ARRAY_COUNT(options), &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fputs(help, io->out);
        return CLI_OK;
    }
    if (!cli_want_operands(COMMAND, &args, ARRAY_COUNT(operands), operands, USAGE, io->err)) return CLI_USAGE;
    return bench(args.operands[0], &w, io);
}

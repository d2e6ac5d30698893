/* Do the parts that /metrics tells of add up to the resident memory? With 1,000 and 15,000 idle connections, with
 * history full, and with long output queues; each on a server of its own. The status is 1 when a sum is further
 * than 10 percent from what the kernel counts, whatever the options. Sanitizers have memory of their own: against
 * such a build this says nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"
#include "bench/lib/report.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define FEW             1000
#define MANY            15000
#define SETTLE_NS       1500000000u
#define PIPELINED       64
#define HISTORY_SIZE    10 /* of the namespace */
#define HISTORY_ROUNDS  (HISTORY_SIZE + 2)
#define QUEUE_CLIENTS   20
#define QUEUED_MESSAGES 120000 /* more than the kernel's buffers take */
#define TIMEOUT_MS      120000
#define DIFFERENCE_MAX  0.10
#define METRICS_MAX     (4u << 20)
#define READ_LEN        65536

static bool all_near = true;

/* ---- what the server says ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = 5 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        bench_fail("cannot connect for /metrics");
    return fd;
}

static void fetch_metrics(uint16_t port, struct buf *out)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    int fd = connect_to(port);
    if (write(fd, request, sizeof(request) - 1) != sizeof(request) - 1) bench_fail("cannot ask for /metrics");
    for (;;) {
        char *room = buf_reserve(out, READ_LEN);
        CHECK(room);
        ssize_t n = read(fd, room, READ_LEN);
        if (n < 0) bench_fail("/metrics does not answer");
        if (n == 0) break;
        out->len += (size_t)n;
    }
    close(fd);
    buf_append_char(out, '\0');
}

static double sum_of_parts(const char *metrics, bool print)
{
    static const char name[] = "\nxshathra_memory_bytes{part=\"";
    double sum = 0;
    for (const char *at = metrics; (at = strstr(at, name)) != NULL;) {
        at += sizeof(name) - 1;
        const char *end = strchr(at, '"');
        CHECK(end);
        double bytes = strtod(end + 2, NULL);
        if (print) printf("%s\"%.*s\":%.0f", sum > 0 ? "," : "", (int)(end - at), at, bytes);
        sum += bytes;
    }
    if (sum == 0) bench_fail("/metrics has no xshathra_memory_bytes");
    return sum;
}

static void compare(const struct server_process *server, const char *name)
{
    struct buf metrics;
    buf_init(&metrics, METRICS_MAX);
    fetch_metrics(server->port, &metrics);
    double resident = (double)server_memory(server).rss_bytes;
    printf("{\"bench\":\"memory_parts\",\"case\":\"%s\",\"unit\":\"bytes\",\"parts\":{", name);
    double sum = sum_of_parts(metrics.ptr, true), difference = sum / resident - 1;
    bool near = difference < DIFFERENCE_MAX && difference > -DIFFERENCE_MAX;
    all_near = all_near && near;
    printf("},\"sum\":%.0f,\"resident\":%.0f,\"met\":%s}\n", sum, resident, near ? "true" : "false");
    printf("# memory_parts %-14s sum %8.2f MB, resident %8.2f MB: %+.1f %% (at most 10: %s)\n", name, sum / 1e6,
           resident / 1e6, difference * 100, near ? "met" : "missed");
    buf_deinit(&metrics);
}

/* ---- the cases ---- */

struct load {
    struct server_process server;
    struct load_loop loop;
    struct load_group group;
    struct load_api api;
    uint64_t wanted;
};

static void begin(struct load *load, const struct bench_options *options, const char *name_space, bool one_channel)
{
    struct server_options server_options = {
        .kind = SERVER_REAL, .path = options->server_path, .workers = options->workers, .pin = options->pin
    };
    server_start(&load->server, &server_options);
    struct load_group_options group_options = {
        .server = &load->server, .count_max = MANY, .name_space = name_space, .one_channel = one_channel
    };
    if (load_loop_init(&load->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&load->group, &load->loop, &group_options);
}

static void end(struct load *load)
{
    load_group_deinit(&load->group);
    load_loop_deinit(&load->loop);
    server_stop(&load->server);
}

static void settle(struct load_loop *loop)
{
    load_loop_sleep_until(loop, platform_clock_ns() + SETTLE_NS);
}

static bool is_answered(void *context)
{
    const struct load *load = context;
    return load->api.answered >= load->wanted;
}

/* count publishes over the channels in turn, through a loop in which only the publisher is. */
static void publish(struct load *load, const char *name_space, uint32_t channels, uint32_t count)
{
    struct load_loop loop;
    struct load_api_options options = { .server = &load->server, .name_space = name_space };
    if (load_loop_init(&loop) != STATUS_OK) bench_fail("no loop");
    load_api_init(&load->api, &loop, &options);
    for (load->wanted = 0; load->wanted < count;) {
        load_api_call(&load->api, (uint32_t)(load->wanted % channels), 1, channels, PIPELINED);
        load->wanted += PIPELINED;
        if (!load_loop_until(&loop, is_answered, load, TIMEOUT_MS)) bench_fail("publishes are not answered");
    }
    load_api_deinit(&load->api);
    load_loop_deinit(&loop);
}

static void idle_connections(const struct bench_options *options)
{
    static struct load load;
    begin(&load, options, WIRE_LIVE, false);
    load_group_grow(&load.group, FEW);
    settle(&load.loop);
    compare(&load.server, "idle_1000");
    load_group_grow(&load.group, MANY);
    settle(&load.loop);
    compare(&load.server, "idle_15000");
    end(&load);
}

/* Some of the channels have subscribers, so some publications have their encoded forms, too. */
static void history_full(const struct bench_options *options)
{
    static struct load load;
    begin(&load, options, WIRE_HISTORY, false);
    load_group_grow(&load.group, FEW);
    publish(&load, WIRE_HISTORY, MANY, MANY * HISTORY_ROUNDS);
    settle(&load.loop);
    compare(&load.server, "history_full");
    end(&load);
}

/* Nobody reads: the clients' loop does not turn. */
static void long_queues(const struct bench_options *options)
{
    static struct load load;
    begin(&load, options, WIRE_LIVE, true);
    load_group_grow(&load.group, QUEUE_CLIENTS);
    publish(&load, WIRE_LIVE, 1, QUEUED_MESSAGES);
    compare(&load.server, "output_queues");
    end(&load);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 1);
    setenv("CENTRIFUGO_PROMETHEUS_ENABLED", "true", 1);
    setenv("CENTRIFUGO_CLIENT_QUEUE_MAX_SIZE", "1000000000", 1);
    idle_connections(&options);
    history_full(&options);
    long_queues(&options);
    return all_near ? 0 : 1;
}

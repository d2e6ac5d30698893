#include "bench/lib/server_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/lib/bench_cert.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/wire.h"

#define START_TIMEOUT_MS 30000 /* under valgrind, too */
#define STOP_TIMEOUT_MS  10000
#define POLL_MS          5
#define PATH_LEN_MAX     128

/* The namespaces differ in one thing each. A config for Xshathra and for Centrifugo. */
static const char config_format[] =
    "{\n"
    "  \"http_server\": { \"address\": \"127.0.0.1\"%s },\n"
    "  \"log\": { \"level\": \"error\" },\n"
    "  \"client\": { \"allowed_origins\": [\"http://localhost:*\"] },\n"
    "  \"websocket\": { \"compression\": true, \"compression_level\": 1 },\n"
    "  \"channel\": { \"namespaces\": [\n"
    "    { \"name\": \"" WIRE_LIVE "\", \"allow_subscribe_for_client\": true },\n"
    "    { \"name\": \"" WIRE_CLIENTS
    "\", \"allow_subscribe_for_client\": true, \"allow_publish_for_client\": true },\n"
    "    { \"name\": \"" WIRE_PRESENCE "\", \"allow_subscribe_for_client\": true, \"presence\": true },\n"
    "    { \"name\": \"" WIRE_HISTORY "\", \"allow_subscribe_for_client\": true,\n"
    "      \"history_size\": 10, \"history_ttl\": \"60s\", \"force_recovery\": true },\n"
    "    { \"name\": \"" WIRE_RECOVERY "\", \"allow_subscribe_for_client\": true,\n"
    "      \"history_size\": 100, \"history_ttl\": \"600s\", \"force_recovery\": true } ] }\n"
    "}\n";

/* Those to end when this program fails: the server, the floor, Centrifugo. */
static struct server_process *running[SERVER_KIND_COUNT];

static void sleep_ms(uint32_t ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&span, NULL);
}

static struct sockaddr_in local_address(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = local_address(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        bench_fail("no free port: %s", strerror(errno));
    close(fd);
    return ntohs(address.sin_port);
}

static void pin_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set); /* refused: the figures are noisier, no more */
}

static void write_config(const struct server_process *server, const char *config_path)
{
    char tls[512] = "", cert[PATH_LEN_MAX], key[PATH_LEN_MAX];
    if (server->is_tls) {
        snprintf(cert, sizeof cert, "%s/cert.pem", server->folder);
        snprintf(key, sizeof key, "%s/key.pem", server->folder);
        bench_cert_write(cert, key);
        snprintf(tls, sizeof tls,
                 ", \"internal_port\": \"%u\", \"tls_external\": true, \"tls\": { \"enabled\": true, \"cert_pem\": "
                 "\"%s\", \"key_pem\": \"%s\" }",
                 server->api_port, cert, key);
    }
    FILE *file = fopen(config_path, "we");
    if (file == NULL || fprintf(file, config_format, tls) < 0 || fclose(file) != 0)
        bench_fail("cannot write '%s'", config_path);
}

static void prepare_folder(struct server_process *server, char config_path[static PATH_LEN_MAX])
{
    const char *base = getenv("TMPDIR");
    int len = snprintf(server->folder, sizeof(server->folder), "%s/xshathra-bench-XXXXXX", base ? base : "/tmp");
    if (len >= (int)sizeof(server->folder) || mkdtemp(server->folder) == NULL)
        bench_fail("cannot make a folder for data");
    snprintf(config_path, PATH_LEN_MAX, "%s/config.json", server->folder);
    write_config(server, config_path);
}

static void become_server(const struct server_process *server, const struct server_options *options,
                          const char *config_path)
{
    char port[8], workers[12], log_path[PATH_LEN_MAX];
    snprintf(port, sizeof(port), "%u", server->port);
    snprintf(workers, sizeof(workers), "%u", options->workers);
    snprintf(log_path, sizeof(log_path), "%s/log", server->folder);
    int log_fd = open(log_path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600),
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY", SERVER_TOKEN_SECRET, 1);
    setenv("CENTRIFUGO_HTTP_API_KEY", SERVER_API_KEY, 1);
    if (options->pin) pin_to(0);
    if (options->kind == SERVER_FLOOR) {
        execl(options->path, options->path, "--port", port, (char *)NULL);
    } else if (options->kind == SERVER_CENTRIFUGO) {
        setenv("CENTRIFUGO_HTTP_SERVER_PORT", port, 1);
        setenv("GOMAXPROCS", workers, 1); /* as many processors as ours has workers */
        execl(options->path, options->path, "-c", config_path, (char *)NULL);
    } else {
        execl(options->path, options->path, "serve", "-c", config_path, "--data", server->folder, "--port", port,
              "--workers", workers, (char *)NULL);
    }
    dprintf(STDERR_FILENO, "cannot run '%s': %s\n", options->path, strerror(errno));
    _exit(127);
}

static void print_log(const struct server_process *server)
{
    char path[PATH_LEN_MAX], line[1024];
    snprintf(path, sizeof(path), "%s/log", server->folder);
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    while (fgets(line, sizeof(line), file) != NULL) fprintf(stderr, "  server: %s", line);
    fclose(file);
}

static bool accepts(uint16_t port)
{
    struct sockaddr_in address = local_address(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool result = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return result;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    return remove(path);
}

static void remove_folder(const struct server_process *server)
{
    nftw(server->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A failed measurement shows what the servers said and leaves nothing behind. */
static void end_running(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(running); i++) {
        if (running[i] == NULL) continue;
        print_log(running[i]);
        kill(running[i]->pid, SIGKILL);
        waitpid(running[i]->pid, NULL, 0);
        remove_folder(running[i]);
    }
}

/* Puts next in the place of previous, one of them NULL. */
static void replace_running(struct server_process *previous, struct server_process *next)
{
    static bool is_registered;
    if (!is_registered) atexit(end_running);
    is_registered = true;
    for (size_t i = 0; i < ARRAY_COUNT(running); i++) {
        if (running[i] != previous) continue;
        running[i] = next;
        return;
    }
    CHECK(false);
}

void server_start(struct server_process *server, const struct server_options *options)
{
    char config_path[PATH_LEN_MAX];
    server->kind = options->kind;
    server->is_tls = options->tls && options->kind != SERVER_FLOOR;
    server->port = free_port();
    server->api_port = server->is_tls ? free_port() : server->port;
    prepare_folder(server, config_path);
    server->pid = fork();
    if (server->pid < 0) bench_fail("fork: %s", strerror(errno));
    if (server->pid == 0) become_server(server, options, config_path);
    replace_running(NULL, server);
    if (options->pin) pin_to((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
    for (uint32_t waited_ms = 0; !accepts(server->port) || !accepts(server->api_port); waited_ms += POLL_MS) {
        if (waited_ms > START_TIMEOUT_MS || waitpid(server->pid, NULL, WNOHANG) != 0)
            bench_fail("'%s' does not listen on port %u", options->path, server->port);
        sleep_ms(POLL_MS);
    }
    if (clock_getcpuclockid(server->pid, &server->cpu_clock) != 0) bench_fail("no CPU clock of the server");
}

void server_stop(struct server_process *server)
{
    kill(server->pid, SIGTERM);
    for (uint32_t waited_ms = 0; waitpid(server->pid, NULL, WNOHANG) == 0; waited_ms += POLL_MS) {
        if (waited_ms > STOP_TIMEOUT_MS) kill(server->pid, SIGKILL);
        sleep_ms(POLL_MS);
    }
    remove_folder(server);
    replace_running(server, NULL);
}

uint64_t server_cpu_ns(const struct server_process *server)
{
    struct timespec used;
    if (clock_gettime(server->cpu_clock, &used) != 0) bench_fail("the server has ended");
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* smaps_rollup walks the pages: exact, where statm may be off by some per CPU. */
struct server_memory server_memory(const struct server_process *server)
{
    char path[PATH_LEN_MAX], line[256];
    struct server_memory memory = { 0, 0 };
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)server->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) bench_fail("cannot read '%s'", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0) memory.rss_bytes = strtoull(line + 4, NULL, 10) * 1024;
        if (strncmp(line, "Anonymous:", 10) == 0) memory.anonymous_bytes = strtoull(line + 10, NULL, 10) * 1024;
    }
    fclose(file);
    return memory;
}

/* server_process: the program under measurement as a child process, with a data
 * folder, config and secrets of its own, and what it costs.
 *
 * Use: server_start(&server, &options); before = server_cpu_ns(&server); … ;
 *      cost = server_cpu_ns(&server) - before; server_stop(&server);
 * Source: proc(5), clock_getcpuclockid(3). The child dies with this program. One thread. */
#ifndef XSHATHRA_BENCH_SERVER_PROCESS_H
#define XSHATHRA_BENCH_SERVER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define SERVER_TOKEN_SECRET "bench-token-secret-0123456789abcdef"
#define SERVER_API_KEY      "bench-api-key-0123456789abcdef"

enum server_kind { SERVER_REAL, SERVER_FLOOR, SERVER_CENTRIFUGO, SERVER_KIND_COUNT };

struct server_options {
    enum server_kind kind;
    const char *path; /* of the program; borrowed */
    uint32_t workers; /* the floor has always one */
    bool tls;         /* with TLS for clients; the floor has none and is as without */
    bool pin;         /* the server to the first CPU, this program to the last */
};

struct server_process {
    pid_t pid;
    uint16_t port, api_port; /* the same, but with TLS, which the API does without */
    enum server_kind kind;
    bool is_tls;
    clockid_t cpu_clock;
    char folder[64]; /* made under TMPDIR and removed again */
};

/* Returns when the port accepts connections. */
void server_start(struct server_process *server, const struct server_options *options);
/* SIGTERM, and SIGKILL when it takes longer than 10 s. */
void server_stop(struct server_process *server);

/* User plus system time of all its threads since its start. */
uint64_t server_cpu_ns(const struct server_process *server);

struct server_memory {
    uint64_t rss_bytes;       /* all resident pages */
    uint64_t anonymous_bytes; /* those that are not of a file */
};
struct server_memory server_memory(const struct server_process *server);

#endif

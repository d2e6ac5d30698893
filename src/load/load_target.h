/* load_target: where the connections go: a ws:// or wss:// URL taken apart and looked up, and how they speak.
 *
 * Use: if (load_target_init(&target, "wss://example.org/connection/websocket", error) != STATUS_OK) -> error says why
 *      … load_target_deinit(&target);
 * Looking a name up blocks. Immutable after the start, shared by all connections. One thread. */
#ifndef XSHATHRA_LOAD_LOAD_TARGET_H
#define XSHATHRA_LOAD_LOAD_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "load/load_command.h"

#define LOAD_TARGET_ERROR_MAX 256
#define LOAD_TARGET_HOST_MAX  254
#define LOAD_TARGET_PATH_MAX  1024
/* Every one of them may have connections to all ports from which the kernel chooses. */
#define LOAD_SOURCES_MAX 256

struct load_target {
    char host[LOAD_TARGET_HOST_MAX]; /* as in the URL, without brackets */
    char port[6];
    char path[LOAD_TARGET_PATH_MAX]; /* with the query */
    struct sockaddr_storage address;
    socklen_t address_len;
    bool is_loopback;
    struct ssl_ctx_st *tls; /* NULL = ws; owned */
    enum load_encoding encoding;
    bool offers_deflate;
    const char *origin; /* NULL = none; borrowed */
    struct sockaddr_storage sources[LOAD_SOURCES_MAX];
    uint32_t source_count;           /* 0 = the kernel chooses */
    uint32_t connections_per_source; /* that many from the first, then the next */
};

/* STATUS_MALFORMED: not such a URL; STATUS_NOT_FOUND: the name is unknown; STATUS_NO_MEMORY. */
MUST_CHECK enum status load_target_init(struct load_target *target, const char *url,
                                        char error[static LOAD_TARGET_ERROR_MAX]);
void load_target_deinit(struct load_target *target);
/* Any certificate is good. For servers of one's own. */
void load_target_trust_any(struct load_target *target);

/* Connections go out from count addresses: for a loopback target 127.0.0.1 and those after it; else only those that
 * load_target_add_source() was given. False: there are not so many. */
bool load_target_spread(struct load_target *target, uint32_t count, uint32_t connections_per_source);
/* False: text is no address of the target's family, or there are LOAD_SOURCES_MAX. */
bool load_target_add_source(struct load_target *target, const char *text);
/* How many ports the kernel has for connections from one address to one target. */
uint32_t load_target_ports_per_source(void);

#endif

/* platform_listen: TCP listeners that several threads may have for one port
 * (SO_REUSEPORT). At start-up: a host name is resolved, which may take a while. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_LISTEN_H
#define XSHATHRA_PLATFORM_PLATFORM_LISTEN_H

#include <stdint.h>

#include "base/status.h"

#define PLATFORM_ERROR_MAX 256

/* A listening socket in *fd, owned by the caller: non-blocking, close-on-exec,
 * SO_REUSEADDR, SO_REUSEPORT, and TCP_NODELAY, which accepted sockets inherit.
 * address: an IPv4 or IPv6 address or a host name; "" (or NULL) is all of them, IPv6
 * and IPv4 in one socket, or IPv4 alone where IPv6 is missing. port 0: any free one.
 * Otherwise error is a sentence that names address, port and reason, and the status
 * NOT_FOUND (no such address), DENIED, EXISTS (in use) or IO. */
MUST_CHECK enum status platform_listen(const char *address, uint16_t port, int backlog, int *fd,
                                       char error[static PLATFORM_ERROR_MAX]);

/* Whether nobody listens there yet. SO_REUSEPORT alone would let a second server of the
 * same user take half of the first one's connections, so ask once before listening.
 * STATUS_OK: free at this moment. Otherwise as platform_listen. */
MUST_CHECK enum status platform_listen_check(const char *address, uint16_t port, char error[static PLATFORM_ERROR_MAX]);

/* The port a socket is bound to, 0 when it is not. */
uint16_t platform_listen_port(int fd);

#endif

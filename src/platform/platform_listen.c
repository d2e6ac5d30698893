#include "platform/platform_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum sharing { SHARED, ALONE };

static bool is_any(const char *address)
{
    return address == NULL || *address == '\0';
}

static enum status explain(enum status status, const char *address, uint16_t port, const char *reason, char *error)
{
    snprintf(error, PLATFORM_ERROR_MAX, "cannot listen on \"%s\" port %u: %s", is_any(address) ? "" : address, port,
             reason);
    return status;
}

static enum status explain_errno(int code, const char *address, uint16_t port, char *error)
{
    enum status status = STATUS_IO;
    if (code == EADDRINUSE) status = STATUS_EXISTS;
    if (code == EACCES || code == EPERM) status = STATUS_DENIED;
    if (code == EADDRNOTAVAIL) status = STATUS_NOT_FOUND;
    char text[128];
    return explain(status, address, port, strerror_r(code, text, sizeof text), error);
}

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool is_wildcard6(const struct sockaddr *to)
{
    if (to->sa_family != AF_INET6) return false;
    const struct sockaddr_in6 *to6 = (const struct sockaddr_in6 *)(const void *)to;
    return IN6_IS_ADDR_UNSPECIFIED(&to6->sin6_addr);
}

static bool prepare(int fd, const struct sockaddr *to, enum sharing sharing)
{
    if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    if (sharing == SHARED && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return false;
    if (!set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)) return false;
    /* whatever the system's default is: "::" takes IPv4 too, any other IPv6 address does not */
    return to->sa_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_wildcard6(to));
}

/* A bound socket, or -1 and errno. */
static int bind_to(const struct sockaddr *to, socklen_t to_len, enum sharing sharing)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (prepare(fd, to, sharing) && bind(fd, to, to_len) == 0) return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static int bind_any(uint16_t port, enum sharing sharing)
{
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT };
    int fd = bind_to((const struct sockaddr *)(const void *)&any6, sizeof any6, sharing);
    bool no_ipv6 = fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPROTONOSUPPORT);
    if (!no_ipv6) return fd;
    struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    return bind_to((const struct sockaddr *)(const void *)&any4, sizeof any4, sharing);
}

/* A name may have several addresses: IPv4 is preferred, as Go's net.Listen does. */
static const struct addrinfo *preferred(const struct addrinfo *found)
{
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (at->ai_family == AF_INET) return at;
    return found;
}

static enum status bind_address(const char *address, uint16_t port, enum sharing sharing, int *fd, char *error)
{
    if (is_any(address)) {
        *fd = bind_any(port, sharing);
        return *fd >= 0 ? STATUS_OK : explain_errno(errno, address, port, error);
    }
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int code = getaddrinfo(address, service, &hints, &found);
    if (code != 0) {
        if (code == EAI_SYSTEM) return explain_errno(errno, address, port, error);
        return explain(STATUS_NOT_FOUND, address, port, gai_strerror(code), error);
    }
    const struct addrinfo *to = preferred(found);
    *fd = bind_to(to->ai_addr, to->ai_addrlen, sharing);
    code = errno;
    freeaddrinfo(found);
    return *fd >= 0 ? STATUS_OK : explain_errno(code, address, port, error);
}

enum status platform_listen(const char *address, uint16_t port, int backlog, int *fd,
                            char error[static PLATFORM_ERROR_MAX])
{
    int bound = -1;
    enum status status = bind_address(address, port, SHARED, &bound, error);
    if (status != STATUS_OK) return status;
    if (listen(bound, backlog) != 0) {
        int code = errno;
        close(bound);
        return explain_errno(code, address, port, error);
    }
    *fd = bound;
    return STATUS_OK;
}

enum status platform_listen_check(const char *address, uint16_t port, char error[static PLATFORM_ERROR_MAX])
{
    int bound = -1;
    enum status status = bind_address(address, port, ALONE, &bound, error);
    if (status == STATUS_OK) close(bound);
    return status;
}

uint16_t platform_listen_port(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    if (getsockname(fd, (struct sockaddr *)(void *)&at, &len) != 0) return 0;
    if (at.ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)(const void *)&at)->sin_port);
    if (at.ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)(const void *)&at)->sin6_port);
    return 0;
}

#include "bench/lib/load_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define EVENTS_PER_TURN 1024
#define TURN_NS_MAX     100000000

void load_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint64_t load_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void load_loop_init(struct load_loop *loop)
{
    loop->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd_ < 0) load_fail("epoll_create1: %s", strerror(errno));
    loop->read_buffer = mem_must_alloc(LOAD_READ_LEN);
}

void load_loop_deinit(struct load_loop *loop)
{
    close(loop->epoll_fd_);
    mem_free(loop->read_buffer);
}

static void control(struct load_loop *loop, int operation, struct load_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    if (epoll_ctl(loop->epoll_fd_, operation, source->fd, &event) != 0) load_fail("epoll_ctl: %s", strerror(errno));
}

void load_loop_add(struct load_loop *loop, struct load_source *source, uint32_t events)
{
    control(loop, EPOLL_CTL_ADD, source, events);
}

void load_loop_change(struct load_loop *loop, struct load_source *source, uint32_t events)
{
    control(loop, EPOLL_CTL_MOD, source, events);
}

void load_source_close(struct load_source *source)
{
    if (source->fd < 0) return;
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(source->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(source->fd);
    source->fd = -1;
}

void load_loop_turn(struct load_loop *loop, uint64_t wait_ns)
{
    struct epoll_event events[EVENTS_PER_TURN];
    struct timespec wait = { .tv_sec = (time_t)(wait_ns / 1000000000), .tv_nsec = (long)(wait_ns % 1000000000) };
    int count = epoll_pwait2(loop->epoll_fd_, events, EVENTS_PER_TURN, &wait, NULL);
    if (count < 0 && errno != EINTR) load_fail("epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct load_source *source = events[i].data.ptr;
        if (source->fd >= 0) source->on_ready(source, events[i].events);
    }
}

bool load_loop_until(struct load_loop *loop, bool (*is_done)(void *context), void *context, uint64_t timeout_ms)
{
    uint64_t end_ns = load_now_ns() + timeout_ms * 1000000;
    while (!is_done(context)) {
        load_loop_turn(loop, TURN_NS_MAX);
        if (load_now_ns() > end_ns) return is_done(context);
    }
    return true;
}

void load_loop_sleep_until(struct load_loop *loop, uint64_t due_ns)
{
    do {
        uint64_t now_ns = load_now_ns();
        load_loop_turn(loop, now_ns < due_ns ? due_ns - now_ns : 0);
    } while (load_now_ns() < due_ns);
}

int load_connect(uint16_t port, uint32_t source_address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) load_fail("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (source_address != 0) { /* the port is chosen at connect, when the whole 4-tuple is known */
        struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(source_address) };
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0) load_fail("bind: %s", strerror(errno));
    }
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
        load_fail("connect to port %u: %s", port, strerror(errno));
    return fd;
}

#include "load/load_loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "platform/platform_clock.h"

#define EVENTS_PER_TURN 1024
#define TURN_NS_MAX     100000000

enum status load_loop_init(struct load_loop *loop)
{
    loop->read_buffer = NULL;
    loop->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd_ < 0) return STATUS_IO;
    loop->read_buffer = mem_alloc(LOAD_READ_LEN);
    if (loop->read_buffer) return STATUS_OK;
    close(loop->epoll_fd_);
    return STATUS_NO_MEMORY;
}

void load_loop_deinit(struct load_loop *loop)
{
    close(loop->epoll_fd_);
    mem_free(loop->read_buffer);
}

static int control(struct load_loop *loop, int operation, struct load_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    return epoll_ctl(loop->epoll_fd_, operation, source->fd, &event);
}

enum status load_loop_add(struct load_loop *loop, struct load_source *source, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, source, events) == 0 ? STATUS_OK : STATUS_IO;
}

void load_loop_change(struct load_loop *loop, struct load_source *source, uint32_t events)
{
    CHECK(control(loop, EPOLL_CTL_MOD, source, events) == 0); /* it was added, and needs nothing more */
}

void load_source_close(struct load_source *source, bool reset)
{
    if (source->fd < 0) return;
    struct linger no_wait = { .l_onoff = 1, .l_linger = 0 };
    if (reset) setsockopt(source->fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait));
    close(source->fd);
    source->fd = -1;
}

void load_loop_turn(struct load_loop *loop, uint64_t wait_ns)
{
    struct epoll_event events[EVENTS_PER_TURN];
    struct timespec wait = { .tv_sec = (time_t)(wait_ns / 1000000000), .tv_nsec = (long)(wait_ns % 1000000000) };
    int count = epoll_pwait2(loop->epoll_fd_, events, EVENTS_PER_TURN, &wait, NULL);
    CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        struct load_source *source = events[i].data.ptr;
        if (source->fd >= 0) source->on_ready(source, events[i].events);
    }
}

bool load_loop_until(struct load_loop *loop, bool (*is_done)(void *context), void *context, uint64_t timeout_ms)
{
    uint64_t end_ns = platform_clock_ns() + timeout_ms * 1000000;
    while (!is_done(context)) {
        load_loop_turn(loop, TURN_NS_MAX);
        if (platform_clock_ns() > end_ns) return is_done(context);
    }
    return true;
}

void load_loop_sleep_until(struct load_loop *loop, uint64_t due_ns)
{
    do {
        uint64_t now_ns = platform_clock_ns();
        load_loop_turn(loop, now_ns < due_ns ? due_ns - now_ns : 0);
    } while (platform_clock_ns() < due_ns);
}

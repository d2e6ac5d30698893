#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/net_listener_private.h"

#define COMPLAIN_EVERY_MS 1000

static int watch(struct net_listener *listener, int operation, uint32_t events)
{
    /* level-triggered: what one turn does not accept is reported again */
    struct epoll_event event = { .events = events, .data.u64 = (uint64_t)(uintptr_t)listener | NET_EVENT_LISTENER };
    return epoll_ctl(listener->loop->epoll_fd_, operation, listener->fd, &event);
}

enum status net_listener_start(struct net_listener *listener, struct net_loop *loop, int fd)
{
    net_loop_assert_thread(loop);
    listener->loop = loop;
    listener->fd = fd;
    listener->complained_ms_ = 0;
    timer_init(&listener->rest_, NET_TIMER_KIND_LISTENER);
    if (watch(listener, EPOLL_CTL_ADD, EPOLLIN) == 0) return STATUS_OK;
    listener->fd = -1;
    return errno == ENOMEM || errno == ENOSPC ? STATUS_NO_MEMORY : STATUS_IO;
}

void net_listener_stop(struct net_listener *listener)
{
    if (!listener->loop || listener->fd < 0) return;
    struct net_loop *loop = listener->loop;
    net_loop_assert_thread(loop);
    timer_disarm(&loop->wheel, &listener->rest_);
    close(listener->fd);
    listener->fd = -1;
    /* its memory may go before this turn's events are all looked at */
    for (int i = 0; i < loop->event_count_; i++)
        if (loop->events_[i].data.u64 == ((uint64_t)(uintptr_t)listener | NET_EVENT_LISTENER))
            loop->events_[i].data.u64 = NET_EVENT_NONE;
}

static void complain(struct net_listener *listener, int error)
{
    const uint64_t now_ms = listener->loop->now_ms;
    if (listener->complained_ms_ != 0 && now_ms - listener->complained_ms_ < COMPLAIN_EVERY_MS) return;
    listener->complained_ms_ = now_ms;
    LOG_ERROR("cannot accept connections, resting", LOG_CSTR("error", strerrorname_np(error)),
              LOG_U64("connections", listener->loop->conn_count), LOG_U64("rest_ms", NET_LISTENER_REST_MS));
}

/* The backlog stays with the kernel; polling a listener that cannot accept would spin. */
static void rest(struct net_listener *listener, int error)
{
    complain(listener, error);
    (void)watch(listener, EPOLL_CTL_MOD, 0);
    timer_arm(&listener->loop->wheel, &listener->rest_, listener->loop->now_ms + NET_LISTENER_REST_MS);
}

void net_listener_on_timer(struct net_timer *timer, void *context)
{
    struct net_listener *listener = container_of(timer, struct net_listener, rest_);
    if (watch(listener, EPOLL_CTL_MOD, EPOLLIN) != 0) rest(listener, errno);
}

/* Of this one connection, not of our resources; the next may be fine (accept(2)). */
static bool is_passing(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
    }
}

void net_listener_accept(struct net_listener *listener)
{
    for (int i = 0; i < NET_ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        const int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->on_accept(listener, fd, (const struct sockaddr *)&peer);
            if (listener->fd < 0) return; /* stopped by the callee, which may not free it in here */
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!is_passing(errno)) {
            rest(listener, errno);
            return;
        }
    }
}

#include "net/net_loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem_part.h"
#include "net/net_conn_private.h"
#include "net/net_listener_private.h"
#include "net/net_merged.h"
#include "net/net_queue.h"
#include "net/net_reader.h"
#include "net/net_stall_private.h"
#include "net/net_writer.h"
#include "platform/platform_clock.h"

#define EVENTS_PER_TURN 512
/* Nothing needs an idle loop to look around by itself; the poll just has some end. */
#define WAIT_MAX_MS 60000
/* Sockets between two looks at the clock. */
#define CLOCK_EVERY 16

/* A share of the turn: a count and a time, whichever ends first. */
struct budget {
    uint64_t end_ns;
    uint32_t left, until_clock;
};

static struct budget budget_begin(uint32_t count, uint64_t ns)
{
    return (struct budget){ .end_ns = platform_clock_ns() + ns, .left = count, .until_clock = CLOCK_EVERY };
}

/* Take one; false = the budget is used up. */
static bool budget_take(struct budget *b)
{
    if (b->left == 0) return false;
    if (b->until_clock-- == 0) {
        b->until_clock = CLOCK_EVERY - 1;
        if (platform_clock_ns() >= b->end_ns) {
            b->left = 0;
            return false;
        }
    }
    b->left--;
    return true;
}

void net_loop_assert_thread(const struct net_loop *loop)
{
    CHECK(!loop->owned_ || pthread_equal(loop->thread_, pthread_self()));
}

static void read_clocks(struct net_loop *loop)
{
    loop->now_ms = platform_clock_ms();
    loop->wall_ms = (int64_t)platform_wall_ms();
    uv_update_time(&loop->uv);
    if (loop->options.on_clock) loop->options.on_clock(loop->options.context, loop->now_ms, loop->wall_ms);
}

static void on_uv_alive(uv_prepare_t *prepare)
{
    (void)prepare;
}

static void init_fields(struct net_loop *loop, const struct net_loop_options *options)
{
    memset(loop, 0, sizeof *loop);
    loop->options = *options;
    list_init(&loop->groups_);
    list_init(&loop->answers_);
    list_init(&loop->closing_);
    list_init(&loop->readable_);
    list_init(&loop->stalled_);
    timer_init(&loop->stall_timer_, NET_TIMER_KIND_STALL);
    net_group_init(&loop->default_group);
    timer_wheel_init(&loop->wheel, platform_clock_ms());
    loop->wheel.context = loop;
    loop->wheel.fire[NET_TIMER_KIND_CONN] = net_conn_on_timer;
    loop->wheel.fire[NET_TIMER_KIND_STALL] = net_stall_on_timer;
    loop->wheel.fire[NET_TIMER_KIND_LISTENER] = net_listener_on_timer;
}

static enum status watch(struct net_loop *loop, int fd, enum net_event event)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u64 = event };
    return epoll_ctl(loop->epoll_fd_, EPOLL_CTL_ADD, fd, &e) == 0 ? STATUS_OK : STATUS_IO;
}

/* uv_run() returns at once when nothing keeps the loop alive, and then the readiness of
 * its backend descriptor would never be taken away. So something always does. */
static enum status init_uv(struct net_loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0) return STATUS_IO;
    uv_prepare_init(&loop->uv, &loop->uv_alive_);
    uv_prepare_start(&loop->uv_alive_, on_uv_alive);
    return STATUS_OK;
}

static void deinit_uv(struct net_loop *loop)
{
    uv_close((uv_handle_t *)&loop->uv_alive_, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop->uv) == 0);
}

enum status net_loop_init(struct net_loop *loop, const struct net_loop_options *options)
{
    init_fields(loop, options);
    loop->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd_ < 0) return STATUS_IO;
    enum status status = init_uv(loop);
    if (status != STATUS_OK) goto no_uv;
    loop->read_buffer_ = mem_part_alloc(MEM_WORKERS, NET_READ_BYTES_PER_TURN);
    status = loop->read_buffer_ ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && options->mailbox) status = watch(loop, options->mailbox->wake_fd, NET_EVENT_MAILBOX);
    if (status == STATUS_OK) status = watch(loop, uv_backend_fd(&loop->uv), NET_EVENT_UV);
    if (status == STATUS_OK) {
        read_clocks(loop);
        return STATUS_OK;
    }
    mem_part_free(MEM_WORKERS, loop->read_buffer_);
    deinit_uv(loop);
no_uv:
    close(loop->epoll_fd_);
    return status;
}

void net_loop_deinit(struct net_loop *loop)
{
    net_loop_assert_thread(loop);
    CHECK(loop->conn_count == 0);
    deinit_uv(loop);
    close(loop->epoll_fd_);
    net_queue_free_chunks(loop);
    net_merged_free(loop);
    mem_part_free(MEM_WORKERS, loop->read_buffer_);
    loop->read_buffer_ = NULL;
}

static bool has_work(const struct net_loop *loop)
{
    return loop->busy_ || !list_empty(&loop->readable_) || !list_empty(&loop->groups_) ||
           !list_empty(&loop->answers_) || !list_empty(&loop->closing_);
}

/* How long the poll may wait: until the wheel or libuv has something due. */
static uint32_t poll_ms(struct net_loop *loop, uint32_t wait_ms)
{
    if (wait_ms == 0 || has_work(loop)) return 0;
    const uint32_t wheel_ms = timer_wheel_wait_ms(&loop->wheel, platform_clock_ms(), wait_ms);
    const int uv_ms = uv_backend_timeout(&loop->uv); /* -1: none */
    return uv_ms >= 0 && (uint32_t)uv_ms < wheel_ms ? (uint32_t)uv_ms : wheel_ms;
}

/* The sleeping flag is up only around a poll that waits, so nobody makes a system call
 * to wake a loop that is awake. */
static void poll_events(struct net_loop *loop, uint32_t wait_ms)
{
    struct mailbox *box = loop->options.mailbox;
    uint32_t timeout_ms = poll_ms(loop, wait_ms);
    bool asleep = false;
    if (timeout_ms > 0 && box) {
        asleep = mailbox_sleep(box);
        if (!asleep) timeout_ms = 0;
    }
    loop->event_count_ = epoll_wait(loop->epoll_fd_, loop->events_, EVENTS_PER_TURN, (int)timeout_ms);
    if (loop->event_count_ < 0) {
        CHECK(errno == EINTR);
        loop->event_count_ = 0;
    }
    bool mail_ready = false;
    for (int i = 0; i < loop->event_count_; i++) mail_ready |= loop->events_[i].data.u64 == NET_EVENT_MAILBOX;
    if (asleep || mail_ready) mailbox_awake(box, mail_ready);
}

/* Notes what the event says; the work comes in turn, below and in the flush phase. */
static void on_conn_event(struct net_conn *conn, uint32_t events)
{
    if (conn->state_ == NET_STATE_CLOSED) return;
    if (events & EPOLLERR && net_conn_has(conn, NET_FLAG_EOF)) {
        net_conn_fail(conn, ECONNRESET); /* no read would find it out any more */
        return;
    }
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) net_conn_put(conn, NET_FLAG_HUNG_UP);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        net_conn_put(conn, NET_FLAG_MORE);
        if (!net_conn_has(conn, NET_FLAG_PAUSED)) net_conn_mark_readable(conn);
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) && net_conn_has(conn, NET_FLAG_BLOCKED)) {
        net_stall_end(conn);
        net_conn_mark_dirty(conn, NET_FLUSH_DELIVERY);
    }
}

/* True: libuv has something. */
static bool look_at_events(struct net_loop *loop)
{
    bool uv_ready = false;
    for (int i = 0; i < loop->event_count_; i++) {
        const struct epoll_event *event = &loop->events_[i];
        void *object = (void *)(uintptr_t)(event->data.u64 & ~(uint64_t)NET_EVENT_BITS);
        switch ((enum net_event)(event->data.u64 & NET_EVENT_BITS)) {
        case NET_EVENT_CONN: on_conn_event(object, event->events); break;
        case NET_EVENT_LISTENER: net_listener_accept(object); break;
        case NET_EVENT_UV: uv_ready = true; break;
        case NET_EVENT_MAILBOX:
        case NET_EVENT_NONE: break;
        }
    }
    loop->event_count_ = 0;
    return uv_ready;
}

/* Phase 1, first come, first served. Who uses up its bytes comes again next turn, behind
 * those for whom this turn had no time. */
static void read_phase(struct net_loop *loop)
{
    if (list_empty(&loop->readable_)) return;
    struct list ready;
    list_init(&ready);
    list_splice(&ready, &loop->readable_);
    struct budget budget = budget_begin(UINT32_MAX, NET_READ_NS_PER_TURN);
    while (!list_empty(&ready) && budget_take(&budget))
        net_reader_read(LIST_ENTRY(list_pop_front(&ready), struct net_conn, readable_));
    list_splice(&ready, &loop->readable_);
    list_splice(&loop->readable_, &ready);
}

/* Phase 2: mails, timers, libuv, slices of long work. */
static void work_phase(struct net_loop *loop, bool uv_ready)
{
    const struct net_loop_options *options = &loop->options;
    bool more = options->mailbox && mailbox_drain(options->mailbox, NET_MAILS_PER_TURN);
    more |= timer_wheel_advance(&loop->wheel, loop->now_ms, NET_TIMERS_PER_TURN);
    if (uv_ready || uv_backend_timeout(&loop->uv) == 0) uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (options->on_turn) more |= options->on_turn(options->context);
    loop->busy_ = more;
}

/* Of the group's two lists in turn, as long as both have something. */
static struct net_conn *next_of_group(struct net_group *group)
{
    const bool crowd = list_empty(&group->dirty_) || (group->crowds_turn_ && !list_empty(&group->crowd_));
    group->crowds_turn_ = !crowd;
    return LIST_ENTRY(crowd ? group->crowd_.next : group->dirty_.next, struct net_conn, dirty_);
}

/* The next connection of the next group, and that group to the end of the ring; NULL
 * when none is dirty. */
static struct net_conn *take_delivery(struct net_loop *loop)
{
    if (list_empty(&loop->groups_)) return NULL;
    struct net_group *group = LIST_ENTRY(list_pop_front(&loop->groups_), struct net_group, link_);
    list_push_back(&loop->groups_, &group->link_);
    struct net_conn *conn = next_of_group(group);
    net_conn_unmark_dirty(conn);
    return conn;
}

static struct net_conn *take_answer(struct net_loop *loop)
{
    if (list_empty(&loop->answers_)) return NULL;
    struct net_conn *conn = LIST_ENTRY(loop->answers_.next, struct net_conn, dirty_);
    net_conn_unmark_dirty(conn);
    return conn;
}

/* Phases 3 and 5: one system call for each connection; whoever has still more comes
 * again in the next turn. */
static void flush_phase(struct net_loop *loop, struct net_conn *(*take)(struct net_loop *), enum net_flush when)
{
    struct list again;
    list_init(&again);
    struct budget budget = budget_begin(NET_FLUSH_SOCKETS_PER_TURN, NET_FLUSH_NS_PER_TURN);
    struct net_conn *conn;
    while (budget_take(&budget) && (conn = take(loop)) != NULL)
        if (net_writer_flush(conn)) list_push_back(&again, &conn->dirty_);
    net_merged_forget(loop);
    while (!list_empty(&again)) net_conn_mark_dirty(LIST_ENTRY(list_pop_front(&again), struct net_conn, dirty_), when);
}

static void wake_phase(struct net_loop *loop)
{
    if (loop->wakes.targets && loop->options.office) mailbox_wakes_send(&loop->wakes, loop->options.office);
}

/* Phase 6. */
static void close_phase(struct net_loop *loop)
{
    for (int i = 0; i < NET_CLOSES_PER_TURN && !list_empty(&loop->closing_); i++)
        net_conn_finish(LIST_ENTRY(loop->closing_.next, struct net_conn, dirty_));
}

static void turn(struct net_loop *loop, uint32_t wait_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    loop->events_ = events;
    poll_events(loop, wait_ms);
    read_clocks(loop);
    loop->turns++;
    const bool uv_ready = look_at_events(loop);
    read_phase(loop);
    work_phase(loop, uv_ready);
    if (!list_empty(&loop->groups_)) flush_phase(loop, take_delivery, NET_FLUSH_DELIVERY);
    wake_phase(loop);
    if (!list_empty(&loop->answers_)) flush_phase(loop, take_answer, NET_FLUSH_ANSWER);
    close_phase(loop);
    wake_phase(loop); /* on_eof and on_closed may have posted, too */
    loop->events_ = NULL;
}

static void own(struct net_loop *loop)
{
    net_loop_assert_thread(loop);
    loop->thread_ = pthread_self();
    loop->owned_ = true;
    read_clocks(loop); /* the last turn, or the start, may be long ago */
}

void net_loop_turn(struct net_loop *loop, uint32_t wait_ms)
{
    own(loop);
    turn(loop, wait_ms);
}

void net_loop_run(struct net_loop *loop)
{
    own(loop);
    while (!loop->stop_) turn(loop, WAIT_MAX_MS);
    loop->stop_ = false;
    loop->owned_ = false;
}

void net_loop_stop(struct net_loop *loop)
{
    net_loop_assert_thread(loop);
    loop->stop_ = true;
}

#include "net/support/net_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "platform/platform_clock.h"
#include "platform/platform_listen.h"

#define FLOOD 100

static struct net_loop loop;
static struct net_listener listener;
static int accepted[2 * FLOOD], accepted_count;
static int clients[2 * FLOOD];

static void keep_fd(struct net_listener *l, int fd, const struct sockaddr *peer)
{
    assert_int_equal(peer->sa_family, AF_INET);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    accepted[accepted_count++] = fd;
}

static void start(void)
{
    char error[PLATFORM_ERROR_MAX];
    int fd;
    accepted_count = 0;
    test_loop_init(&loop);
    assert_int_equal(platform_listen("127.0.0.1", 0, 1024, &fd, error), STATUS_OK);
    listener = (struct net_listener){ .on_accept = keep_fd };
    assert_int_equal(net_listener_start(&listener, &loop, fd), STATUS_OK);
}

static void stop(void)
{
    net_listener_stop(&listener);
    net_listener_stop(&listener);
    while (accepted_count > 0) close(accepted[--accepted_count]);
    net_loop_deinit(&loop);
}

static void connect_clients(int count)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(platform_listen_port(listener.fd)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    for (int i = 0; i < count; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
    }
}

static void close_clients(int count)
{
    while (count > 0) close(clients[--count]);
}

static void a_turn_accepts_at_most_its_budget_and_the_next_the_rest(void **state)
{
    start();
    connect_clients(FLOOD);
    net_loop_turn(&loop, 1000);
    assert_int_equal(accepted_count, NET_ACCEPTS_PER_TURN);
    net_loop_turn(&loop, 1000);
    assert_int_equal(accepted_count, FLOOD);
    close_clients(FLOOD);
    stop();
}

static void stop_on_third(struct net_listener *l, int fd, const struct sockaddr *peer)
{
    keep_fd(l, fd, peer);
    if (accepted_count == 3) net_listener_stop(l);
}

static void a_listener_may_be_stopped_from_its_own_call(void **state)
{
    start();
    listener.on_accept = stop_on_third;
    connect_clients(10);
    net_loop_turn(&loop, 1000);
    net_loop_turn(&loop, 0);
    assert_int_equal(accepted_count, 3);
    close_clients(10);
    stop();
}

static int complaints;

static void count_line(enum log_level level, const char *message, const struct log_field *fields, size_t field_count,
                       void *context)
{
    complaints += level == LOG_LEVEL_ERROR;
}

/* Lowers the limit to one more descriptor than are open, and accepts until it hurts. The exit
 * code is the number of the check that failed. */
static int run_out_of_descriptors(void)
{
    const int next = dup(0);
    struct rlimit limit = { (rlim_t)next + 1, (rlim_t)next + 1 };
    close(next);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    log_set_sink(count_line, NULL);
    const uint64_t begin_ms = platform_clock_ms();
    while (platform_clock_ms() - begin_ms < 500) net_loop_turn(&loop, 1000);
    if (accepted_count != 1) return 2; /* one fits; the others stay in the backlog */
    if (loop.turns > 40) return 3;     /* no busy loop */
    if (complaints != 1) return 4;     /* once a second */
    close(accepted[--accepted_count]);
    const uint64_t freed_ms = platform_clock_ms();
    while (accepted_count == 0 && platform_clock_ms() - freed_ms < 5000) net_loop_turn(&loop, 1000);
    if (accepted_count != 1) return 5; /* goes on as soon as one is free */
    if (platform_clock_ms() - freed_ms > 1000) return 6;
    net_listener_stop(&listener); /* while resting */
    net_loop_turn(&loop, 0);
    return 0;
}

static void without_descriptors_it_rests_keeps_the_backlog_and_goes_on(void **state)
{
    start();
    connect_clients(5);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) _exit(run_out_of_descriptors());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close_clients(5);
    stop();
}

static void a_descriptor_that_cannot_be_polled_is_refused(void **state)
{
    struct net_listener bad = { .on_accept = keep_fd };
    test_loop_init(&loop);
    assert_int_equal(net_listener_start(&bad, &loop, -1), STATUS_IO);
    net_listener_stop(&bad);
    net_loop_deinit(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_accepts_at_most_its_budget_and_the_next_the_rest),
        cmocka_unit_test(a_listener_may_be_stopped_from_its_own_call),
        cmocka_unit_test(without_descriptors_it_rests_keeps_the_backlog_and_goes_on),
        cmocka_unit_test(a_descriptor_that_cannot_be_polled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "net/support/net_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "platform/platform_clock.h"
#include "platform/platform_limit.h"

static struct net_loop loop;
static struct mailbox box;
static struct post_office office;

static void start(bool (*on_turn)(void *))
{
    assert_true(mailbox_init(&box, &loop, MAILBOX_LIMITS_DEFAULT));
    office = (struct post_office){ .boxes = { &box }, .count = 1 };
    const struct net_loop_options options = {
        .mailbox = &box, .office = &office, .on_turn = on_turn, .context = &loop
    };
    assert_int_equal(net_loop_init(&loop, &options), STATUS_OK);
}

static void stop(void)
{
    net_loop_deinit(&loop);
    mailbox_deinit(&box);
}

static void *run_loop(void *unused)
{
    net_loop_run(&loop);
    return NULL;
}

/* Mail from other threads. */

enum { SENDERS = 3, MAILS = 20000 };

struct numbered {
    struct mail mail;
    int sender, number;
};

static int next_number[SENDERS], mails_delivered;

static void deliver_numbered(struct mail *mail, void *owner)
{
    struct numbered *n = container_of(mail, struct numbered, mail);
    net_loop_assert_thread(owner);
    CHECK(n->number == next_number[n->sender]);
    next_number[n->sender]++;
    mem_free(n);
    if (++mails_delivered == SENDERS * MAILS) net_loop_stop(owner);
}

static void *send_mails(void *context)
{
    const int sender = *(int *)context;
    for (int i = 0; i < MAILS; i++) {
        struct numbered *n = mem_must_alloc(sizeof *n);
        *n = (struct numbered){ .mail.deliver = deliver_numbered, .sender = sender, .number = i };
        mailbox_post(&box, MAILBOX_WORK, &n->mail, platform_clock_ms());
        mailbox_wake(&box);
        if (i % 1000 == 0) usleep(1000); /* so that the loop falls asleep now and then */
    }
    return NULL;
}

static void mail_from_other_threads_wakes_a_sleeping_loop(void **state)
{
    pthread_t senders[SENDERS], runner;
    int numbers[SENDERS];
    start(NULL);
    pthread_create(&runner, NULL, run_loop, NULL);
    usleep(20000);
    for (int i = 0; i < SENDERS; i++) {
        numbers[i] = i;
        pthread_create(&senders[i], NULL, send_mails, &numbers[i]);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(senders[i], NULL);
    pthread_join(runner, NULL);
    assert_int_equal(mails_delivered, SENDERS * MAILS);
    assert_in_range(atomic_load(&box.wakeups), 1, SENDERS * MAILS);
    stop();
}

static void count_mail(struct mail *mail, void *owner)
{
    mails_delivered++;
}

static void a_turn_delivers_at_most_its_budget_of_mails(void **state)
{
    static struct mail mails[NET_MAILS_PER_TURN + 5];
    start(NULL);
    mails_delivered = 0;
    for (size_t i = 0; i < ARRAY_COUNT(mails); i++) {
        mails[i].deliver = count_mail;
        mailbox_post(&box, MAILBOX_WORK, &mails[i], 1);
    }
    net_loop_turn(&loop, 1000000);
    assert_int_equal(mails_delivered, NET_MAILS_PER_TURN);
    net_loop_turn(&loop, 1000000);
    assert_int_equal(mails_delivered, ARRAY_COUNT(mails));
    stop();
}

/* libuv. */

static int uv_calls;

static void on_uv_timer(uv_timer_t *timer)
{
    uv_calls++;
    net_loop_assert_thread(&loop);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_uv_work(uv_work_t *work)
{
    *(int *)work->data = 42; /* on a thread of the pool */
}

static void after_uv_work(uv_work_t *work, int status)
{
    assert_int_equal(status, 0);
    uv_calls++;
}

static void libuv_timers_and_work_complete_on_the_embedded_loop(void **state)
{
    uv_timer_t timer;
    int result = 0;
    uv_work_t work = { .data = &result };
    start(NULL);
    uv_calls = 0;
    test_turns(&loop, 3);
    const uint64_t begin_ms = platform_clock_ms();
    uv_timer_init(&loop.uv, &timer);
    uv_timer_start(&timer, on_uv_timer, 80, 0);
    assert_int_equal(uv_queue_work(&loop.uv, &work, on_uv_work, after_uv_work), 0);
    const uint64_t turns = loop.turns;
    test_turns_until(&loop, &uv_calls, 2);
    assert_int_equal(result, 42);
    assert_in_range(platform_clock_ms() - begin_ms, 70, 1000);
    assert_in_range(loop.turns - turns, 2, 30);
    stop();
}

static void an_idle_loop_sleeps(void **state)
{
    static struct test_conn t;
    start(NULL);
    test_conn_open(&t, &loop);
    test_turns(&loop, 3);
    const uint64_t begin_ms = platform_clock_ms();
    net_loop_turn(&loop, 120);
    assert_in_range(platform_clock_ms() - begin_ms, 119, 1000);
    test_conn_end(&t);
    stop();
}

/* Slices of long work. */

static int slices_left;

static bool work_a_slice(void *context)
{
    return slices_left > 0 && --slices_left > 0;
}

static void long_work_goes_on_without_waiting_until_it_is_done(void **state)
{
    start(work_a_slice);
    slices_left = 5;
    const uint64_t begin_ms = platform_clock_ms();
    for (int i = 0; i < 5; i++) net_loop_turn(&loop, i == 0 ? 0 : 100000);
    assert_int_equal(slices_left, 0);
    assert_in_range(platform_clock_ms() - begin_ms, 0, 5000);
    stop();
}

/* Fairness and budgets. */

enum { CROWD = 400 };
static struct test_conn crowd[CROWD];

static void open_crowd(int count)
{
    for (int i = 0; i < count; i++) test_conn_open(&crowd[i], &loop);
    test_turns(&loop, 3);
}

static void end_crowd(int count)
{
    for (int i = 0; i < count; i++) net_conn_close(&crowd[i].conn, NET_CLOSE_NOW, NULL, 0);
    while (loop.conn_count > 0) net_loop_turn(&loop, 0);
    for (int i = 0; i < count; i++) test_conn_end(&crowd[i]);
}

static void groups_take_turns(void **state)
{
    enum { MANY = 390 };
    struct net_group big, small;
    start(NULL);
    net_group_init(&big);
    net_group_init(&small);
    open_crowd(CROWD);
    for (int i = 0; i < CROWD; i++) net_conn_set_group(&crowd[i].conn, i < MANY ? &big : &small);
    struct blob *blob = test_message("hello", 5, 1);
    for (int i = 0; i < CROWD; i++) net_conn_send(&crowd[i].conn, blob_ref(blob), NET_FLUSH_DELIVERY);
    net_loop_turn(&loop, 1000);
    assert_in_range(loop.writes, 16, NET_FLUSH_SOCKETS_PER_TURN); /* or less, when the time is up first */
    if (loop.writes >= 2 * (CROWD - MANY))
        for (int i = MANY; i < CROWD; i++) assert_int_equal(net_conn_queued(&crowd[i].conn), 0);
    while (loop.writes < CROWD) net_loop_turn(&loop, 1000000);
    assert_int_equal(loop.writes, CROWD); /* one for each socket */
    blob_unref(blob);
    end_crowd(CROWD);
    stop();
}

static void a_crowd_takes_turns_with_the_others_of_its_group(void **state)
{
    enum { MANY = 390 };
    start(NULL);
    open_crowd(CROWD);
    struct blob *blob = test_message("hello", 5, 1);
    for (int i = 0; i < CROWD; i++)
        net_conn_send(&crowd[i].conn, blob_ref(blob), i < MANY ? NET_FLUSH_CROWD : NET_FLUSH_DELIVERY);
    uint32_t waiting = CROWD - MANY;
    while (waiting > 0) {
        net_loop_turn(&loop, 0);
        waiting = 0;
        for (int i = MANY; i < CROWD; i++) waiting += net_conn_queued(&crowd[i].conn) > 0;
        if (waiting > 0) assert_in_range(loop.writes, 1, 2 * (CROWD - MANY));
    }
    while (loop.writes < CROWD) net_loop_turn(&loop, 0);
    for (int i = 0; i < MANY; i++) assert_int_equal(net_conn_queued(&crowd[i].conn), 0);
    blob_unref(blob);
    end_crowd(CROWD);
    stop();
}

static void a_burst_to_a_crowd_is_one_write_for_each_socket(void **state)
{
    enum { BURST = 16, SOME = 100 };
    start(NULL);
    open_crowd(SOME);
    struct blob *blob = test_message("hello", 5, 1);
    for (int i = 0; i < SOME; i++) crowd[i].conn.framing = &test_framing;
    for (int j = 0; j < BURST; j++)
        for (int i = 0; i < SOME; i++) net_conn_send(&crowd[i].conn, blob_ref(blob), NET_FLUSH_DELIVERY);
    while (loop.messages_out < BURST * SOME) net_loop_turn(&loop, 0);
    assert_int_equal(loop.writes, SOME);
    blob_unref(blob);
    end_crowd(SOME);
    stop();
}

/* Many connections, each its own echo. */

static void raise_descriptor_limit(void)
{
    uint64_t soft;
    assert_int_equal(platform_raise_nofile(&soft), STATUS_OK);
}

static void five_thousand_connections_echo_and_close(void **state)
{
    enum { WANTED = 5000, ROUNDS = 3 };
    struct rlimit limit;
    raise_descriptor_limit();
    getrlimit(RLIMIT_NOFILE, &limit);
    const int count = limit.rlim_cur > 2 * WANTED + 100 ? WANTED : (int)(limit.rlim_cur - 100) / 2;
    if (count < WANTED) print_message("only %d connections: the limit of descriptors is low\n", count);
    struct test_conn *all = mem_must_alloc_zero((size_t)count * sizeof *all);
    start(NULL);
    for (int i = 0; i < count; i++) test_conn_open(&all[i], &loop);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < count; i++) {
            all[i].echo = true;
            test_peer_write(&all[i], (const char *)&i, sizeof i);
        }
        const uint64_t target = (uint64_t)(round + 1) * (uint64_t)count * sizeof(int);
        while (loop.bytes_out < target) net_loop_turn(&loop, 1000);
        for (int i = 0; i < count; i++) {
            int back = -1;
            assert_int_equal(read(all[i].peer, &back, sizeof back), sizeof back);
            assert_int_equal(back, i);
            assert_null(all[i].conn.unread_);
        }
    }
    assert_int_equal(loop.reads, ROUNDS * count);
    assert_int_equal(loop.writes, ROUNDS * count);
    for (int i = 0; i < count; i++) net_conn_close(&all[i].conn, NET_CLOSE_NOW, NULL, 0);
    while (loop.conn_count > 0) net_loop_turn(&loop, 1000000); /* in bounded portions, without waiting */
    for (int i = 0; i < count; i++) test_conn_end(&all[i]);
    mem_free(all);
    stop();
}

/* The owner's thread. */

static void *turn_once(void *unused)
{
    net_loop_turn(&loop, 0);
    return NULL;
}

static void another_thread_is_caught(void **state)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        start(NULL);
        net_loop_turn(&loop, 0);
        pthread_create(&thread, NULL, turn_once, NULL);
        pthread_join(thread, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

static void a_failing_start_leaves_nothing_behind(void **state)
{
    const int before = dup(0);
    close(before);
    mem_fail_after(1);
    const struct net_loop_options options = { 0 };
    assert_int_equal(net_loop_init(&loop, &options), STATUS_NO_MEMORY);
    assert_false(mem_fail_pending());
    const int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_thread_is_caught),
        cmocka_unit_test(a_failing_start_leaves_nothing_behind),
        cmocka_unit_test(mail_from_other_threads_wakes_a_sleeping_loop),
        cmocka_unit_test(a_turn_delivers_at_most_its_budget_of_mails),
        cmocka_unit_test(libuv_timers_and_work_complete_on_the_embedded_loop),
        cmocka_unit_test(an_idle_loop_sleeps),
        cmocka_unit_test(long_work_goes_on_without_waiting_until_it_is_done),
        cmocka_unit_test(groups_take_turns),
        cmocka_unit_test(a_crowd_takes_turns_with_the_others_of_its_group),
        cmocka_unit_test(a_burst_to_a_crowd_is_one_write_for_each_socket),
        cmocka_unit_test(five_thousand_connections_echo_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "control/support/folder.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "control/control.h"
#include "control/control_address.h"
#include "control/control_call.h"
#include "control/project_answer.h"
#include "control/project_run.h"
#include "crypto/crypto_hash.h"

#define WORKERS 2

/* A worker that has a mailbox and a policy, and acknowledges when the test lets it. */
struct fake_worker {
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool held; /* keeps its acknowledgements */
    atomic_bool ended;
    atomic_uint switched; /* policies received */
    _Atomic uint64_t version;
    struct countdown *owed[16]; /* the thread's */
    uint32_t owed_count;
    struct policy *policy; /* the thread's, until it is joined */
};

struct stage {
    struct post_office office;
    struct fake_worker workers[WORKERS];
    struct policy_deployment *deployment;
    struct control *control;
    struct control_first_run first_run;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void deliver_policy(struct mail *mail, void *owner)
{
    struct fake_worker *w = owner;
    struct control_policy_mail *m = container_of(mail, struct control_policy_mail, mail);
    if (!w->policy || m->policy->version > w->policy->version) {
        policy_unref(w->policy);
        w->policy = m->policy;
        atomic_store(&w->version, w->policy->version);
    } else {
        policy_unref(m->policy);
    }
    w->owed[w->owed_count++] = m->countdown;
    mem_free(m);
    atomic_fetch_add(&w->switched, 1);
}

static void acknowledge(struct fake_worker *w)
{
    for (uint32_t i = 0; i < w->owed_count; i++) countdown_done(w->owed[i], 0, now_ms());
    w->owed_count = 0;
}

static void *run_worker(void *argument)
{
    struct fake_worker *w = argument;
    while (!atomic_load(&w->ended)) {
        mailbox_drain(&w->mailbox, 64);
        if (!atomic_load(&w->held)) acknowledge(w);
        if (!mailbox_sleep(&w->mailbox)) continue;
        struct pollfd ready = { w->mailbox.wake_fd, POLLIN, 0 };
        int got = poll(&ready, 1, 5); /* looks at the flags of the test now and then */
        mailbox_awake(&w->mailbox, got > 0);
    }
    mailbox_drain(&w->mailbox, 64);
    acknowledge(w);
    return NULL;
}

static enum status try_start(struct stage *s, const struct folder *f, uint64_t timeout_ms, char *error)
{
    struct control_options options = {
        .data_dir = f->dir,
        .deployment = s->deployment,
        .office = &s->office,
        .worker_count = WORKERS,
        .own_index = WORKERS,
        .deliver_policy = deliver_policy,
        .effective_timeout_ms = timeout_ms,
        .idle_timeout_ms = 400,
    };
    return control_start(&options, &s->control, &s->first_run, error);
}

static void stage_prepare(struct stage *s)
{
    *s = (struct stage){ 0 };
    s->deployment = policy_deployment_new();
    policy_deployment_seal(s->deployment);
    s->office.count = WORKERS;
    for (int i = 0; i < WORKERS; i++) {
        CHECK(mailbox_init(&s->workers[i].mailbox, &s->workers[i], MAILBOX_LIMITS_DEFAULT));
        s->office.boxes[i] = &s->workers[i].mailbox;
    }
}

static void stage_start(struct stage *s, const struct folder *f, uint64_t timeout_ms)
{
    char error[DATA_DIR_ERROR_MAX] = "";
    stage_prepare(s);
    if (try_start(s, f, timeout_ms, error) != STATUS_OK) fail_msg("%s", error);
    for (int i = 0; i < WORKERS; i++) {
        s->workers[i].policy = control_policy(s->control);
        CHECK(pthread_create(&s->workers[i].thread, NULL, run_worker, &s->workers[i]) == 0);
    }
}

static void stage_drop_prepared(struct stage *s)
{
    for (int i = 0; i < WORKERS; i++) {
        policy_unref(s->workers[i].policy);
        mailbox_deinit(&s->workers[i].mailbox);
    }
    policy_deployment_unref(s->deployment);
}

static void stage_stop(struct stage *s)
{
    control_stop(s->control);
    for (int i = 0; i < WORKERS; i++) {
        atomic_store(&s->workers[i].ended, true);
        pthread_join(s->workers[i].thread, NULL);
    }
    control_free(s->control);
    stage_drop_prepared(s);
}

static void wait_for(atomic_uint *counter, unsigned value)
{
    for (int i = 0; i < 2000 && atomic_load(counter) < value; i++) poll(NULL, 0, 1);
    assert_true(atomic_load(counter) >= value);
}

/* --- a raw client of the socket */

static int dial(const struct folder *f)
{
    int fd;
    char error[DATA_DIR_ERROR_MAX] = "";
    if (control_address_connect(f->dir, &fd, error) != STATUS_OK) fail_msg("%s", error);
    return fd;
}

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        text += sent;
        len -= (size_t)sent;
    }
}

/* One line without its newline in a static buffer; NULL when none comes in time. */
static const char *hear(int fd, int timeout_ms)
{
    static char line[65536];
    size_t len = 0;
    for (;;) {
        struct pollfd ready = { fd, POLLIN, 0 };
        if (poll(&ready, 1, timeout_ms) <= 0) return NULL;
        if (recv(fd, line + len, 1, 0) != 1) return NULL;
        if (line[len] == '\n') break;
        CHECK(++len < sizeof line);
    }
    line[len] = '\0';
    return line;
}

static const char *ask(int fd, const char *request)
{
    say(fd, request, strlen(request));
    say(fd, "\n", 1);
    const char *answer = hear(fd, 5000);
    assert_non_null(answer);
    return answer;
}

static bool closed_by_server(int fd, int timeout_ms)
{
    struct pollfd ready = { fd, POLLIN, 0 };
    char byte;
    return poll(&ready, 1, timeout_ms) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

static void member(const char *line, const char *name, char *out, size_t room)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *at = strstr(line, pattern);
    if (!at) fail_msg("no %s in %s", name, line);
    at += strlen(pattern);
    size_t len = strcspn(at, "\"");
    assert_true(len < room);
    memcpy(out, at, len);
    out[len] = '\0';
}

static const struct policy_key *key_of(const struct policy *p, const char *text)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    crypto_sha256(slice_from_cstr(text), hash);
    return policy_key_by_hash(p, hash);
}

/* --- start and stop */

static void the_first_start_makes_the_default_project_and_shows_its_keys_once(void **state)
{
    struct stage s;
    stage_start(&s, *state, 0);
    assert_true(s.first_run.happened);
    struct policy *p = control_policy(s.control);
    assert_int_equal(p->version, 1);
    const struct policy_project *project = policy_project_by_space(p, 0);
    assert_non_null(project);
    assert_string_equal(project->id, s.first_run.keys.id);
    assert_ptr_equal(p->deployment, s.deployment);
    const struct policy_key *server = key_of(p, s.first_run.keys.server.text);
    const struct policy_key *client = key_of(p, s.first_run.keys.client.text);
    assert_non_null(server);
    assert_non_null(client);
    assert_int_equal(server->kind, POLICY_KEY_SERVER);
    assert_int_equal(client->kind, POLICY_KEY_CLIENT);
    assert_ptr_equal(&p->projects[server->project], project);
    policy_unref(p);
    stage_stop(&s);

    stage_start(&s, *state, 0);
    assert_false(s.first_run.happened);
    assert_int_equal(s.first_run.keys.server.text[0], 0);
    stage_stop(&s);
}

static void a_second_server_on_the_folder_is_refused_with_a_sentence(void **state)
{
    struct stage first, second;
    char error[DATA_DIR_ERROR_MAX] = "", pid[32];
    stage_start(&first, *state, 0);
    stage_prepare(&second);
    assert_int_equal(try_start(&second, *state, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "one server per data folder"));
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error, pid));
    /* and the first one still answers */
    int fd = dial(*state);
    assert_non_null(strstr(ask(fd, "{\"command\":\"list\"}"), "\"ok\":true"));
    close(fd);
    stage_drop_prepared(&second);
    stage_stop(&first);
}

static void a_stale_socket_is_replaced(void **state)
{
    struct folder *f = *state;
    char error[DATA_DIR_ERROR_MAX];
    int dead;
    assert_int_equal(control_address_bind(f->dir, &dead, error), STATUS_OK);
    close(dead); /* as a killed server leaves it */
    assert_int_equal(access(folder_file(f, DATA_DIR_SOCKET), F_OK), 0);
    assert_int_equal(control_address_connect(f->dir, &dead, error), STATUS_NOT_FOUND);
    struct stage s;
    stage_start(&s, f, 0);
    int fd = dial(f);
    close(fd);
    stage_stop(&s);
    assert_int_not_equal(access(folder_file(f, DATA_DIR_SOCKET), F_OK), 0);
}

static void what_is_no_socket_is_not_removed(void **state)
{
    struct folder *f = *state;
    struct stage s;
    char error[DATA_DIR_ERROR_MAX] = "";
    fclose(fopen(folder_file(f, DATA_DIR_SOCKET), "w"));
    stage_prepare(&s);
    assert_int_equal(try_start(&s, f, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "is not a socket"));
    assert_int_equal(access(folder_file(f, DATA_DIR_SOCKET), F_OK), 0);

    /* the keys were not made for nobody: the start that works shows them */
    remove(folder_file(f, DATA_DIR_SOCKET));
    if (try_start(&s, f, 0, error) != STATUS_OK) fail_msg("%s", error);
    assert_true(s.first_run.happened);
    control_stop(s.control);
    control_free(s.control);
    stage_drop_prepared(&s);
}

static void the_socket_is_private(void **state)
{
    struct stage s;
    struct stat about;
    umask(0);
    stage_start(&s, *state, 0);
    umask(022);
    assert_int_equal(stat(folder_file(*state, DATA_DIR_SOCKET), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    stage_stop(&s);
}

static void a_folder_with_a_long_path_has_a_socket_too(void **state)
{
    struct folder *f = *state, deep;
    char error[DATA_DIR_ERROR_MAX] = "";
    size_t len = strlen(f->dir);
    memcpy(deep.dir, f->dir, len);
    memset(deep.dir + len, 'd', 100);
    deep.dir[len] = '/';
    deep.dir[len + 100] = '\0';
    assert_true(strlen(deep.dir) > 107);
    struct stage s;
    stage_prepare(&s);
    if (try_start(&s, &deep, 0, error) != STATUS_OK) fail_msg("%s", error);
    int fd = dial(&deep);
    assert_non_null(strstr(ask(fd, "{\"command\":\"list\"}"), "\"ok\":true"));
    close(fd);
    control_stop(s.control);
    control_free(s.control);
    stage_drop_prepared(&s);
}

/* --- changes */

static void an_answer_comes_only_after_both_workers_have_acknowledged(void **state)
{
    static const char request[] = "{\"command\":\"create\",\"name\":\"Shop\"}\n";
    struct stage s;
    stage_start(&s, *state, 0);
    atomic_store(&s.workers[0].held, true);
    atomic_store(&s.workers[1].held, true);
    int fd = dial(*state);
    say(fd, request, strlen(request));
    wait_for(&s.workers[0].switched, 1);
    wait_for(&s.workers[1].switched, 1);
    assert_null(hear(fd, 100));
    atomic_store(&s.workers[0].held, false);
    assert_null(hear(fd, 100));
    atomic_store(&s.workers[1].held, false);
    const char *answer = hear(fd, 5000);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "{\"ok\":true,\"result\":{\"id\":\"proj_"));
    close(fd);
    stage_stop(&s);
}

static void every_worker_gets_each_change_under_the_next_version(void **state)
{
    struct stage s;
    char id[64], key[128], key_id[64], request[256], fresh[128];
    stage_start(&s, *state, 0);
    int fd = dial(*state);
    const char *answer = ask(fd, "{\"command\":\"create\",\"name\":\"Shop\"}");
    member(answer, "id", id, sizeof id);
    member(answer, "server_api_key", key, sizeof key);
    member(answer, "server_key_id", key_id, sizeof key_id);
    assert_int_equal(atomic_load(&s.workers[0].version), 2);
    assert_int_equal(atomic_load(&s.workers[1].version), 2);

    snprintf(request, sizeof request,
             "{\"command\":\"rotate\",\"id\":\"%s\",\"which\":\"server\",\"grace_seconds\":60}", id);
    member(ask(fd, request), "server_api_key", fresh, sizeof fresh);
    snprintf(request, sizeof request, "{\"command\":\"revoke\",\"id\":\"%s\",\"key_id\":\"%s\"}", id, key_id);
    assert_non_null(strstr(ask(fd, request), key_id));
    snprintf(request, sizeof request, "{\"command\":\"archive\",\"id\":\"%s\"}", id);
    assert_non_null(strstr(ask(fd, request), "\"archived\":true"));
    assert_non_null(strstr(ask(fd, "{\"command\":\"list\"}"), id)); /* changes nothing */
    assert_int_equal(atomic_load(&s.workers[0].version), 5);
    assert_int_equal(atomic_load(&s.workers[1].version), 5);
    close(fd);

    struct policy *p = control_policy(s.control);
    const struct policy_project *project = policy_project_by_id(p, slice_from_cstr(id));
    assert_non_null(project);
    assert_true(project->archived);
    assert_int_equal(project->space, 1);
    assert_true(key_of(p, key)->revoked);
    assert_true(key_of(p, key)->valid_until_s > 0);
    assert_false(key_of(p, fresh)->revoked);
    policy_unref(p);
    stage_stop(&s);
}

static void a_worker_that_does_not_answer_gives_an_error_with_the_result(void **state)
{
    struct stage s;
    stage_start(&s, *state, 150);
    atomic_store(&s.workers[1].held, true);
    int fd = dial(*state);
    const char *answer = ask(fd, "{\"command\":\"create\",\"name\":\"Shop\"}");
    assert_non_null(strstr(answer, "\"ok\":false"));
    assert_non_null(strstr(answer, "not_effective_yet"));
    assert_non_null(strstr(answer, "stored, but not yet effective everywhere"));
    assert_non_null(strstr(answer, "\"server_api_key\":\"sk_"));
    /* the acknowledgement that comes late is taken quietly, and the next change is fine */
    atomic_store(&s.workers[1].held, false);
    assert_non_null(strstr(ask(fd, "{\"command\":\"create\",\"name\":\"Next\"}"), "\"ok\":true"));
    close(fd);
    stage_stop(&s);
}

static void a_client_that_leaves_does_not_stop_its_change(void **state)
{
    static const char request[] = "{\"command\":\"create\",\"name\":\"Shop\"}\n";
    struct stage s;
    stage_start(&s, *state, 0);
    atomic_store(&s.workers[0].held, true);
    int fd = dial(*state);
    say(fd, request, strlen(request));
    wait_for(&s.workers[0].switched, 1);
    close(fd);
    poll(NULL, 0, 50);
    atomic_store(&s.workers[0].held, false);
    fd = dial(*state);
    assert_non_null(strstr(ask(fd, "{\"command\":\"list\"}"), "Shop"));
    close(fd);
    stage_stop(&s);
}

static void two_clients_with_changes_at_once_each_have_their_answer(void **state)
{
    struct stage s;
    stage_start(&s, *state, 0);
    atomic_store(&s.workers[0].held, true);
    int a = dial(*state), b = dial(*state);
    say(a, "{\"command\":\"create\",\"name\":\"A\"}\n", 32);
    wait_for(&s.workers[0].switched, 1);
    say(b, "{\"command\":\"create\",\"name\":\"B\"}\n", 32);
    wait_for(&s.workers[0].switched, 2);
    atomic_store(&s.workers[0].held, false);
    char name[16];
    member(hear(a, 5000), "name", name, sizeof name);
    assert_string_equal(name, "A");
    member(hear(b, 5000), "name", name, sizeof name);
    assert_string_equal(name, "B");
    close(a);
    close(b);
    stage_stop(&s);
}

static void a_reload_puts_the_new_deployment_in_force(void **state)
{
    struct stage s;
    stage_start(&s, *state, 0);
    struct policy_deployment *fresh = policy_deployment_new();
    policy_deployment_seal(fresh);
    control_reload(s.control, policy_deployment_ref(fresh));
    wait_for(&s.workers[0].switched, 1);
    wait_for(&s.workers[1].switched, 1);
    struct policy *p = control_policy(s.control);
    assert_int_equal(p->version, 2);
    assert_ptr_equal(p->deployment, fresh);
    policy_unref(p);
    policy_deployment_unref(fresh);
    stage_stop(&s);
}

static void a_stop_answers_who_still_waits(void **state)
{
    static const char request[] = "{\"command\":\"create\",\"name\":\"Shop\"}\n";
    struct stage s;
    stage_start(&s, *state, 0);
    atomic_store(&s.workers[0].held, true);
    int fd = dial(*state);
    say(fd, request, strlen(request));
    wait_for(&s.workers[0].switched, 1);
    control_reload(s.control, policy_deployment_ref(s.deployment));
    control_stop(s.control);
    const char *answer = hear(fd, 1000);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "the server is stopping"));
    assert_non_null(strstr(answer, "\"server_api_key\""));
    assert_true(closed_by_server(fd, 1000));
    close(fd);
    control_reload(s.control, policy_deployment_ref(s.deployment)); /* too late: only freed */
    stage_stop(&s);
}

/* --- hostile and clumsy clients */

static void malformed_requests_are_answered_and_the_connection_goes_on(void **state)
{
    static const struct {
        const char *request, *expected;
    } rows[] = {
        { "", "bad_request" },
        { "hello", "bad_request" },
        { "{\"command\":\"list\"", "bad_request" },
        { "{\"command\":\"launch\"}", "\\\"launch\\\" is unknown" },
        { "{\"command\":\"create\",\"name\":\"\"}", "invalid_name" },
        { "{\"command\":\"show\",\"id\":\"proj_none\"}", "project_not_found" },
        { "{\"command\":\"list\"}", "\"ok\":true" },
    };
    struct stage s;
    stage_start(&s, *state, 0);
    int fd = dial(*state);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *answer = ask(fd, rows[i].request);
        if (!strstr(answer, rows[i].expected)) fail_msg("row %zu: %s", i, answer);
    }
    assert_int_equal(atomic_load(&s.workers[0].switched), 0);
    close(fd);
    stage_stop(&s);
}

static void a_line_at_the_limit_is_read_and_one_past_it_refused(void **state)
{
    static char line[PROJECT_REQUEST_BYTES_MAX + 2];
    static const char request[] = "{\"command\":\"list\"}";
    struct stage s;
    stage_start(&s, *state, 0);
    for (size_t extra = 0; extra <= 1; extra++) {
        size_t len = PROJECT_REQUEST_BYTES_MAX + extra;
        memset(line, ' ', len);
        memcpy(line, request, strlen(request));
        line[len] = '\n';
        int fd = dial(*state);
        say(fd, line, len + 1);
        const char *answer = hear(fd, 5000);
        assert_non_null(answer);
        assert_non_null(strstr(answer, extra ? "too long: at most 4096 bytes" : "\"ok\":true"));
        if (extra) assert_true(closed_by_server(fd, 1000));
        close(fd);
    }
    stage_stop(&s);
}

static void an_endless_line_is_refused_before_it_ends(void **state)
{
    static char piece[PROJECT_REQUEST_BYTES_MAX + 1];
    struct stage s;
    stage_start(&s, *state, 0);
    memset(piece, 'x', sizeof piece);
    int fd = dial(*state);
    say(fd, piece, sizeof piece);
    const char *answer = hear(fd, 5000);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "too long"));
    assert_true(closed_by_server(fd, 1000));
    close(fd);
    stage_stop(&s);
}

static void a_request_split_at_any_byte_is_answered_the_same(void **state)
{
    static const char request[] = "{\"command\":\"list\"}\n";
    struct stage s;
    stage_start(&s, *state, 0);
    int fd = dial(*state);
    for (size_t at = 1; at < strlen(request); at++) {
        say(fd, request, at);
        poll(NULL, 0, 2);
        say(fd, request + at, strlen(request) - at);
        const char *answer = hear(fd, 5000);
        assert_non_null(answer);
        assert_non_null(strstr(answer, "{\"ok\":true,\"result\":{\"projects\":[{\"id\":\"proj_"));
    }
    close(fd);
    stage_stop(&s);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char lines[] = "{\"command\":\"create\",\"name\":\"One\"}\n{\"command\":\"nonsense\"}\n"
                                "{\"command\":\"create\",\"name\":\"Two\"}\n{\"command\":\"list\"}\n";
    static const char *const expected[] = { "\"One\"", "nonsense", "\"Two\"", "projects" };
    struct stage s;
    stage_start(&s, *state, 0);
    int fd = dial(*state);
    say(fd, lines, strlen(lines));
    shutdown(fd, SHUT_WR); /* a client may say at once that it is done */
    for (int i = 0; i < 4; i++) {
        const char *answer = hear(fd, 5000);
        assert_non_null(answer);
        assert_non_null(strstr(answer, expected[i]));
    }
    assert_true(closed_by_server(fd, 1000));
    close(fd);
    stage_stop(&s);
}

static void a_silent_connection_is_closed_in_time(void **state)
{
    struct stage s;
    stage_start(&s, *state, 0);
    int silent = dial(*state), half = dial(*state);
    say(half, "{\"comm", 7);
    uint64_t began = now_ms();
    assert_true(closed_by_server(silent, 5000));
    assert_true(closed_by_server(half, 5000));
    assert_true(now_ms() - began >= 300);
    close(silent);
    close(half);
    stage_stop(&s);
}

static void a_connection_too_many_is_told_so(void **state)
{
    int fds[CONTROL_CONNECTIONS_MAX + 1];
    struct stage s;
    stage_start(&s, *state, 0);
    for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++) fds[i] = dial(*state);
    const char *answer = hear(fds[CONTROL_CONNECTIONS_MAX], 5000);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"busy\""));
    assert_non_null(strstr(ask(fds[0], "{\"command\":\"list\"}"), "\"ok\":true"));
    for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++) close(fds[i]);
    stage_stop(&s);
}

/* --- control_call */

static bool call(const struct folder *f, const struct project_request *request, struct buf *answer)
{
    char error[DATA_DIR_ERROR_MAX] = "";
    buf_clear(answer);
    enum status status = control_call(f->dir, request, answer, error);
    buf_append_char(answer, '\0');
    if (status != STATUS_OK) {
        buf_clear(answer);
        buf_append(answer, slice_from_cstr(error));
        buf_append_char(answer, '\0');
    }
    return status == STATUS_OK;
}

static void a_call_goes_to_the_server_or_to_the_database(void **state)
{
    const struct project_request create = { .command = PROJECT_CREATE, .name = SLICE("Shop") };
    const struct project_request list = { .command = PROJECT_LIST };
    struct stage s;
    struct buf answer;
    buf_init(&answer, BUF_NO_LIMIT);
    assert_false(call(*state, &list, &answer)); /* an empty folder: most likely the wrong one */
    assert_non_null(strstr(answer.ptr, "there are no projects"));
    assert_true(call(*state, &create, &answer));
    assert_non_null(strstr(answer.ptr, "\"ok\":true"));

    stage_start(&s, *state, 0);
    assert_true(s.first_run.happened); /* a project made before does not stand in for Default */
    assert_true(call(*state, &create, &answer));
    assert_int_equal(atomic_load(&s.workers[0].version), 2);
    stage_stop(&s);

    assert_true(call(*state, &list, &answer));
    assert_non_null(strstr(answer.ptr, "\"space\":0"));
    assert_non_null(strstr(answer.ptr, "\"space\":2"));
    buf_deinit(&answer);
}

static void a_call_waits_while_the_folder_is_locked_and_nobody_listens(void **state)
{
    struct folder *f = *state;
    const struct project_request create = { .command = PROJECT_CREATE, .name = SLICE("Shop") };
    char error[DATA_DIR_ERROR_MAX];
    struct buf answer;
    int lock;
    buf_init(&answer, BUF_NO_LIMIT);
    assert_int_equal(data_dir_lock(f->dir, &lock, error), STATUS_OK);
    uint64_t began = now_ms();
    assert_false(call(f, &create, &answer));
    assert_true(now_ms() - began >= CONTROL_CALL_BUSY_MS - 100);
    assert_non_null(strstr(answer.ptr, "in use"));
    close(lock);
    assert_true(call(f, &create, &answer));
    buf_deinit(&answer);
}

static void a_call_on_a_missing_folder_says_so(void **state)
{
    const struct folder nowhere = { .dir = "/nowhere/data" };
    const struct project_request create = { .command = PROJECT_CREATE, .name = SLICE("Shop") };
    struct buf answer;
    buf_init(&answer, BUF_NO_LIMIT);
    assert_false(call(&nowhere, &create, &answer));
    assert_non_null(strstr(answer.ptr, "\"/nowhere/data\""));
    buf_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(the_first_start_makes_the_default_project_and_shows_its_keys_once),
        FOLDER_TEST(a_second_server_on_the_folder_is_refused_with_a_sentence),
        FOLDER_TEST(a_stale_socket_is_replaced),
        FOLDER_TEST(what_is_no_socket_is_not_removed),
        FOLDER_TEST(the_socket_is_private),
        FOLDER_TEST(a_folder_with_a_long_path_has_a_socket_too),
        FOLDER_TEST(an_answer_comes_only_after_both_workers_have_acknowledged),
        FOLDER_TEST(every_worker_gets_each_change_under_the_next_version),
        FOLDER_TEST(a_worker_that_does_not_answer_gives_an_error_with_the_result),
        FOLDER_TEST(a_client_that_leaves_does_not_stop_its_change),
        FOLDER_TEST(two_clients_with_changes_at_once_each_have_their_answer),
        FOLDER_TEST(a_reload_puts_the_new_deployment_in_force),
        FOLDER_TEST(a_stop_answers_who_still_waits),
        FOLDER_TEST(malformed_requests_are_answered_and_the_connection_goes_on),
        FOLDER_TEST(a_line_at_the_limit_is_read_and_one_past_it_refused),
        FOLDER_TEST(an_endless_line_is_refused_before_it_ends),
        FOLDER_TEST(a_request_split_at_any_byte_is_answered_the_same),
        FOLDER_TEST(pipelined_requests_are_answered_in_order),
        FOLDER_TEST(a_silent_connection_is_closed_in_time),
        FOLDER_TEST(a_connection_too_many_is_told_so),
        FOLDER_TEST(a_call_goes_to_the_server_or_to_the_database),
        FOLDER_TEST(a_call_waits_while_the_folder_is_locked_and_nobody_listens),
        FOLDER_TEST(a_call_on_a_missing_folder_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

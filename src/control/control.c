#include "control/control.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "account/account_service.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/control_address.h"
#include "control/control_internal.h"
#include "control/control_policy.h"
#include "crypto/crypto_secret.h"

/* Mails in one turn: all of them small. */
#define MAIL_BUDGET 256

struct reload_mail {
    struct mail mail;
    struct policy_deployment *deployment; /* one reference */
};

void control_first_run_wipe(struct control_first_run *first_run)
{
    crypto_wipe(first_run, sizeof *first_run);
}

/* --- the thread */

static void drain(struct control *c)
{
    while (mailbox_drain(&c->mailbox, MAIL_BUDGET)) continue;
}

static void on_mail(uv_poll_t *handle, int status, int events)
{
    struct control *c = handle->data;
    mailbox_awake(&c->mailbox, true);
    drain(c);
}

/* The last look before the loop sleeps: a producer that saw the flag unset has left its
 * mail before. */
static void on_before_poll(uv_prepare_t *handle)
{
    struct control *c = handle->data;
    while (!mailbox_sleep(&c->mailbox)) drain(c);
}

static void on_after_poll(uv_check_t *handle)
{
    struct control *c = handle->data;
    mailbox_awake(&c->mailbox, false);
}

static void on_tick(uv_timer_t *timer)
{
    struct control *c = timer->data;
    uint64_t now_ms = control_now_ms();
    control_change_tick(c, now_ms);
    control_connection_tick(c, now_ms);
}

static void close_loop_handles(struct control *c)
{
    uv_close((uv_handle_t *)&c->mail_poll, NULL);
    uv_close((uv_handle_t *)&c->before_poll, NULL);
    uv_close((uv_handle_t *)&c->after_poll, NULL);
    uv_close((uv_handle_t *)&c->tick, NULL);
}

static void on_stop(struct mail *mail, void *owner)
{
    struct control *c = owner;
    mem_free(mail);
    if (c->stopping || c->thread_ended) return;
    c->stopping = true;
    control_change_abandon_all(c);
    control_job_abandon_waiting(c);
    control_socket_close_all(c);
    close_loop_handles(c);
}

static void on_reload(struct mail *mail, void *owner)
{
    struct control *c = owner;
    struct reload_mail *reload = container_of(mail, struct reload_mail, mail);
    struct policy_deployment *fresh = reload->deployment;
    mem_free(reload);
    if (c->stopping || c->thread_ended) {
        policy_deployment_unref(fresh);
        return;
    }
    policy_deployment_unref(c->options.deployment);
    c->options.deployment = fresh;
    struct buf nothing;
    buf_init(&nothing, 0);
    control_change_begin(c, (struct control_waiter){ 0 }, &nothing);
}

static void *run(void *argument)
{
    struct control *c = argument;
    pthread_setname_np(pthread_self(), "control");
    uv_run(&c->loop, UV_RUN_DEFAULT); /* until on_stop() has closed every handle */
    return NULL;
}

/* --- start and stop */

static void make_loop(struct control *c)
{
    CHECK(uv_loop_init(&c->loop) == 0);
    CHECK(uv_poll_init(&c->loop, &c->mail_poll, c->mailbox.wake_fd) == 0);
    CHECK(uv_prepare_init(&c->loop, &c->before_poll) == 0);
    CHECK(uv_check_init(&c->loop, &c->after_poll) == 0);
    CHECK(uv_timer_init(&c->loop, &c->tick) == 0);
    c->mail_poll.data = c->before_poll.data = c->after_poll.data = c->tick.data = c;
    CHECK(uv_poll_start(&c->mail_poll, UV_READABLE, on_mail) == 0);
    CHECK(uv_prepare_start(&c->before_poll, on_before_poll) == 0);
    CHECK(uv_check_start(&c->after_poll, on_after_poll) == 0);
    CHECK(uv_timer_start(&c->tick, on_tick, CONTROL_TICK_MS, CONTROL_TICK_MS) == 0);
}

/* Signals are for the thread that waits for them; SIGPIPE is for nobody. */
static int start_thread(struct control *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* The listener and the thread. On failure the loop is empty and closed again. */
static enum status open_to_the_world(struct control *c, int socket_fd, char *error)
{
    make_loop(c);
    enum status status = control_socket_open(c, socket_fd);
    if (status == STATUS_OK && start_thread(c) == 0) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX, "the control thread for \"%.300s\" cannot be started", c->data_dir);
    control_socket_close_all(c);
    close_loop_handles(c);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    return STATUS_IO;
}

static enum status open_store(struct control *c, char *error)
{
    char path[DATA_DIR_PATH_MAX];
    enum status status = data_dir_path(c->data_dir, DATA_DIR_DATABASE, path, error);
    return status == STATUS_OK ? store_open(path, &c->store, error) : status;
}

static bool make_setup_link(struct control *c, struct account_secret *out, char *error)
{
    struct account_error refused;
    const struct account_service service = { .store = c->store, .now_s = (int64_t)time(NULL) };
    bool needed;
    if (account_setup_needed(&service, &needed, &refused) && (!needed || account_setup_link(&service, out, &refused)))
        return true;
    snprintf(error, DATA_DIR_ERROR_MAX, "%s", refused.text);
    return false;
}

static enum status prepare_projects(struct control *c, struct control_first_run *first_run, char *error)
{
    struct project_error refused;
    struct project_service service = { .store = c->store, .now_s = (int64_t)time(NULL), .who = "first start" };
    if (!project_service_ensure_default(&service, &first_run->happened, &first_run->keys, &refused)) {
        snprintf(error, DATA_DIR_ERROR_MAX, "%s", refused.text);
        return STATUS_IO;
    }
    if (!make_setup_link(c, &first_run->setup, error)) return STATUS_IO;
    enum status status = control_policy_make(c->store, 1, c->options.deployment, &c->policy);
    if (status != STATUS_OK)
        snprintf(error, DATA_DIR_ERROR_MAX, "the projects in \"%.300s\" cannot be read (%s): %s", c->data_dir,
                 status_text(status), store_error(c->store));
    return status;
}

/* Takes over socket_fd. The keys of the Default project are made as late as they can be:
 * a start that fails afterwards would have shown them to nobody. */
static enum status start_on_socket(struct control *c, int socket_fd, struct control_first_run *first_run, char *error)
{
    enum status status = prepare_projects(c, first_run, error);
    if (status != STATUS_OK) {
        close(socket_fd);
        return status;
    }
    struct post_office *office = c->options.office;
    office->boxes[c->options.own_index] = &c->mailbox;
    if (office->count <= c->options.own_index) office->count = c->options.own_index + 1;
    status = open_to_the_world(c, socket_fd, error);
    if (status != STATUS_OK) office->boxes[c->options.own_index] = NULL;
    return status;
}

static enum status start(struct control *c, struct control_first_run *first_run, char *error)
{
    int socket_fd;
    enum status status = data_dir_make(c->data_dir, error);
    if (status == STATUS_OK) status = data_dir_lock(c->data_dir, &c->lock_fd, error);
    if (status == STATUS_OK) status = open_store(c, error);
    if (status != STATUS_OK) return status;
    if (!mailbox_init(&c->mailbox, c, MAILBOX_LIMITS_DEFAULT)) {
        snprintf(error, DATA_DIR_ERROR_MAX, "the control thread gets no eventfd");
        return STATUS_IO;
    }
    status = control_address_bind(c->data_dir, &socket_fd, error);
    if (status != STATUS_OK) return status;
    status = start_on_socket(c, socket_fd, first_run, error);
    if (status != STATUS_OK) control_address_remove(c->data_dir);
    return status;
}

enum status control_start(const struct control_options *options, struct control **out,
                          struct control_first_run *first_run, char error[static DATA_DIR_ERROR_MAX])
{
    CHECK(options->own_index < POST_OFFICE_MAX && options->worker_count <= options->own_index);
    struct control_first_run first = { 0 };
    struct control *c = mem_must_alloc_zero(sizeof *c);
    c->options = *options;
    c->options.deployment = policy_deployment_ref(options->deployment);
    if (c->options.effective_timeout_ms == 0) c->options.effective_timeout_ms = CONTROL_EFFECTIVE_TIMEOUT_MS;
    if (c->options.idle_timeout_ms == 0) c->options.idle_timeout_ms = CONTROL_IDLE_TIMEOUT_MS;
    c->data_dir = mem_copy(slice_from_cstr(options->data_dir));
    CHECK(c->data_dir);
    c->options.data_dir = c->data_dir;
    c->lock_fd = c->mailbox.wake_fd = -1;
    list_init(&c->connections);
    list_init(&c->changes);
    list_init(&c->jobs_waiting);
    c->throttle = account_throttle_new();
    pthread_mutex_init(&c->policy_lock, NULL);
    enum status status = start(c, &first, error);
    if (status == STATUS_OK) {
        *out = c;
        *first_run = first;
    } else {
        c->thread_ended = true;
        control_free(c);
    }
    control_first_run_wipe(&first);
    return status;
}

struct policy *control_policy(struct control *c)
{
    pthread_mutex_lock(&c->policy_lock);
    struct policy *policy = policy_ref(c->policy);
    pthread_mutex_unlock(&c->policy_lock);
    return policy;
}

void control_reload(struct control *c, struct policy_deployment *deployment)
{
    struct reload_mail *reload = mem_must_alloc_zero(sizeof *reload);
    reload->mail.deliver = on_reload;
    reload->deployment = deployment;
    mailbox_post(&c->mailbox, MAILBOX_CONTROL, &reload->mail, control_now_ms());
    mailbox_wake(&c->mailbox);
}

void control_stop(struct control *c)
{
    if (!c || c->thread_ended) return;
    struct mail *stop = mem_must_alloc_zero(sizeof *stop);
    stop->deliver = on_stop;
    mailbox_post(&c->mailbox, MAILBOX_CONTROL, stop, control_now_ms());
    mailbox_wake(&c->mailbox);
    pthread_join(c->thread, NULL);
    c->thread_ended = true;
    CHECK(uv_loop_close(&c->loop) == 0);
    control_address_remove(c->data_dir); /* still under the lock */
}

void control_free(struct control *c)
{
    if (!c) return;
    CHECK(c->thread_ended);
    if (c->mailbox.wake_fd >= 0) drain(c); /* countdowns that came back late */
    mailbox_deinit(&c->mailbox);
    policy_unref(c->policy);
    policy_deployment_unref(c->options.deployment);
    store_close(c->store);
    account_throttle_free(c->throttle);
    if (c->lock_fd >= 0) close(c->lock_fd);
    pthread_mutex_destroy(&c->policy_lock);
    mem_free(c->data_dir);
    mem_free(c);
}

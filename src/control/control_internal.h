/* control_internal: what the files of the control thread share. Everything here
 * belongs to the control thread, unless it says otherwise. */
#ifndef XSHATHRA_CONTROL_CONTROL_INTERNAL_H
#define XSHATHRA_CONTROL_CONTROL_INTERNAL_H

#include <pthread.h>
#include <uv.h>

#include "base/list.h"
#include "control/control.h"

/* How late a deadline may be noticed. */
#define CONTROL_TICK_MS 50

struct control {
    struct control_options options; /* .data_dir and .deployment are the struct's own */
    char *data_dir;                 /* owns */
    int lock_fd;
    struct store *store; /* owns */
    struct mailbox mailbox;
    pthread_t thread;
    bool thread_ended; /* control_stop() has joined it */

    pthread_mutex_t policy_lock; /* for the pointer only: control_policy() is for any thread */
    struct policy *policy;       /* shares */

    uv_loop_t loop;
    uv_pipe_t listener;
    uv_poll_t mail_poll;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_timer_t tick;
    struct list connections;
    uint32_t connection_count;
    struct list changes;               /* control_change, oldest first */
    struct account_throttle *throttle; /* owns */
    struct list jobs_waiting;          /* control_job, for the thread pool, oldest first */
    uint32_t work_waiting, work_running;
    uint32_t last_operation;
    bool stopping;
};

static inline uint64_t control_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* --- control_socket.c: connections of the command line */

struct control_connection;

/* Make the listener on a bound socket; STATUS_IO. Takes over fd. */
MUST_CHECK enum status control_socket_open(struct control *c, int fd);
/* Send a line that is to have no newline yet, then read on, or close when the peer has
 * ended. Moves *answer away. */
void control_connection_answer(struct control_connection *connection, struct buf *answer);
void control_connection_tick(struct control *c, uint64_t now_ms);
void control_socket_close_all(struct control *c);

/* --- control_job.c: work that other threads want done */

/* The server stops: what has not begun in the thread pool goes home undone. */
void control_job_abandon_waiting(struct control *c);

/* --- control_change.c: changes on their way to the workers */

/* Who waits for a change; settled is called once. error NULL: it is effective on every
 * worker; else it is stored only. result is what control_change_begin() was given, the
 * caller's again during the call. */
struct control_waiter {
    void (*settled)(void *context, const struct project_error *error, struct buf *result);
    void *context;
};

/* Make and post the next policy. Moves *result away. */
void control_change_begin(struct control *c, struct control_waiter waiter, struct buf *result);
/* Nobody with this context waits any more: the change goes on. */
void control_change_forget(struct control *c, const void *context);
void control_change_tick(struct control *c, uint64_t now_ms);
/* Answer all that wait: the server stops. */
void control_change_abandon_all(struct control *c);

#endif

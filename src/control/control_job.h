/* control_job: work that another thread wants done on the control thread, where the database
 * is: a call of the console's API.
 *
 * Use: job->run = …; job->done = …; job->drop = …; control_post_job(control, job);
 *      run() is called on the control thread and ends with one of
 *        control_job_finish(job)               back home: job->done is delivered there
 *        control_job_work(job, work, after)    work() in the thread pool, then after() here;
 *                                              false: too much of that waits already
 *        control_job_change(job, after)        the next policy is put in force everywhere, then after()
 *      after() ends with one of them again.
 *
 * The job is the poster's object with this inside; it belongs to whoever works on it. Between
 * post and done the poster does not touch it. */
#ifndef XSHATHRA_CONTROL_CONTROL_JOB_H
#define XSHATHRA_CONTROL_CONTROL_JOB_H

#include <uv.h>

#include "account/account_throttle.h"
#include "base/list.h"
#include "control/control.h"

struct control_job {
    struct mail mail; /* first: done() gets it */
    void (*run)(struct control_job *job);
    struct mailbox *home;                         /* borrowed; outlives the control thread */
    void (*done)(struct mail *mail, void *owner); /* on home's thread; owns the job */
    void (*drop)(struct control_job *job);        /* free it: there is nobody any more */
    bool abandoned;                               /* the server stops: it was not carried out */
    bool in_force;                                /* after control_job_change(): every worker has it */
    /* private */
    struct control *control_;
    void (*work_)(struct control_job *job);
    void (*after_)(struct control_job *job);
    struct list waiting_; /* for the pool */
    uv_work_t pool_;
};

/* Any thread, until control_free(). */
void control_post_job(struct control *c, struct control_job *job);

/* ---- the control thread, from run() and after() ---- */

struct store *control_job_store(const struct control_job *job);
/* In force; borrowed during run() and after(). */
const struct policy_deployment *control_job_deployment(const struct control_job *job);
struct account_throttle *control_job_throttle(const struct control_job *job);

void control_job_finish(struct control_job *job);
/* Slow work without the database, such as a password hash: on a thread of the pool. Strangers
 * can ask for it, and it takes memory and processors: so few run at once, few wait, and the
 * rest is refused. False: nothing was begun, or the server stops; answer that. */
#define CONTROL_WORK_RUNNING_MAX 2
#define CONTROL_WORK_WAITING_MAX 32
MUST_CHECK bool control_job_work(struct control_job *job, void (*work)(struct control_job *job),
                                 void (*after)(struct control_job *job));
void control_job_change(struct control_job *job, void (*after)(struct control_job *job));

#endif

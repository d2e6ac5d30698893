#include "control/control_job.h"

#include "base/check.h"
#include "control/control_internal.h"

static void on_job(struct mail *mail, void *owner)
{
    struct control *c = owner;
    struct control_job *job = container_of(mail, struct control_job, mail);
    if (c->thread_ended) {
        job->drop(job); /* the workers may be gone */
        return;
    }
    job->control_ = c;
    job->abandoned = c->stopping;
    if (c->stopping)
        control_job_finish(job);
    else
        job->run(job);
}

void control_post_job(struct control *c, struct control_job *job)
{
    job->mail = (struct mail){ .deliver = on_job };
    mailbox_post(&c->mailbox, MAILBOX_CONTROL, &job->mail, control_now_ms());
    mailbox_wake(&c->mailbox);
}

struct store *control_job_store(const struct control_job *job)
{
    return job->control_->store;
}

const struct policy_deployment *control_job_deployment(const struct control_job *job)
{
    return job->control_->options.deployment;
}

struct account_throttle *control_job_throttle(const struct control_job *job)
{
    return job->control_->throttle;
}

void control_job_finish(struct control_job *job)
{
    struct mailbox *home = job->home;
    job->mail = (struct mail){ .deliver = job->done };
    mailbox_post(home, MAILBOX_CONTROL, &job->mail, control_now_ms());
    mailbox_wake(home);
}

static void on_pool(uv_work_t *pool)
{
    struct control_job *job = container_of(pool, struct control_job, pool_);
    job->work_(job);
}

static void on_pool_done(uv_work_t *pool, int status);

static void start_work(struct control *c)
{
    while (c->work_running < CONTROL_WORK_RUNNING_MAX && c->work_waiting > 0) {
        struct control_job *job = LIST_ENTRY(list_pop_front(&c->jobs_waiting), struct control_job, waiting_);
        c->work_waiting--;
        c->work_running++;
        CHECK(uv_queue_work(&c->loop, &job->pool_, on_pool, on_pool_done) == 0);
    }
}

static void on_pool_done(uv_work_t *pool, int status)
{
    struct control_job *job = container_of(pool, struct control_job, pool_);
    struct control *c = job->control_;
    CHECK(status == 0); /* nothing cancels it */
    c->work_running--;
    job->after_(job); /* not ours any more */
    start_work(c);
}

bool control_job_work(struct control_job *job, void (*work)(struct control_job *job),
                      void (*after)(struct control_job *job))
{
    struct control *c = job->control_;
    if (c->stopping || c->work_waiting == CONTROL_WORK_WAITING_MAX) return false;
    job->work_ = work;
    job->after_ = after;
    list_push_back(&c->jobs_waiting, &job->waiting_);
    c->work_waiting++;
    start_work(c);
    return true;
}

void control_job_abandon_waiting(struct control *c)
{
    while (c->work_waiting > 0) {
        struct control_job *job = LIST_ENTRY(list_pop_front(&c->jobs_waiting), struct control_job, waiting_);
        c->work_waiting--;
        job->abandoned = true;
        control_job_finish(job);
    }
}

static void on_settled(void *context, const struct project_error *error, struct buf *result)
{
    struct control_job *job = context;
    job->in_force = error == NULL;
    job->after_(job);
}

void control_job_change(struct control_job *job, void (*after)(struct control_job *job))
{
    struct buf nothing;
    buf_init(&nothing, 0);
    job->after_ = after;
    if (job->control_->stopping) { /* nobody would come back: it is in force from the next start on */
        job->in_force = false;
        after(job);
        return;
    }
    control_change_begin(job->control_, (struct control_waiter){ on_settled, job }, &nothing);
}

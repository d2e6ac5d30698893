#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "control/control_internal.h"
#include "control/control_policy.h"
#include "control/project_run.h"

struct control_change {
    struct list node;
    uint32_t operation; /* as the countdown's */
    uint64_t version, deadline_ms;
    struct control_waiter waiter; /* settled NULL = nobody waits */
    struct buf result;            /* owns */
};

static void change_free(struct control_change *change)
{
    list_remove(&change->node);
    project_result_wipe(&change->result);
    mem_free(change);
}

/* error NULL: the change is effective on every worker. Frees the change. */
static void finish(struct control_change *change, const struct project_error *error)
{
    if (error)
        LOG_WARN("policy not effective everywhere", LOG_U64("version", change->version),
                 LOG_CSTR("reason", error->text));
    else
        LOG_INFO("policy in force", LOG_U64("version", change->version));
    if (change->waiter.settled) change->waiter.settled(change->waiter.context, error, &change->result);
    change_free(change);
}

static void on_countdown(struct mail *mail, void *owner)
{
    struct control *c = owner;
    struct countdown *countdown = container_of(mail, struct countdown, mail);
    uint32_t operation = countdown->operation;
    countdown_free(countdown);
    LIST_EACH(node, next, &c->changes)
    {
        struct control_change *change = LIST_ENTRY(node, struct control_change, node);
        if (change->operation != operation) continue;
        finish(change, NULL);
        return;
    }
    /* not found: it was answered with the time-out, and is effective now */
    LOG_INFO("late policy is in force", LOG_U64("operation", operation));
}

static void put_in_force(struct control *c, struct policy *fresh)
{
    pthread_mutex_lock(&c->policy_lock);
    struct policy *old = c->policy;
    c->policy = fresh;
    pthread_mutex_unlock(&c->policy_lock);
    policy_unref(old);
}

/* Memory that is out stops the process, as for all that every peer shares: half of the
 * workers with a new policy would be worse. */
static void post_to_workers(struct control *c, struct control_change *change)
{
    uint64_t now_ms = control_now_ms();
    struct countdown *countdown =
        countdown_new(c->options.worker_count, c->options.office, c->options.own_index, on_countdown);
    CHECK(countdown);
    countdown->operation = change->operation;
    for (uint32_t i = 0; i < c->options.worker_count; i++) {
        struct control_policy_mail *mail = mem_must_alloc_zero(sizeof *mail);
        mail->mail.deliver = c->options.deliver_policy;
        mail->policy = policy_ref(c->policy);
        mail->countdown = countdown;
        mailbox_post(c->options.office->boxes[i], MAILBOX_CONTROL, &mail->mail, now_ms);
    }
    for (uint32_t i = 0; i < c->options.worker_count; i++) mailbox_wake(c->options.office->boxes[i]);
}

void control_change_begin(struct control *c, struct control_waiter waiter, struct buf *result)
{
    struct control_change *change = mem_must_alloc_zero(sizeof *change);
    change->waiter = waiter;
    change->operation = ++c->last_operation;
    change->version = c->policy->version + 1;
    change->deadline_ms = control_now_ms() + c->options.effective_timeout_ms;
    change->result = *result;
    buf_init(result, result->len_max);
    list_push_back(&c->changes, &change->node);

    struct policy *fresh;
    struct project_error error;
    enum status status = control_policy_make(c->store, change->version, c->options.deployment, &fresh);
    if (status != STATUS_OK) {
        project_refuse(&error, PROJECT_ERROR_NOT_EFFECTIVE_YET,
                       "the change is stored, but not effective: the server cannot read it back (%s): %s",
                       status_text(status), store_error(c->store));
        finish(change, &error);
        return;
    }
    put_in_force(c, fresh);
    if (c->options.worker_count == 0)
        finish(change, NULL);
    else
        post_to_workers(c, change);
}

void control_change_forget(struct control *c, const void *context)
{
    LIST_EACH(node, next, &c->changes)
    {
        struct control_change *change = LIST_ENTRY(node, struct control_change, node);
        if (change->waiter.context == context) change->waiter.settled = NULL;
    }
}

void control_change_tick(struct control *c, uint64_t now_ms)
{
    struct project_error error;
    LIST_EACH(node, next, &c->changes)
    {
        struct control_change *change = LIST_ENTRY(node, struct control_change, node);
        if (change->deadline_ms > now_ms) continue;
        project_refuse(&error, PROJECT_ERROR_NOT_EFFECTIVE_YET,
                       "the change is stored, but not yet effective everywhere: not all of the %" PRIu32
                       " workers have taken it up within %" PRIu64 " ms; it becomes effective when they do",
                       c->options.worker_count, c->options.effective_timeout_ms);
        finish(change, &error);
    }
}

void control_change_abandon_all(struct control *c)
{
    struct project_error error;
    project_refuse(&error, PROJECT_ERROR_NOT_EFFECTIVE_YET,
                   "the change is stored, but not yet effective everywhere: the server is stopping; it is effective "
                   "from the next start on");
    while (!list_empty(&c->changes)) finish(LIST_ENTRY(c->changes.next, struct control_change, node), &error);
}

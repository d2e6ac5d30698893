/* control: the control thread. It owns the database, takes requests of the command line
 * on DIR/control.sock, and tells every worker of a change with a new policy.
 *
 * Use: status = control_start(&options, &control, &first_run, error);
 *      p = control_policy(control);   … start the workers with it …
 *      control_reload(control, deployment);          on SIGHUP, from any thread
 *      control_stop(control);   … stop and join the workers, drain their mailboxes …
 *      control_free(control);
 *
 * A change is stored, then a policy with the next version is posted to every worker as
 * struct control_policy_mail on MAILBOX_CONTROL. Each worker switches, closes what the
 * policy no longer allows, and then calls countdown_done(). The command line has its
 * answer when the last one has: what it was told has happened. After
 * CONTROL_EFFECTIVE_TIMEOUT_MS it is told that the change is stored, but not yet
 * effective everywhere. Keys that come to their end need no policy: workers compare
 * valid_until_s with the time. Source: docs/architecture.md,
 * "Threads". */
#ifndef XSHATHRA_CONTROL_CONTROL_H
#define XSHATHRA_CONTROL_CONTROL_H

#include "account/account_secret.h"
#include "control/control_secrets.h"
#include "control/project_service.h"
#include "mailbox/countdown.h"
#include "mailbox/mailbox.h"
#include "policy/policy.h"

#define CONTROL_EFFECTIVE_TIMEOUT_MS 10000
#define CONTROL_IDLE_TIMEOUT_MS      30000 /* a connection that asks nothing is closed */
#define CONTROL_CONNECTIONS_MAX      32

struct control; /* opaque */

/* What a worker gets, and owns: it takes over the reference of policy, calls
 * countdown_done(countdown, …) once when all is done, and frees the mail with
 * mem_free(). An older version than the one in use is only counted down. */
struct control_policy_mail {
    struct mail mail;
    struct policy *policy;
    struct countdown *countdown;
};

struct control_options {
    const char *data_dir;                 /* borrowed during the call; made when missing */
    struct policy_deployment *deployment; /* shares */
    struct post_office *office;           /* borrowed until control_free() */
    uint32_t worker_count;                /* their mailboxes are office->boxes[0 … worker_count - 1] */
    uint32_t own_index;                   /* where control puts its own mailbox; worker_count as a rule */
    /* The deliver function of struct control_policy_mail: runs on the worker, with what
     * its mailbox_init() was given as owner. */
    void (*deliver_policy)(struct mail *mail, void *owner);
    uint64_t effective_timeout_ms; /* 0 = CONTROL_EFFECTIVE_TIMEOUT_MS */
    uint64_t idle_timeout_ms;      /* 0 = CONTROL_IDLE_TIMEOUT_MS */
};

/* The keys of the Default project, when this start made it, and the set-up link of the console
 * as long as nobody has an account: each start makes a new one. Show them once, then
 * control_first_run_wipe(). */
struct control_first_run {
    bool happened;
    struct project_new_keys keys;
    struct account_secret setup; /* of the link that makes the first account; "" = there are accounts */
};
void control_first_run_wipe(struct control_first_run *first_run);

/* Takes the folder's lock, opens the database, makes the Default project on the first
 * start, puts its mailbox into the office, starts the thread. The workers' mailboxes must
 * be in the office; the workers need not run yet. CONFLICT: another server has the folder,
 * or the database is newer than the program. Otherwise as the store. error is a sentence. */
MUST_CHECK enum status control_start(const struct control_options *options, struct control **out,
                                     struct control_first_run *first_run, char error[static DATA_DIR_ERROR_MAX]);
/* One reference to the policy that is in force now. Any thread. */
MUST_CHECK struct policy *control_policy(struct control *c);
/* Put another deployment in force under the next version. Takes over one reference. Any
 * thread, until control_stop(); returns at once. */
void control_reload(struct control *c, struct policy_deployment *deployment);
/* Ends the thread; requests in flight are told that the server stops. Afterwards nothing
 * is posted to workers any more, but workers may still count down. Accepts NULL. */
void control_stop(struct control *c);
/* Only after control_stop(), and after the last worker has ended. Gives up the folder's
 * lock. Accepts NULL. */
void control_free(struct control *c);

#endif

/* Jobs of other threads, with a control thread that has no workers. */
#include "control/support/folder.h"

#include <poll.h>
#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "control/control_job.h"

#define JOBS (CONTROL_WORK_RUNNING_MAX + CONTROL_WORK_WAITING_MAX + 6)

struct errand {
    struct control_job job; /* first */
    bool refused, worked, home;
};

struct stage {
    struct post_office office;
    struct policy_deployment *deployment;
    struct control *control;
    struct mailbox home;
    struct errand errands[JOBS];
};

static atomic_uint running, running_most, ran;
static atomic_bool gate_open;

static void work(struct control_job *job)
{
    const unsigned now = atomic_fetch_add(&running, 1) + 1;
    unsigned most = atomic_load(&running_most);
    while (now > most && !atomic_compare_exchange_weak(&running_most, &most, now)) continue;
    while (!atomic_load(&gate_open)) poll(NULL, 0, 1);
    ((struct errand *)job)->worked = true;
    atomic_fetch_sub(&running, 1);
}

static void run(struct control_job *job)
{
    struct errand *errand = (struct errand *)job;
    errand->refused = !control_job_work(job, work, control_job_finish);
    atomic_fetch_add(&ran, 1);
    if (errand->refused) control_job_finish(job);
}

static void done(struct mail *mail, void *owner)
{
    container_of(container_of(mail, struct control_job, mail), struct errand, job)->home = true;
}

static void drop(struct control_job *job)
{
    fail_msg("a job was dropped");
}

static void start(struct stage *s, const struct folder *f)
{
    char error[DATA_DIR_ERROR_MAX] = "";
    struct control_first_run first_run;
    *s = (struct stage){ .deployment = policy_deployment_new() };
    policy_deployment_seal(s->deployment);
    CHECK(mailbox_init(&s->home, s, MAILBOX_LIMITS_DEFAULT));
    const struct control_options options = { .data_dir = f->dir, .deployment = s->deployment, .office = &s->office };
    if (control_start(&options, &s->control, &first_run, error) != STATUS_OK) fail_msg("%s", error);
    control_first_run_wipe(&first_run);
    atomic_store(&gate_open, false);
    atomic_store(&running_most, 0);
    atomic_store(&ran, 0);
}

/* All of them, and the control thread has seen each. */
static void post_all(struct stage *s)
{
    for (size_t i = 0; i < JOBS; i++) {
        s->errands[i].job = (struct control_job){ .run = run, .home = &s->home, .done = done, .drop = drop };
        control_post_job(s->control, &s->errands[i].job);
    }
    while (atomic_load(&ran) < JOBS || atomic_load(&running) == 0) poll(NULL, 0, 1);
}

static void end(struct stage *s)
{
    control_stop(s->control);
    while (mailbox_drain(&s->home, JOBS)) continue;
    control_free(s->control);
    mailbox_deinit(&s->home);
    policy_deployment_unref(s->deployment);
    for (size_t i = 0; i < JOBS; i++) assert_true(s->errands[i].home);
}

static void of_many_jobs_with_slow_work_few_run_some_wait_and_the_rest_is_refused(void **state)
{
    struct folder *f = *state;
    struct stage s;
    start(&s, f);
    post_all(&s);
    size_t refused = 0, home = 0;
    for (size_t i = 0; i < JOBS; i++) refused += s.errands[i].refused;
    assert_int_equal(refused, JOBS - CONTROL_WORK_RUNNING_MAX - CONTROL_WORK_WAITING_MAX);
    atomic_store(&gate_open, true);
    while (home < JOBS) {
        mailbox_drain(&s.home, JOBS);
        home = 0;
        for (size_t i = 0; i < JOBS; i++) home += s.errands[i].home;
        poll(NULL, 0, 1);
    }
    for (size_t i = 0; i < JOBS; i++) assert_int_equal(s.errands[i].worked, !s.errands[i].refused);
    assert_int_equal(atomic_load(&running_most), CONTROL_WORK_RUNNING_MAX);
    end(&s);
}

/* The stop is on its way, and the work that has begun is not done before that. */
static void *open_later(void *argument)
{
    poll(NULL, 0, 50);
    atomic_store(&gate_open, true);
    return argument;
}

static void work_that_waits_when_the_server_stops_goes_home_undone(void **state)
{
    struct folder *f = *state;
    struct stage s;
    size_t worked = 0, abandoned = 0;
    start(&s, f);
    post_all(&s);
    pthread_t opener;
    CHECK(pthread_create(&opener, NULL, open_later, NULL) == 0);
    end(&s);
    pthread_join(opener, NULL);
    for (size_t i = 0; i < JOBS; i++) {
        worked += s.errands[i].worked;
        abandoned += s.errands[i].job.abandoned;
    }
    assert_int_equal(worked, CONTROL_WORK_RUNNING_MAX);
    assert_int_equal(abandoned, CONTROL_WORK_WAITING_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(of_many_jobs_with_slow_work_few_run_some_wait_and_the_rest_is_refused),
        FOLDER_TEST(work_that_waits_when_the_server_stops_goes_home_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

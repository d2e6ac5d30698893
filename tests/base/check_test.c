#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/support/cm.h"

#include "base/check.h"
#include "base/status.h"

/* Runs CHECK(value) in a child; its last words are in text. */
static int run_child(int value, char *text, size_t text_len)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        CHECK(value == 1);
        _exit(0);
    }
    close(fds[1]);
    ssize_t len = read(fds[0], text, text_len - 1);
    text[len > 0 ? len : 0] = '\0';
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_broken_invariant_aborts_and_says_where(void **state)
{
    char text[256];
    int status = run_child(2, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "value == 1"));
    assert_non_null(strstr(text, "check_test.c:"));
}

static void a_kept_invariant_goes_on(void **state)
{
    char text[256];
    int status = run_child(1, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(text, "");
}

static void a_container_is_found_from_its_member(void **state)
{
    struct outer {
        int before;
        char member;
    } outer;
    char *member = &outer.member;
    assert_ptr_equal(container_of(member, struct outer, member), &outer);
    int numbers[7];
    assert_int_equal(ARRAY_COUNT(numbers), 7);
}

static void every_status_has_a_text(void **state)
{
    static const enum status all[] = {
#define TEST_STATUS(name, text) STATUS_##name,
        STATUS_LIST(TEST_STATUS)
#undef TEST_STATUS
    };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        assert_int_equal(all[i], i);
        assert_true(strlen(status_text(all[i])) > 0);
        assert_string_not_equal(status_text(all[i]), status_text((enum status)ARRAY_COUNT(all)));
    }
    assert_string_equal(status_text(STATUS_OK), "ok");
    assert_non_null(status_text((enum status)9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_invariant_aborts_and_says_where),
        cmocka_unit_test(a_kept_invariant_goes_on),
        cmocka_unit_test(a_container_is_found_from_its_member),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

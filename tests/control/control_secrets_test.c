#include "control/support/folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "control/control_secrets.h"

static struct control_secrets load(const struct folder *f, const char *token, const char *api_key)
{
    struct control_secrets s;
    char error[DATA_DIR_ERROR_MAX] = "";
    if (control_secrets_load(f->dir, token, api_key, &s, error) != STATUS_OK) fail_msg("%s", error);
    return s;
}

static void put_file(const struct folder *f, const char *text)
{
    FILE *file = fopen(folder_file(f, CONTROL_SECRETS_FILE), "w");
    fputs(text, file);
    fclose(file);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 0777;
}

static void secrets_are_made_once_and_found_again(void **state)
{
    struct control_secrets first = load(*state, NULL, ""), second;
    assert_true(first.generated);
    assert_int_equal(strlen(first.token_hmac_secret_key), 43);
    assert_int_equal(strlen(first.api_key), 43);
    assert_string_not_equal(first.token_hmac_secret_key, first.api_key);
    assert_int_equal(mode_of(folder_file(*state, CONTROL_SECRETS_FILE)), 0600);
    second = load(*state, NULL, NULL);
    assert_false(second.generated);
    assert_string_equal(first.token_hmac_secret_key, second.token_hmac_secret_key);
    assert_string_equal(first.api_key, second.api_key);
}

static void given_secrets_win_and_are_not_stored(void **state)
{
    struct control_secrets s = load(*state, "from the environment", "another");
    assert_false(s.generated);
    assert_string_equal(s.token_hmac_secret_key, "from the environment");
    assert_string_equal(s.api_key, "another");
    assert_int_not_equal(access(folder_file(*state, CONTROL_SECRETS_FILE), F_OK), 0);
}

static void only_the_missing_secret_is_made(void **state)
{
    struct control_secrets s = load(*state, "given", NULL), again;
    assert_true(s.generated);
    assert_string_equal(s.token_hmac_secret_key, "given");
    /* the other one is made when it is needed, and the first stays */
    again = load(*state, NULL, NULL);
    assert_true(again.generated);
    assert_string_equal(again.api_key, s.api_key);
    assert_int_equal(strlen(again.token_hmac_secret_key), 43);
    put_file(*state, "{\"later\":[1],\"api_key\":\"k\\u0061\"}\n");
    again = load(*state, "given", NULL);
    assert_string_equal(again.api_key, "ka");
}

static void a_spoilt_file_stops_the_start(void **state)
{
    static const char *const rows[] = { "", "{", "[]", "{\"api_key\":7}", "{\"api_key\":\"a\"} x", "\xff" };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct control_secrets s;
        char error[DATA_DIR_ERROR_MAX] = "";
        put_file(*state, rows[i]);
        assert_int_equal(control_secrets_load(((struct folder *)*state)->dir, NULL, NULL, &s, error), STATUS_MALFORMED);
        assert_non_null(strstr(error, "secrets.json"));
    }
}

static void a_secret_at_the_limit_is_taken_and_one_past_it_refused(void **state)
{
    static char secret[CONTROL_SECRET_MAX + 1];
    struct control_secrets s;
    char error[DATA_DIR_ERROR_MAX] = "";
    memset(secret, 's', CONTROL_SECRET_MAX - 1);
    s = load(*state, secret, "k");
    assert_string_equal(s.token_hmac_secret_key, secret);
    secret[CONTROL_SECRET_MAX - 1] = 's';
    assert_int_equal(control_secrets_load(((struct folder *)*state)->dir, secret, "k", &s, error), STATUS_TOO_LARGE);
    assert_non_null(strstr(error, "4096 bytes: at most 4095"));
    assert_null(strstr(error, "sssss"));
}

static void the_first_run_text_is_private(void **state)
{
    struct folder *f = *state;
    char error[DATA_DIR_ERROR_MAX], text[64] = "";
    umask(0);
    assert_int_equal(control_first_run_write(f->dir, SLICE("old and longer"), error), STATUS_OK);
    assert_int_equal(control_first_run_write(f->dir, SLICE("hello\n"), error), STATUS_OK);
    umask(022);
    assert_int_equal(mode_of(folder_file(f, "first-run.txt")), 0600);
    FILE *file = fopen(folder_file(f, "first-run.txt"), "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "hello\n");
}

static void a_missing_folder_is_named(void **state)
{
    struct control_secrets s;
    char error[DATA_DIR_ERROR_MAX] = "";
    assert_int_equal(control_secrets_load("/nowhere/at/all", NULL, NULL, &s, error), STATUS_IO);
    assert_non_null(strstr(error, "\"/nowhere/at/all\""));
    assert_int_equal(data_dir_make("/nowhere/at/all", error), STATUS_NOT_FOUND);
}

static void a_folder_is_made_private_and_a_file_is_no_folder(void **state)
{
    char error[DATA_DIR_ERROR_MAX] = "", dir[256];
    snprintf(dir, sizeof dir, "%s", folder_file(*state, "inner"));
    umask(0);
    assert_int_equal(data_dir_make(dir, error), STATUS_OK);
    umask(022);
    assert_int_equal(mode_of(dir), 0700);
    assert_int_equal(data_dir_make(dir, error), STATUS_OK);
    put_file(*state, "x");
    assert_int_not_equal(data_dir_make(folder_file(*state, CONTROL_SECRETS_FILE), error), STATUS_OK);
    assert_non_null(strstr(error, "Not a directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(secrets_are_made_once_and_found_again),
        FOLDER_TEST(given_secrets_win_and_are_not_stored),
        FOLDER_TEST(only_the_missing_secret_is_made),
        FOLDER_TEST(a_spoilt_file_stops_the_start),
        FOLDER_TEST(a_secret_at_the_limit_is_taken_and_one_past_it_refused),
        FOLDER_TEST(the_first_run_text_is_private),
        FOLDER_TEST(a_missing_folder_is_named),
        FOLDER_TEST(a_folder_is_made_private_and_a_file_is_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

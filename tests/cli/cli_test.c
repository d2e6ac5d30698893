#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "cli/cli_data.h"
#include "cli/support/fake_server.h"
#include "json/json_reader.h"

struct place {
    char dir[64];
    char *out, *err; /* of the last run */
    size_t out_len, err_len;
};

static int set_up(void **state)
{
    struct place *p = mem_must_alloc_zero(sizeof *p);
    strcpy(p->dir, "/tmp/xsh_cli_XXXXXX");
    unsetenv(CLI_DATA_VARIABLE);
    *state = p;
    return mkdtemp(p->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *walk)
{
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p->out);
    free(p->err);
    mem_free(p);
    return 0;
}

/* Run a command line given as words; the last is NULL. */
static int run(struct place *p, const char *const *words)
{
    char *argv[16] = { NULL };
    int argc = 0;
    for (argv[argc++] = strdup("xshathra"); *words; words++) argv[argc++] = strdup(*words);
    free(p->out);
    free(p->err);
    struct cli_io io = { open_memstream(&p->out, &p->out_len), open_memstream(&p->err, &p->err_len) };
    int status = cli_run(argc, argv, &io);
    fclose(io.out);
    fclose(io.err);
    for (int i = 0; i < argc; i++) free(argv[i]);
    return status;
}
#define RUN(p, ...) run(p, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void member(const char *line, const char *name, char out[static 128])
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    assert_has(line, pattern);
    const char *at = strstr(line, pattern) + strlen(pattern);
    size_t len = strcspn(at, "\"");
    assert_true(len < 128);
    memcpy(out, at, len);
    out[len] = '\0';
}

static void every_command_has_a_help_with_usage_on_standard_output(void **state)
{
    static const char *const rows[][3] = {
        { "--help" },
        { "help" },
        { "-h" },
        { "serve", "--help" },
        { "check", "-h" },
        { "bench", "--help" },
        { "version", "--help" },
        { "project", "--help" },
        { "project", "create", "--help" },
        { "project", "list", "-h" },
        { "project", "show", "--help" },
        { "project", "rotate", "--help" },
        { "project", "revoke", "--help" },
        { "project", "archive", "--help" },
    };
    struct place *p = *state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *words[4] = { rows[i][0], rows[i][1], rows[i][2], NULL };
        assert_int_equal(run(p, words), CLI_OK);
        assert_has(p->out, "Usage: xshathra");
        assert_int_equal(p->err_len, 0);
    }
}

static void what_is_not_understood_names_the_nearest_and_gives_2(void **state)
{
    static const struct {
        const char *words[6];
        const char *expected;
    } rows[] = {
        { { "serv" }, "unknown command \"serv\": did you mean \"serve\"?" },
        { { "porject" }, "did you mean \"project\"?" },
        { { "frobnicate" }, "unknown command \"frobnicate\"\n" },
        { { "--verison" }, "unknown option \"--verison\"" },
        { { "serve", "--dat", "x" }, "unknown option \"--dat\": did you mean \"--data\"?" },
        { { "serve", "--prot=1" }, "unknown option \"--prot\": did you mean \"--port\"?" },
        { { "serve", "-z" }, "unknown option \"-z\"" },
        { { "serve", "--port" }, "\"--port\" needs a value" },
        { { "serve", "--port", "0" }, "\"--port\" is \"0\": a number from 1 to 65535" },
        { { "serve", "--port", "65536" }, "\"65536\"" },
        { { "serve", "--port", "80x" }, "\"80x\"" },
        { { "serve", "--workers", "63" }, "\"--workers\" is \"63\": a number from 1 to 62" },
        { { "serve", "now" }, "\"now\" is one word too many" },
        { { "check" }, "\"--config\" is missing" },
        { { "check", "--strict=yes", "-c", "x" }, "\"--strict\" takes no value" },
        { { "project", "creat", "x" }, "did you mean \"create\"?" },
        { { "project", "create" }, "NAME is missing: Usage: xshathra project create NAME" },
        { { "project", "create", "a", "b" }, "\"b\" is one word too many" },
        { { "project", "create", "a", "--which", "server" }, "unknown option \"--which\"" },
        { { "project", "rotate", "p" }, "\"--which\" is missing" },
        { { "project", "rotate", "p", "--which", "both" }, "\"--which\" is \"both\"" },
        { { "project", "rotate", "p", "--which=server", "--grace", "1.5s" }, "\"--grace\" is \"1.5s\"" },
        { { "project", "rotate", "p", "--which=server", "--grace", "-1h" }, "\"--grace\" is \"-1h\"" },
        { { "project", "rotate", "p", "--which=server", "--grace", "2161h" }, "\"--grace\" is \"2161h\"" },
        { { "project", "revoke", "p" }, "KEY_ID is missing: Usage: xshathra project revoke ID KEY_ID" },
        { { "bench" }, "URL is missing: Usage: xshathra bench URL" },
        { { "bench", "http://a" }, "\"http://a\" is no URL" },
        { { "bench", "ws://127.0.0.1:1", "--size", "31" }, "\"--size\" is \"31\": a number from 32 to 65536" },
        { { "bench", "ws://127.0.0.1:1", "-d", "soon" }, "\"--duration\" is \"soon\"" },
        { { "bench", "ws://127.0.0.1:1", "--subscriptions", "11" }, "a number from 1 to 10" },
        { { "bench", "ws://127.0.0.1:1", "--protobuff" }, "did you mean \"--protobuf\"?" },
        { { "version", "1", "2", "3" }, "\"1\" is one word too many" },
    };
    struct place *p = *state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *words[7] = { NULL };
        memcpy(words, rows[i].words, sizeof rows[i].words);
        assert_int_equal(run(p, words), CLI_USAGE);
        assert_has(p->err, rows[i].expected);
        assert_has(p->err, "--help\".");
        assert_int_equal(p->out_len, 0);
    }
    assert_int_equal(fake_server_runs, 0);
}

static void no_words_at_all_give_the_help_on_standard_error(void **state)
{
    struct place *p = *state;
    assert_int_equal(run(p, (const char *const[]){ NULL }), CLI_USAGE);
    assert_has(p->err, "Usage: xshathra");
    assert_int_equal(RUN(p, "project"), CLI_USAGE);
    assert_has(p->err, "Usage: xshathra project");
}

static void the_version_is_one_line(void **state)
{
    struct place *p = *state;
    assert_int_equal(RUN(p, "version"), CLI_OK);
    assert_memory_equal(p->out, "xshathra ", 9);
    assert_int_equal(p->out[p->out_len - 1], '\n');
    assert_int_equal(RUN(p, "--version"), CLI_OK);
    assert_memory_equal(p->out, "xshathra ", 9);
}

static void serve_hands_its_options_to_the_server(void **state)
{
    struct place *p = *state;
    fake_server_status = 7;
    assert_int_equal(RUN(p, "serve"), 7);
    assert_null(fake_server_asked.config_file);
    assert_null(fake_server_asked.address);
    assert_int_equal(fake_server_asked.port, 0);
    assert_int_equal(fake_server_asked.workers, 0);
    fake_server_status = 0;
    assert_int_equal(RUN(p, "serve", "-cfile.json", "--data=d", "-p", "8000", "--address", "::1", "--workers", "2"), 0);
    assert_int_equal(fake_server_asked.port, 8000);
    assert_int_equal(fake_server_asked.workers, 2);
}

static void the_data_folder_comes_from_the_option_then_the_environment(void **state)
{
    assert_string_equal(cli_data_dir(NULL), "data");
    setenv(CLI_DATA_VARIABLE, "", 1);
    assert_string_equal(cli_data_dir(NULL), "data");
    setenv(CLI_DATA_VARIABLE, "/var/lib/x", 1);
    assert_string_equal(cli_data_dir(NULL), "/var/lib/x");
    assert_string_equal(cli_data_dir("mine"), "mine");
    unsetenv(CLI_DATA_VARIABLE);
}

static void words_after_two_dashes_are_operands(void **state)
{
    struct place *p = *state;
    assert_int_equal(RUN(p, "project", "create", "--json", "--data", p->dir, "--", "--odd name"), CLI_OK);
    assert_has(p->out, "\"name\":\"--odd name\"");
}

static void create_prints_exactly_the_promised_json(void **state)
{
    static const char *const names[] = { "id",           "name", "server_api_key", "server_key_id", "client_api_key",
                                         "client_key_id" };
    struct place *p = *state;
    assert_int_equal(RUN(p, "project", "create", "Shop", "--data", p->dir, "--json"), CLI_OK);
    struct json_reader r;
    struct json_string key;
    size_t count = 0;
    json_reader_init(&r, slice_of(p->out, p->out_len), JSON_DEPTH_DEFAULT);
    assert_true(json_object_begin(&r));
    while (json_object_next(&r, &key)) {
        assert_true(count < ARRAY_COUNT(names) && json_string_eq(key, slice_from_cstr(names[count])));
        count++;
        assert_true(json_skip(&r));
    }
    assert_int_equal(count, ARRAY_COUNT(names));
    assert_true(json_ok(&r) && json_at_end(&r));
    assert_int_equal(strcspn(p->out, "\n"), p->out_len - 1);
}

static void a_project_goes_through_its_life(void **state)
{
    struct place *p = *state;
    char id[128], old_key[128], old_id[128], new_id[128], new_key[128];
    assert_int_equal(RUN(p, "project", "create", "Shop", "--data", p->dir, "--json"), CLI_OK);
    member(p->out, "id", id);
    member(p->out, "client_api_key", old_key);
    member(p->out, "client_key_id", old_id);
    assert_int_equal(RUN(p, "project", "rotate", id, "--which", "client", "--grace", "2h", "--data", p->dir, "--json"),
                     CLI_OK);
    member(p->out, "client_key_id", new_id);
    member(p->out, "client_api_key", new_key);
    assert_null(strstr(p->out, "server_api_key"));
    assert_string_not_equal(new_key, old_key);

    assert_int_equal(RUN(p, "project", "show", id, "--data", p->dir), CLI_OK);
    assert_has(p->out, "Project \"Shop\"");
    assert_has(p->out, old_id);
    assert_has(p->out, "ending");
    assert_int_equal(RUN(p, "project", "revoke", id, new_id, "--data", p->dir), CLI_OK);
    assert_int_equal(RUN(p, "project", "revoke", id, old_id, "--data", p->dir), CLI_OK);
    assert_has(p->out, "is revoked");
    assert_int_equal(RUN(p, "project", "show", id, "--data", p->dir), CLI_OK);
    assert_has(p->out, "No client key is usable. Next: xshathra project rotate");
    assert_null(strstr(p->out, "No server key"));

    assert_int_equal(RUN(p, "project", "archive", id, "--data", p->dir), CLI_OK);
    assert_int_equal(RUN(p, "project", "list", "--data", p->dir), CLI_OK);
    assert_has(p->out, "archived");
    assert_int_equal(RUN(p, "project", "rotate", id, "--which", "server", "--data", p->dir), CLI_FAILED);
    assert_has(p->err, "is archived");
    assert_int_equal(p->out_len, 0);
}

static void people_are_told_what_to_do_next(void **state)
{
    struct place *p = *state;
    char id[128];
    assert_int_equal(RUN(p, "project", "create", "Shop", "--data", p->dir), CLI_OK);
    assert_has(p->out, "Project \"Shop\" is ready.");
    assert_has(p->out, "  server key      sk_k");
    assert_has(p->out, "  client key      ck_k");
    assert_has(p->out, "only this once");
    assert_has(p->out, "Next: ");
    assert_null(strchr(p->out, '\x1b')); /* colour is for terminals */
    memcpy(id, strstr(p->out, "proj_"), 21);
    id[21] = '\0';
    assert_int_equal(RUN(p, "project", "rotate", id, "--which", "server", "--grace", "0", "--data", p->dir), CLI_OK);
    assert_has(p->out, "the old one is revoked");
    assert_int_equal(RUN(p, "project", "rotate", id, "--which", "server", "--data", p->dir), CLI_OK);
    assert_has(p->out, "when the old one ends");
}

static void a_refusal_gives_1_and_a_sentence_or_json(void **state)
{
    struct place *p = *state;
    assert_int_equal(RUN(p, "project", "create", "", "--data", p->dir), CLI_FAILED);
    assert_has(p->err, "xshathra: the project name \"\" is empty");
    assert_int_equal(RUN(p, "project", "show", "proj_none", "--data", p->dir, "--json"), CLI_FAILED);
    assert_has(p->err,
               "{\"error\":{\"code\":\"project_not_found\",\"message\":\"there is no project \\\"proj_none\\\"");
    assert_int_equal(p->out_len, 0);
    assert_int_equal(RUN(p, "project", "list", "--data", "/nowhere/data"), CLI_FAILED);
    assert_has(p->err, "there is no data folder \"/nowhere/data\"");
}

static void a_whole_key_as_an_argument_is_not_repeated(void **state)
{
    struct place *p = *state;
    char id[128], key[128];
    assert_int_equal(RUN(p, "project", "create", "Shop", "--data", p->dir, "--json"), CLI_OK);
    member(p->out, "id", id);
    member(p->out, "server_api_key", key);
    assert_int_equal(RUN(p, "project", "revoke", id, key, "--data", p->dir), CLI_FAILED);
    assert_null(strstr(p->err, key + 15));
    assert_has(p->err, "that is a whole key");
}

static void check_tells_good_from_bad(void **state)
{
    struct place *p = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/config.json", p->dir);
    FILE *f = fopen(path, "w");
    fputs("{\"client\":{\"ping_intervall\":\"25s\",\"token\":{\"hmac_secret_key\":\"secret\"}},\"http_api\":{\"key\":"
          "\"k\"}}",
          f);
    fclose(f);
    assert_int_equal(RUN(p, "check", "-c", path), CLI_OK);
    assert_has(p->out, "ping_interval");
    assert_has(p->out, "good, warnings: 1");
    assert_int_equal(RUN(p, "check", "-c", path, "--strict"), CLI_FAILED);
    assert_has(p->out, "errors: 1");
    assert_int_equal(RUN(p, "check", path), CLI_OK);
    assert_int_equal(RUN(p, "check", "-c", path, "--strict", "--json"), CLI_FAILED);
    assert_true(json_valid(slice_of(p->out, p->out_len), JSON_DEPTH_DEFAULT));
    assert_int_equal(RUN(p, "check", "-c", "/nowhere/config.json"), CLI_FAILED);
    assert_has(p->out, "/nowhere/config.json");
}

static void the_nearest_name_is_near(void **state)
{
    static const char *const names[] = { "data", "json", "which", "grace" };
    static const struct {
        const char *word, *expected;
    } rows[] = {
        { "dta", "data" }, { "date", "data" }, { "whic", "which" }, { "gr", "grace" },
        { "jsn", "json" }, { "zzzz", NULL },   { "x", NULL },       { "", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *near = cli_nearest(rows[i].word, names, ARRAY_COUNT(names));
        if (rows[i].expected)
            assert_string_equal(near, rows[i].expected);
        else
            assert_null(near);
    }
}

static void a_load_on_a_port_where_nobody_listens_says_so(void **state)
{
    struct place *p = *state;
    char url[64];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* and not listening */
    assert_int_equal(bind(bound, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(RUN(p, "bench", url, "-c", "3", "--ramp", "0s"), CLI_FAILED);
    assert_has(p->out, "0 of 3");
    assert_has(p->out, "3 times: Connection refused");
    assert_int_equal(RUN(p, "bench", url, "-c", "3", "--ramp", "0s", "--json"), CLI_FAILED);
    assert_true(json_valid(slice_of(p->out, p->out_len), JSON_DEPTH_DEFAULT));
    assert_has(p->out, "\"failed\":3");
    close(bound);
}

static void a_load_without_a_secret_that_can_be_read_does_not_begin(void **state)
{
    struct place *p = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/nothing", p->dir);
    fclose(fopen(path, "w"));
    assert_int_equal(RUN(p, "bench", "ws://127.0.0.1:1", "--secret-file", "/nowhere/secret"), CLI_FAILED);
    assert_has(p->err, "/nowhere/secret");
    assert_int_equal(RUN(p, "bench", "ws://127.0.0.1:1", "--secret-file", path), CLI_FAILED);
    assert_has(p->err, "no secret can be read");
    assert_int_equal(RUN(p, "bench", "ws://127.0.0.1:1", "--token-file", path), CLI_FAILED);
    assert_has(p->err, "no tokens can be read");
}

static void a_load_that_the_limits_do_not_allow_says_how_to_raise_them(void **state)
{
    struct place *p = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = { .rlim_cur = 200, .rlim_max = before.rlim_max < 1000 ? before.rlim_max : 1000 };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0); /* for good: it is the last test */
    assert_int_equal(RUN(p, "bench", "ws://127.0.0.1:1", "-c", "2000"), CLI_FAILED);
    assert_has(p->err, "2000 connections need 2016 descriptors");
    assert_has(p->err, "ulimit -n 2016");
    assert_has(p->err, "LimitNOFILE=2016");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_command_has_a_help_with_usage_on_standard_output),
        TEST(what_is_not_understood_names_the_nearest_and_gives_2),
        TEST(no_words_at_all_give_the_help_on_standard_error),
        TEST(the_version_is_one_line),
        TEST(serve_hands_its_options_to_the_server),
        TEST(the_data_folder_comes_from_the_option_then_the_environment),
        TEST(words_after_two_dashes_are_operands),
        TEST(create_prints_exactly_the_promised_json),
        TEST(a_project_goes_through_its_life),
        TEST(people_are_told_what_to_do_next),
        TEST(a_refusal_gives_1_and_a_sentence_or_json),
        TEST(a_whole_key_as_an_argument_is_not_repeated),
        TEST(check_tells_good_from_bad),
        TEST(the_nearest_name_is_near),
        TEST(a_load_on_a_port_where_nobody_listens_says_so),
        TEST(a_load_without_a_secret_that_can_be_read_does_not_begin),
        TEST(a_load_that_the_limits_do_not_allow_says_how_to_raise_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

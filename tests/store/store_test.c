#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/store_audit.h"
#include "store/store_key.h"
#include "store/store_project.h"
#include "store/store_schema.h"

struct place {
    char dir[64];
    char path[128];
};

static int set_up(void **state)
{
    struct place *p = mem_must_alloc_zero(sizeof *p);
    strcpy(p->dir, "/tmp/xsh_store_XXXXXX");
    if (!mkdtemp(p->dir)) return -1;
    snprintf(p->path, sizeof p->path, "%s/xshathra.db", p->dir);
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *walk)
{
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(p);
    return 0;
}

static struct store *open_store(const struct place *p)
{
    struct store *s = NULL;
    char error[STORE_ERROR_MAX] = "";
    enum status status = store_open(p->path, &s, error);
    if (status != STATUS_OK) fail_msg("%s", error);
    return s;
}

static struct store_project project(const char *id, uint32_t space)
{
    struct store_project out = { .space = space, .created_at_s = 1000 };
    snprintf(out.id, sizeof out.id, "%s", id);
    snprintf(out.name, sizeof out.name, "name of %s", id);
    return out;
}

static struct store_key key(const char *id, const char *of, enum store_key_kind kind)
{
    struct store_key out = { .kind = kind, .created_at_s = 2000 };
    snprintf(out.id, sizeof out.id, "%s", id);
    snprintf(out.project, sizeof out.project, "%s", of);
    memset(out.hash, id[strlen(id) - 1], sizeof out.hash);
    return out;
}

static void insert_project(struct store *s, const char *id, uint32_t space)
{
    struct store_project p = project(id, space);
    assert_int_equal(store_project_insert(s, &p), STATUS_OK);
}

static void the_file_is_private(void **state)
{
    struct place *p = *state;
    umask(0);
    store_close(open_store(p));
    umask(022);
    struct stat about;
    assert_int_equal(stat(p->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void the_wal_file_is_private_too(void **state)
{
    struct place *p = *state;
    char wal[160];
    umask(0);
    struct store *s = open_store(p);
    insert_project(s, "proj_a", 0);
    umask(022);
    struct stat about;
    snprintf(wal, sizeof wal, "%s-wal", p->path);
    assert_int_equal(stat(wal, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    store_close(s);
}

static void a_project_comes_back_as_it_was_stored(void **state)
{
    struct store *s = open_store(*state);
    struct store_project in = project("proj_a", 7), out;
    char origins[] = "[\"https://a.example\"]";
    in.archived_at_s = 5;
    in.allowed_origins_json = origins;
    assert_int_equal(store_project_insert(s, &in), STATUS_OK);
    assert_int_equal(store_project_get(s, SLICE("proj_a"), &out), STATUS_OK);
    assert_string_equal(out.id, "proj_a");
    assert_string_equal(out.name, "name of proj_a");
    assert_int_equal(out.space, 7);
    assert_int_equal(out.created_at_s, 1000);
    assert_int_equal(out.archived_at_s, 5);
    assert_string_equal(out.allowed_origins_json, origins);
    store_project_deinit(&out);
    assert_int_equal(store_project_get_by_space(s, 7, &out), STATUS_OK);
    assert_string_equal(out.id, "proj_a");
    store_project_deinit(&out);
    assert_int_equal(store_project_get(s, SLICE("proj_b"), &out), STATUS_NOT_FOUND);
    assert_int_equal(store_project_get_by_space(s, 8, &out), STATUS_NOT_FOUND);
    store_close(s);
}

static void an_id_or_space_is_not_given_twice(void **state)
{
    struct store *s = open_store(*state);
    insert_project(s, "proj_a", 1);
    struct store_project same_id = project("proj_a", 2), same_space = project("proj_b", 1);
    assert_int_equal(store_project_insert(s, &same_id), STATUS_EXISTS);
    assert_int_equal(store_project_insert(s, &same_space), STATUS_EXISTS);
    assert_non_null(strstr(store_error(s), "space"));
    store_close(s);
}

static void spaces_go_on_after_a_restart(void **state)
{
    uint32_t space;
    for (uint32_t i = 1; i <= 3; i++) {
        struct store *s = open_store(*state);
        assert_int_equal(store_begin(s), STATUS_OK);
        assert_int_equal(store_project_take_space(s, &space), STATUS_OK);
        assert_int_equal(store_commit(s), STATUS_OK);
        assert_int_equal(space, i);
        store_close(s);
    }
}

static void spaces_end_at_the_last_one(void **state)
{
    struct store *s = open_store(*state);
    uint32_t space;
    assert_int_equal(store_db_exec(store_connection(s), "UPDATE counters SET value = 4294967294"), STATUS_OK);
    assert_int_equal(store_project_take_space(s, &space), STATUS_OK);
    assert_true(space == UINT32_MAX - 1); /* the last number is no project's */
    assert_int_equal(store_project_take_space(s, &space), STATUS_TOO_LARGE);
    store_close(s);
}

static void the_list_is_in_the_order_of_spaces(void **state)
{
    struct store *s = open_store(*state);
    struct store_project *list = NULL;
    size_t count = 99;
    assert_int_equal(store_project_list(s, &list, &count), STATUS_OK);
    assert_int_equal(count, 0);
    for (uint32_t i = 20; i > 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "proj_%u", i);
        insert_project(s, id, i);
    }
    assert_int_equal(store_project_list(s, &list, &count), STATUS_OK);
    assert_int_equal(count, 20);
    for (uint32_t i = 0; i < 20; i++) assert_int_equal(list[i].space, i + 1);
    store_project_list_free(list, count);
    store_close(s);
}

static void archiving_marks_one_project(void **state)
{
    struct store *s = open_store(*state);
    struct store_project out;
    insert_project(s, "proj_a", 1);
    assert_int_equal(store_project_set_archived(s, SLICE("proj_a"), 77), STATUS_OK);
    assert_int_equal(store_project_get(s, SLICE("proj_a"), &out), STATUS_OK);
    assert_int_equal(out.archived_at_s, 77);
    store_project_deinit(&out);
    assert_int_equal(store_project_set_archived(s, SLICE("proj_x"), 77), STATUS_NOT_FOUND);
    store_close(s);
}

static void keys_come_back_as_they_were_stored(void **state)
{
    struct store *s = open_store(*state);
    insert_project(s, "proj_a", 1);
    insert_project(s, "proj_b", 2);
    struct store_key in[] = { key("k1", "proj_a", STORE_KEY_SERVER), key("k2", "proj_b", STORE_KEY_SERVER),
                              key("k3", "proj_a", STORE_KEY_CLIENT) };
    for (size_t i = 0; i < 3; i++) assert_int_equal(store_key_insert(s, &in[i]), STATUS_OK);
    struct store_key *list, out;
    size_t count;
    assert_int_equal(store_key_list(s, SLICE("proj_a"), &list, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].id, "k1");
    assert_string_equal(list[1].id, "k3");
    assert_int_equal(list[1].kind, STORE_KEY_CLIENT);
    assert_memory_equal(list[1].hash, in[2].hash, STORE_KEY_HASH_LEN);
    mem_free(list);
    assert_int_equal(store_key_list(s, (struct slice){ 0 }, &list, &count), STATUS_OK);
    assert_int_equal(count, 3);
    mem_free(list);
    assert_int_equal(store_key_set_valid_until(s, SLICE("k1"), 5000), STATUS_OK);
    assert_int_equal(store_key_set_revoked(s, SLICE("k1"), 6000), STATUS_OK);
    assert_int_equal(store_key_get(s, SLICE("k1"), &out), STATUS_OK);
    assert_int_equal(out.valid_until_s, 5000);
    assert_int_equal(out.revoked_at_s, 6000);
    assert_int_equal(store_key_get(s, SLICE("k9"), &out), STATUS_NOT_FOUND);
    assert_int_equal(store_key_set_revoked(s, SLICE("k9"), 1), STATUS_NOT_FOUND);
    store_close(s);
}

static void a_key_needs_its_project_and_a_hash_of_its_own(void **state)
{
    struct store *s = open_store(*state);
    insert_project(s, "proj_a", 1);
    struct store_key orphan = key("k1", "proj_x", STORE_KEY_SERVER);
    struct store_key first = key("k1", "proj_a", STORE_KEY_SERVER), twin = key("k2", "proj_a", STORE_KEY_SERVER);
    memcpy(twin.hash, first.hash, sizeof twin.hash);
    assert_int_equal(store_key_insert(s, &orphan), STATUS_EXISTS);
    assert_int_equal(store_key_insert(s, &first), STATUS_OK);
    assert_int_equal(store_key_insert(s, &first), STATUS_EXISTS);
    assert_int_equal(store_key_insert(s, &twin), STATUS_EXISTS);
    store_close(s);
}

static void the_audit_gives_the_last_lines_first_and_what_is_asked_for(void **state)
{
    struct store *s = open_store(*state);
    struct store_audit out[2];
    size_t count;
    char long_text[400];
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(store_audit_add(s, 1, SLICE("proj_a"), SLICE("ann@example.com"), SLICE("First")), STATUS_OK);
    assert_int_equal(store_audit_add(s, 2, SLICE(""), SLICE("bob@example.com"), SLICE("second")), STATUS_OK);
    assert_int_equal(store_audit_add(s, 3, SLICE("proj_a"), SLICE("c"), slice_of(long_text, sizeof long_text)),
                     STATUS_OK);
    struct store_audit_filter filter = { 0 };
    assert_int_equal(store_audit_list(s, &filter, out, 2, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(strlen(out[0].what), STORE_AUDIT_WHAT_MAX - 1);
    assert_string_equal(out[1].what, "second");
    assert_string_equal(out[1].who, "bob@example.com");
    assert_int_equal(out[1].at_s, 2);
    const struct {
        struct store_audit_filter filter;
        const char *first;
        size_t count;
    } rows[] = {
        { { .before = out[1].number }, "First", 1 },
        { { .project = SLICE("proj_a"), .what = SLICE("FIRST") }, "First", 1 },
        { { .who = SLICE("EXAMPLE") }, "second", 2 },
        { { .project = SLICE("proj_b") }, NULL, 0 },
        { { .what = SLICE("%") }, NULL, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(store_audit_list(s, &rows[i].filter, out, 2, &count), STATUS_OK);
        assert_int_equal(count, rows[i].count);
        if (rows[i].first) assert_string_equal(out[0].what, rows[i].first);
    }
    store_close(s);
}

static void a_rolled_back_transaction_leaves_nothing(void **state)
{
    struct store *s = open_store(*state);
    struct store_project out;
    assert_int_equal(store_begin(s), STATUS_OK);
    insert_project(s, "proj_a", 1);
    store_rollback(s);
    assert_int_equal(store_project_get(s, SLICE("proj_a"), &out), STATUS_NOT_FOUND);
    store_rollback(s); /* harmless */
    store_close(s);
}

/* The child dies by SIGKILL in the middle of a transaction, after one that was committed. */
static void a_killed_process_leaves_what_it_committed(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *s = open_store(*state);
        if (store_begin(s) != STATUS_OK) _exit(1);
        insert_project(s, "proj_kept", 1);
        if (store_commit(s) != STATUS_OK || store_begin(s) != STATUS_OK) _exit(1);
        insert_project(s, "proj_lost", 2);
        kill(getpid(), SIGKILL);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    struct store *s = open_store(*state);
    struct store_project out;
    assert_int_equal(store_project_get(s, SLICE("proj_kept"), &out), STATUS_OK);
    store_project_deinit(&out);
    assert_int_equal(store_project_get(s, SLICE("proj_lost"), &out), STATUS_NOT_FOUND);
    store_close(s);
}

static int64_t schema_version(struct store_db *db)
{
    struct store_stmt st;
    store_stmt_begin(&st, db, "SELECT max(version) FROM schema_version");
    int64_t version = store_stmt_step(&st) ? store_stmt_i64(&st, 0) : -1;
    assert_int_equal(store_stmt_end(&st), STATUS_OK);
    return version;
}

static struct store_db *open_db(const struct place *p)
{
    struct store_db *db;
    char error[STORE_ERROR_MAX];
    assert_int_equal(store_db_open(p->path, &db, error), STATUS_OK);
    return db;
}

static void an_older_database_is_brought_up_to_date_and_keeps_its_rows(void **state)
{
    char error[STORE_ERROR_MAX];
    for (size_t from = 0; from <= store_migration_count; from++) {
        struct place *p = *state;
        remove(p->path);
        struct store_db *db = open_db(p);
        assert_int_equal(store_schema_apply(db, store_migrations, from, error), STATUS_OK);
        assert_int_equal(schema_version(db) > 0 ? schema_version(db) : 0, from);
        if (from > 0)
            assert_int_equal(store_db_exec(db, "INSERT INTO projects (id, space, name, created_at)"
                                               " VALUES ('proj_old', 3, 'Old', 1)"),
                             STATUS_OK);
        store_db_close(db);

        struct store *s = open_store(p);
        assert_int_equal(schema_version(store_connection(s)), store_migration_count);
        struct store_project out;
        assert_int_equal(store_project_get(s, SLICE("proj_old"), &out), from > 0 ? STATUS_OK : STATUS_NOT_FOUND);
        if (from > 0) store_project_deinit(&out);
        assert_int_equal(store_audit_add(s, 1, SLICE(""), SLICE("a"), SLICE("b")), STATUS_OK);
        store_close(s);
    }
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    struct place *p = *state;
    char error[STORE_ERROR_MAX] = "";
    struct store *s = open_store(p), *again = NULL;
    assert_int_equal(store_db_exec(store_connection(s), "INSERT INTO schema_version VALUES (99, 0)"), STATUS_OK);
    store_close(s);
    assert_int_equal(store_open(p->path, &again, error), STATUS_CONFLICT);
    assert_null(again);
    assert_non_null(strstr(error, "\"99\""));
    assert_non_null(strstr(error, "newer program"));
    struct store_db *db = open_db(p);
    assert_int_equal(schema_version(db), 99);
    store_db_close(db);
}

static void a_migration_that_fails_leaves_the_version_before(void **state)
{
    static const struct store_migration broken[] = {
        { 1, "CREATE TABLE one (a INTEGER)" },
        { 2, "CREATE TABLE two (a INTEGER); INSERT INTO nowhere VALUES (1)" },
    };
    char error[STORE_ERROR_MAX] = "";
    struct store_db *db = open_db(*state);
    assert_int_equal(store_schema_apply(db, broken, 1, error), STATUS_OK);
    assert_int_not_equal(store_schema_apply(db, broken, 2, error), STATUS_OK);
    assert_non_null(strstr(error, "nowhere"));
    assert_int_equal(schema_version(db), 1);
    assert_int_not_equal(store_db_exec(db, "SELECT * FROM two"), STATUS_OK);
    assert_int_equal(store_db_exec(db, "SELECT * FROM one"), STATUS_OK);
    store_db_close(db);
}

static void what_is_no_database_is_refused_with_a_sentence(void **state)
{
    struct place *p = *state;
    struct store *s = NULL;
    char error[STORE_ERROR_MAX] = "", missing[160];
    FILE *f = fopen(p->path, "w");
    for (int i = 0; i < 2000; i++) fputs("not a database ", f);
    fclose(f);
    assert_int_equal(store_open(p->path, &s, error), STATUS_MALFORMED);
    assert_non_null(strstr(error, p->path));
    snprintf(missing, sizeof missing, "%s/none/x.db", p->dir);
    assert_int_not_equal(store_open(missing, &s, error), STATUS_OK);
    assert_non_null(strstr(error, "No such file"));
    assert_null(s);
}

static void running_out_of_memory_gives_a_status(void **state)
{
    struct store *s = open_store(*state);
    struct store_project *list;
    size_t count;
    for (uint32_t i = 1; i <= 9; i++) {
        char id[16];
        snprintf(id, sizeof id, "proj_%u", i);
        insert_project(s, id, i);
    }
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        mem_fail_after(n);
        enum status status = store_project_list(s, &list, &count);
        bool pending = mem_fail_pending();
        mem_fail_after(0);
        if (status == STATUS_OK) {
            store_project_list_free(list, count);
            if (pending) break;
        } else {
            assert_int_equal(status, STATUS_NO_MEMORY);
            failures++;
        }
    }
    assert_int_equal(failures, 20); /* two growths, nine lists of origins and nine of namespaces */
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_file_is_private),
        TEST(the_wal_file_is_private_too),
        TEST(a_project_comes_back_as_it_was_stored),
        TEST(an_id_or_space_is_not_given_twice),
        TEST(spaces_go_on_after_a_restart),
        TEST(spaces_end_at_the_last_one),
        TEST(the_list_is_in_the_order_of_spaces),
        TEST(archiving_marks_one_project),
        TEST(keys_come_back_as_they_were_stored),
        TEST(a_key_needs_its_project_and_a_hash_of_its_own),
        TEST(the_audit_gives_the_last_lines_first_and_what_is_asked_for),
        TEST(a_rolled_back_transaction_leaves_nothing),
        TEST(a_killed_process_leaves_what_it_committed),
        TEST(an_older_database_is_brought_up_to_date_and_keeps_its_rows),
        TEST(a_newer_database_is_refused_and_left_alone),
        TEST(a_migration_that_fails_leaves_the_version_before),
        TEST(what_is_no_database_is_refused_with_a_sentence),
        TEST(running_out_of_memory_gives_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

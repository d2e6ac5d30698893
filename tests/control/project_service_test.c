#include "control/support/folder.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "control/project_answer.h"
#include "control/project_service.h"
#include "crypto/crypto_hash.h"
#include "store/store_audit.h"

#define NOW 1700000000

static struct project_service service_on(struct store *s)
{
    return (struct project_service){ .store = s, .now_s = NOW, .who = "tester" };
}

static struct project_new_keys create(const struct project_service *p, const char *name)
{
    struct project_new_keys keys;
    struct project_error error;
    if (!project_service_create(p, slice_from_cstr(name), &keys, &error)) fail_msg("%s", error.text);
    return keys;
}

static struct store_key get_key(struct store *s, const char *id)
{
    struct store_key key;
    assert_int_equal(store_key_get(s, slice_from_cstr(id), &key), STATUS_OK);
    return key;
}

static bool only_letters(const char *text, size_t len, const char *alphabet)
{
    return strlen(text) == len && strspn(text, alphabet) == len;
}

static void ids_and_keys_look_as_the_design_says(void **state)
{
    static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
    static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop");
    assert_memory_equal(keys.id, "proj_", 5);
    assert_true(only_letters(keys.id + 5, 16, base32));
    const struct project_key *both[] = { &keys.server, &keys.client };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i]->id[0], 'k');
        assert_true(only_letters(both[i]->id + 1, 10, base32));
        assert_memory_equal(both[i]->text, i == 0 ? "sk_" : "ck_", 3);
        assert_memory_equal(both[i]->text + 3, both[i]->id, 11);
        assert_int_equal(both[i]->text[14], '_');
        assert_true(only_letters(both[i]->text + 15, 43, base64url));
    }
    store_close(s);
}

static void only_the_hash_of_a_key_is_stored(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop");
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct store_key key = get_key(s, keys.server.id);
    crypto_sha256(slice_from_cstr(keys.server.text), hash);
    assert_memory_equal(key.hash, hash, sizeof hash);
    assert_int_equal(key.kind, STORE_KEY_SERVER);
    assert_string_equal(key.project, keys.id);
    assert_int_equal(get_key(s, keys.client.id).kind, STORE_KEY_CLIENT);
    store_close(s);

    /* the secret part is nowhere in the files */
    static const char *const files[] = { "xshathra.db", "xshathra.db-wal" };
    for (int i = 0; i < 2; i++) {
        static char bytes[1 << 20];
        FILE *f = fopen(folder_file(*state, files[i]), "r");
        if (!f) continue;
        size_t len = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        assert_null(memmem(bytes, len, keys.server.text + 15, 43));
        assert_null(memmem(bytes, len, keys.client.text + 15, 43));
    }
}

static void names_are_checked(void **state)
{
    static char n100[101], n101[102];
    memset(n100, 'n', 100);
    memset(n101, 'n', 101);
    const struct {
        struct slice name;
        const char *refused; /* part of the sentence; NULL = allowed */
    } rows[] = {
        { SLICE("a"), NULL },
        { SLICE("Köln \xe2\x80\x94 production"), NULL },
        { { n100, 100 }, NULL },
        { { n101, 101 }, "is too long" },
        { SLICE(""), "is empty" },
        { SLICE("a\nb"), "\"a?b\" holds a control character" },
        { SLICE("a\0b"), "holds a control character" },
        { SLICE("\x1b[31m"), "holds a control character" },
        { SLICE("del\x7f"), "holds a control character" },
        { SLICE("c1\xc2\x9b"), "holds a control character" },
        { SLICE("\xc2\xa0"), NULL },
        { SLICE("bad\xff"), "\"bad?\" is not UTF-8" },
        { SLICE("cut\xe2\x80"), "is not UTF-8" },
    };
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct project_new_keys keys;
        struct project_error error = { 0 };
        bool good = project_service_create(&p, rows[i].name, &keys, &error);
        assert_int_equal(good, rows[i].refused == NULL);
        if (good) continue;
        assert_int_equal(error.code, PROJECT_ERROR_INVALID_NAME);
        if (!strstr(error.text, rows[i].refused)) fail_msg("row %zu: %s", i, error.text);
        assert_non_null(strstr(error.text, "1 to 100 bytes of UTF-8"));
    }
    store_close(s);
}

static void a_refused_name_takes_no_space(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys;
    struct project_error error;
    struct store_project found;
    assert_false(project_service_create(&p, SLICE(""), &keys, &error));
    keys = create(&p, "one");
    assert_true(project_service_find(&p, slice_from_cstr(keys.id), &found, &error));
    assert_int_equal(found.space, 1);
    store_project_deinit(&found);
    store_close(s);
}

static void the_default_project_is_made_once_and_owns_space_0(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys first = { 0 }, second = { 0 };
    struct project_error error;
    struct store_project found;
    bool made = false;
    create(&p, "made before the first start");
    assert_true(project_service_ensure_default(&p, &made, &first, &error));
    assert_true(made);
    assert_true(first.server.text[0] && first.client.text[0]);
    assert_true(project_service_find(&p, slice_from_cstr(first.id), &found, &error));
    assert_int_equal(found.space, 0);
    assert_string_equal(found.name, "Default");
    store_project_deinit(&found);
    assert_true(project_service_ensure_default(&p, &made, &second, &error));
    assert_false(made);
    assert_int_equal(second.id[0], 0);
    store_close(s);
}

static void the_default_project_cannot_be_archived(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys;
    struct project_error error;
    bool made;
    assert_true(project_service_ensure_default(&p, &made, &keys, &error));
    assert_false(project_service_archive(&p, slice_from_cstr(keys.id), &error));
    assert_int_equal(error.code, PROJECT_ERROR_DEFAULT_PROJECT);
    assert_non_null(strstr(error.text, keys.id));
    store_close(s);
}

static void archiving_twice_is_the_same_as_once(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop"), fresh;
    struct project_error error;
    struct store_project found;
    assert_true(project_service_archive(&p, slice_from_cstr(keys.id), &error));
    p.now_s += 10;
    assert_true(project_service_archive(&p, slice_from_cstr(keys.id), &error));
    assert_true(project_service_find(&p, slice_from_cstr(keys.id), &found, &error));
    assert_int_equal(found.archived_at_s, NOW);
    store_project_deinit(&found);
    assert_false(project_service_rotate(&p, slice_from_cstr(keys.id), STORE_KEY_SERVER, 0, &fresh, &error));
    assert_int_equal(error.code, PROJECT_ERROR_PROJECT_ARCHIVED);
    store_close(s);
}

static void rotation_ends_the_old_key_after_the_grace(void **state)
{
    const struct {
        uint64_t grace_s;
        int64_t old_until, expected_until, expected_revoked;
    } rows[] = {
        { 3600, 0, NOW + 3600, 0 },
        { 3600, NOW + 60, NOW + 60, 0 }, /* never longer than it was to live */
        { 3600, NOW + 7200, NOW + 3600, 0 },
        { PROJECT_GRACE_MAX_S, 0, NOW + PROJECT_GRACE_MAX_S, 0 },
        { 0, 0, 0, NOW },
    };
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct project_new_keys old = create(&p, "Shop"), fresh;
        struct project_error error;
        if (rows[i].old_until)
            assert_int_equal(store_key_set_valid_until(s, slice_from_cstr(old.server.id), rows[i].old_until),
                             STATUS_OK);
        assert_true(
            project_service_rotate(&p, slice_from_cstr(old.id), STORE_KEY_SERVER, rows[i].grace_s, &fresh, &error));
        struct store_key was = get_key(s, old.server.id), now = get_key(s, fresh.server.id);
        assert_int_equal(was.valid_until_s, rows[i].expected_until);
        assert_int_equal(was.revoked_at_s, rows[i].expected_revoked);
        assert_int_equal(now.valid_until_s, 0);
        assert_int_equal(now.revoked_at_s, 0);
        /* the other kind is as it was */
        assert_int_equal(get_key(s, old.client.id).valid_until_s, 0);
        assert_int_equal(fresh.client.text[0], 0);
        assert_string_equal(fresh.id, old.id);
        assert_string_equal(fresh.name, "Shop");
    }
    store_close(s);
}

static void rotation_leaves_a_revoked_key_alone(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys old = create(&p, "Shop"), fresh;
    struct project_error error;
    assert_true(project_service_revoke(&p, slice_from_cstr(old.id), slice_from_cstr(old.client.id), &error));
    p.now_s += 5;
    assert_true(project_service_rotate(&p, slice_from_cstr(old.id), STORE_KEY_CLIENT, 60, &fresh, &error));
    assert_int_equal(get_key(s, old.client.id).revoked_at_s, NOW);
    assert_int_equal(get_key(s, old.client.id).valid_until_s, 0);
    store_close(s);
}

static void a_grace_past_the_limit_is_refused(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop"), fresh;
    struct project_error error;
    assert_false(project_service_rotate(&p, slice_from_cstr(keys.id), STORE_KEY_SERVER, PROJECT_GRACE_MAX_S + 1, &fresh,
                                        &error));
    assert_int_equal(error.code, PROJECT_ERROR_INVALID_GRACE);
    assert_non_null(strstr(error.text, "\"7776001s\""));
    assert_int_equal(get_key(s, keys.server.id).valid_until_s, 0);
    store_close(s);
}

static void revoking_twice_is_the_same_as_once(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop");
    struct project_error error;
    assert_true(project_service_revoke(&p, slice_from_cstr(keys.id), slice_from_cstr(keys.server.id), &error));
    p.now_s += 10;
    assert_true(project_service_revoke(&p, slice_from_cstr(keys.id), slice_from_cstr(keys.server.id), &error));
    assert_int_equal(get_key(s, keys.server.id).revoked_at_s, NOW);
    store_close(s);
}

static void what_is_not_there_is_refused_by_name(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys a = create(&p, "A"), b = create(&p, "B"), fresh;
    struct project_error error;
    assert_false(project_service_archive(&p, SLICE("proj_nobody"), &error));
    assert_int_equal(error.code, PROJECT_ERROR_PROJECT_NOT_FOUND);
    assert_non_null(strstr(error.text, "\"proj_nobody\""));
    assert_false(project_service_rotate(&p, SLICE("proj_nobody"), STORE_KEY_SERVER, 0, &fresh, &error));
    assert_int_equal(error.code, PROJECT_ERROR_PROJECT_NOT_FOUND);
    assert_false(project_service_revoke(&p, SLICE("proj_nobody"), slice_from_cstr(a.server.id), &error));
    assert_int_equal(error.code, PROJECT_ERROR_PROJECT_NOT_FOUND);
    assert_false(project_service_revoke(&p, slice_from_cstr(a.id), SLICE("knothing"), &error));
    assert_int_equal(error.code, PROJECT_ERROR_KEY_NOT_FOUND);
    /* a key of another project is as unknown as one that is not there */
    assert_false(project_service_revoke(&p, slice_from_cstr(a.id), slice_from_cstr(b.server.id), &error));
    assert_int_equal(error.code, PROJECT_ERROR_KEY_NOT_FOUND);
    assert_int_equal(get_key(s, b.server.id).revoked_at_s, 0);
    store_close(s);
}

static void a_whole_key_in_place_of_its_id_is_refused_and_not_repeated(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop");
    struct project_error error;
    assert_false(project_service_revoke(&p, slice_from_cstr(keys.id), slice_from_cstr(keys.server.text), &error));
    assert_int_equal(error.code, PROJECT_ERROR_INVALID_KEY_ID);
    assert_null(strstr(error.text, keys.server.text + 15));
    store_close(s);
}

static void each_change_is_in_the_audit_without_secrets(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop"), fresh;
    struct project_error error;
    struct store_audit lines[8];
    size_t count;
    assert_true(project_service_rotate(&p, slice_from_cstr(keys.id), STORE_KEY_SERVER, 60, &fresh, &error));
    assert_true(project_service_revoke(&p, slice_from_cstr(keys.id), slice_from_cstr(keys.server.id), &error));
    assert_true(project_service_archive(&p, slice_from_cstr(keys.id), &error));
    assert_int_equal(store_audit_list(s, &(struct store_audit_filter){ 0 }, lines, 8, &count), STATUS_OK);
    assert_int_equal(count, 4);
    static const char *const begins[] = { "archive", "revoke", "rotate", "create" };
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(lines[i].what, begins[i], strlen(begins[i]));
        assert_string_equal(lines[i].who, "tester");
        assert_int_equal(lines[i].at_s, NOW);
        assert_non_null(strstr(lines[i].what, keys.id));
        assert_null(strstr(lines[i].what, "sk_"));
        assert_null(strstr(lines[i].what, "ck_"));
    }
    store_close(s);
}

static void a_failure_of_the_database_leaves_no_half_change(void **state)
{
    struct store *s = folder_store(*state);
    struct project_service p = service_on(s);
    struct project_new_keys keys = create(&p, "Shop"), fresh;
    struct project_error error;
    size_t count;
    struct store_key *list;
    assert_int_equal(store_db_exec(store_connection(s), "DROP TABLE audit"), STATUS_OK);
    assert_false(project_service_rotate(&p, slice_from_cstr(keys.id), STORE_KEY_SERVER, 60, &fresh, &error));
    assert_int_equal(error.code, PROJECT_ERROR_STORAGE_FAILED);
    assert_non_null(strstr(error.text, "audit"));
    assert_int_equal(get_key(s, keys.server.id).valid_until_s, 0);
    assert_int_equal(store_key_list(s, slice_from_cstr(keys.id), &list, &count), STATUS_OK);
    assert_int_equal(count, 2);
    mem_free(list);
    store_close(s);
}

static void the_state_of_a_key_follows_the_time(void **state)
{
    const struct {
        int64_t until, revoked;
        const char *expected;
    } rows[] = {
        { 0, 0, "active" },        { NOW + 1, 0, "ending" },        { NOW, 0, "expired" },
        { NOW - 1, 0, "expired" }, { NOW + 1, NOW - 5, "revoked" }, { 0, NOW, "revoked" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct store_key key = { .valid_until_s = rows[i].until, .revoked_at_s = rows[i].revoked };
        assert_string_equal(project_answer_key_state(&key, NOW), rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(ids_and_keys_look_as_the_design_says),
        FOLDER_TEST(only_the_hash_of_a_key_is_stored),
        FOLDER_TEST(names_are_checked),
        FOLDER_TEST(a_refused_name_takes_no_space),
        FOLDER_TEST(the_default_project_is_made_once_and_owns_space_0),
        FOLDER_TEST(the_default_project_cannot_be_archived),
        FOLDER_TEST(archiving_twice_is_the_same_as_once),
        FOLDER_TEST(rotation_ends_the_old_key_after_the_grace),
        FOLDER_TEST(rotation_leaves_a_revoked_key_alone),
        FOLDER_TEST(a_grace_past_the_limit_is_refused),
        FOLDER_TEST(revoking_twice_is_the_same_as_once),
        FOLDER_TEST(what_is_not_there_is_refused_by_name),
        FOLDER_TEST(a_whole_key_in_place_of_its_id_is_refused_and_not_repeated),
        FOLDER_TEST(each_change_is_in_the_audit_without_secrets),
        FOLDER_TEST(a_failure_of_the_database_leaves_no_half_change),
        cmocka_unit_test(the_state_of_a_key_follows_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

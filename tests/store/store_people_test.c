#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "store/store_login.h"
#include "store/store_member.h"

static struct store *store;

static void fill(uint8_t *out, int byte)
{
    memset(out, byte, STORE_SECRET_HASH_LEN);
}

static struct store_account account(const char *id, const char *email)
{
    struct store_account a = { .created_at_s = 100 };
    snprintf(a.id, sizeof a.id, "%s", id);
    snprintf(a.email, sizeof a.email, "%s", email);
    snprintf(a.name, sizeof a.name, "name of %s", id);
    snprintf(a.password, sizeof a.password, "hash of %s", id);
    return a;
}

static void insert_account(const char *id, const char *email)
{
    struct store_account a = account(id, email);
    assert_int_equal(store_account_insert(store, &a), STATUS_OK);
}

static void insert_project(const char *id, uint32_t space)
{
    struct store_project p = { .space = space, .created_at_s = 1 };
    snprintf(p.id, sizeof p.id, "%s", id);
    snprintf(p.name, sizeof p.name, "%s", id);
    assert_int_equal(store_project_insert(store, &p), STATUS_OK);
}

static int set_up(void **state)
{
    char error[STORE_ERROR_MAX] = "";
    enum status status = store_open(":memory:", &store, error);
    if (status != STATUS_OK) fail_msg("%s", error);
    insert_project("proj_a", 0);
    insert_project("proj_b", 1);
    insert_account("u1", "ann@example.com");
    insert_account("u2", "bob@example.com");
    return 0;
}

static int tear_down(void **state)
{
    store_close(store);
    return 0;
}

static void an_account_comes_back_as_it_was_stored(void **state)
{
    struct store_account a = account("u3", "Cleo@Example.com"), out;
    a.has_totp = true;
    memset(a.totp_secret, 7, sizeof a.totp_secret);
    a.totp_step = 5;
    a.instance_owner = true;
    assert_int_equal(store_account_insert(store, &a), STATUS_OK);
    assert_int_equal(store_account_get(store, SLICE("u3"), &out), STATUS_OK);
    assert_memory_equal(&out, &a, sizeof a);
    a.has_totp = false;
    memset(a.totp_secret, 0, sizeof a.totp_secret);
    a.has_totp_pending = true;
    memset(a.totp_pending, 9, sizeof a.totp_pending);
    memset(a.name, 0, sizeof a.name);
    snprintf(a.name, sizeof a.name, "Cleo");
    assert_int_equal(store_account_update(store, &a), STATUS_OK);
    assert_int_equal(store_account_get_by_email(store, SLICE("cleo@example.COM"), &out), STATUS_OK);
    assert_memory_equal(&out, &a, sizeof a);
    assert_int_equal(store_account_get(store, SLICE("u4"), &out), STATUS_NOT_FOUND);
}

static void an_email_address_is_taken_whatever_its_letters(void **state)
{
    struct store_account same = account("u3", "ANN@example.com");
    uint64_t count;
    assert_int_equal(store_account_insert(store, &same), STATUS_EXISTS);
    assert_int_equal(store_account_count(store, &count), STATUS_OK);
    assert_int_equal(count, 2);
}

static void a_recovery_code_is_used_once(void **state)
{
    uint8_t codes[2][STORE_SECRET_HASH_LEN], other[STORE_SECRET_HASH_LEN];
    fill(codes[0], 1);
    fill(codes[1], 2);
    fill(other, 3);
    assert_int_equal(store_account_set_recovery_codes(store, SLICE("u1"), codes, 2), STATUS_OK);
    assert_int_equal(store_account_take_recovery_code(store, SLICE("u1"), other), STATUS_NOT_FOUND);
    assert_int_equal(store_account_take_recovery_code(store, SLICE("u2"), codes[0]), STATUS_NOT_FOUND);
    assert_int_equal(store_account_take_recovery_code(store, SLICE("u1"), codes[0]), STATUS_OK);
    assert_int_equal(store_account_take_recovery_code(store, SLICE("u1"), codes[0]), STATUS_NOT_FOUND);
    assert_int_equal(store_account_set_recovery_codes(store, SLICE("u1"), NULL, 0), STATUS_OK);
    assert_int_equal(store_account_take_recovery_code(store, SLICE("u1"), codes[1]), STATUS_NOT_FOUND);
}

static void set_role(const char *project, const char *id, enum store_role role)
{
    struct store_member m = { .role = role, .created_at_s = 3 };
    snprintf(m.project, sizeof m.project, "%s", project);
    snprintf(m.account, sizeof m.account, "%s", id);
    assert_int_equal(store_member_set(store, &m), STATUS_OK);
}

static enum store_role role_of(const char *project, const char *id)
{
    enum store_role role;
    assert_int_equal(store_member_role(store, slice_from_cstr(project), slice_from_cstr(id), &role), STATUS_OK);
    return role;
}

static void a_member_has_one_role_in_each_project(void **state)
{
    struct store_member *members;
    size_t count;
    set_role("proj_a", "u1", STORE_ROLE_VIEWER);
    set_role("proj_a", "u2", STORE_ROLE_ADMIN);
    set_role("proj_a", "u1", STORE_ROLE_OWNER);
    set_role("proj_b", "u1", STORE_ROLE_DEVELOPER);
    assert_int_equal(role_of("proj_a", "u1"), STORE_ROLE_OWNER);
    assert_int_equal(role_of("proj_b", "u2"), STORE_ROLE_NONE);
    assert_int_equal(store_member_list(store, SLICE("proj_a"), SLICE(""), &members, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(members[0].email, "ann@example.com");
    assert_string_equal(members[1].name, "name of u2");
    mem_free(members);
    assert_int_equal(store_member_list(store, SLICE(""), SLICE("u1"), &members, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(members[1].project, "proj_b");
    mem_free(members);
    assert_int_equal(store_member_remove(store, SLICE("proj_a"), SLICE("u1")), STATUS_OK);
    assert_int_equal(store_member_remove(store, SLICE("proj_a"), SLICE("u1")), STATUS_NOT_FOUND);
    assert_int_equal(role_of("proj_a", "u1"), STORE_ROLE_NONE);
}

static void insert_invite(const char *id, const char *project, int byte, int64_t valid_until_s)
{
    struct store_invite invite = { .role = STORE_ROLE_VIEWER, .created_at_s = 1, .valid_until_s = valid_until_s };
    snprintf(invite.id, sizeof invite.id, "%s", id);
    snprintf(invite.project, sizeof invite.project, "%s", project);
    fill(invite.hash, byte);
    assert_int_equal(store_invite_insert(store, &invite), STATUS_OK);
}

static void invites_are_found_by_their_secret_and_go_when_they_are_old(void **state)
{
    struct store_invite out, *all;
    uint8_t hash[STORE_SECRET_HASH_LEN];
    size_t count;
    insert_invite("i1", "proj_a", 1, 100);
    insert_invite("i2", "proj_a", 2, 200);
    insert_invite("i3", "", 3, 200);
    fill(hash, 2);
    assert_int_equal(store_invite_get_by_hash(store, hash, &out), STATUS_OK);
    assert_string_equal(out.id, "i2");
    assert_int_equal(out.role, STORE_ROLE_VIEWER);
    assert_int_equal(store_invite_remove_old(store, 100, false), STATUS_OK);
    assert_int_equal(store_invite_list(store, SLICE("proj_a"), &all, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_string_equal(all[0].id, "i2");
    mem_free(all);
    fill(hash, 3);
    assert_int_equal(store_invite_get_by_hash(store, hash, &out), STATUS_OK);
    assert_int_equal(store_invite_remove_old(store, 100, true), STATUS_OK);
    assert_int_equal(store_invite_get_by_hash(store, hash, &out), STATUS_NOT_FOUND);
    assert_int_equal(store_invite_remove(store, SLICE("proj_b"), SLICE("i2")), STATUS_NOT_FOUND);
    assert_int_equal(store_invite_remove(store, SLICE("proj_a"), SLICE("i2")), STATUS_OK);
}

static void insert_login(const char *id, const char *of, int byte, int64_t created_at_s, int64_t last_used_at_s)
{
    struct store_login login = { .created_at_s = created_at_s, .last_used_at_s = last_used_at_s };
    snprintf(login.id, sizeof login.id, "%s", id);
    snprintf(login.account, sizeof login.account, "%s", of);
    snprintf(login.address, sizeof login.address, "127.0.0.1");
    snprintf(login.agent, sizeof login.agent, "a browser");
    fill(login.hash, byte);
    assert_int_equal(store_login_insert(store, &login), STATUS_OK);
}

static bool has_login(int byte)
{
    uint8_t hash[STORE_SECRET_HASH_LEN];
    struct store_login out;
    fill(hash, byte);
    return store_login_get_by_hash(store, hash, &out) == STATUS_OK;
}

static void sessions_end_one_by_one_all_but_one_or_by_age(void **state)
{
    struct store_login *all;
    size_t count;
    uint64_t removed;
    for (int i = 1; i <= 3; i++) insert_login((const char *[]){ "s1", "s2", "s3" }[i - 1], "u1", i, i, i);
    insert_login("s4", "u2", 4, 50, 50);
    assert_int_equal(store_login_list(store, SLICE("u1"), &all, &count), STATUS_OK);
    assert_int_equal(count, 3);
    assert_string_equal(all[0].id, "s3");
    assert_string_equal(all[0].agent, "a browser");
    mem_free(all);
    assert_int_equal(store_login_remove(store, SLICE("u2"), SLICE("s1")), STATUS_NOT_FOUND);
    assert_int_equal(store_login_remove(store, SLICE("u1"), SLICE("s1")), STATUS_OK);
    assert_int_equal(store_login_remove_others(store, SLICE("u1"), SLICE("s2"), &removed), STATUS_OK);
    assert_int_equal(removed, 1);
    assert_true(has_login(2) && has_login(4) && !has_login(1) && !has_login(3));
    assert_int_equal(store_login_touch(store, SLICE("s2"), 60), STATUS_OK);
    assert_int_equal(store_login_remove_old(store, 0, 55), STATUS_OK);
    assert_true(has_login(2) && !has_login(4));
    assert_int_equal(store_login_remove_old(store, 3, 0), STATUS_OK);
    assert_false(has_login(2));
}

static void access_tokens_are_found_by_their_hash_and_belong_to_one_account(void **state)
{
    struct store_access_token token = { .id = "t1", .account = "u1", .name = "ci", .created_at_s = 9 }, out, *all;
    size_t count;
    fill(token.hash, 5);
    assert_int_equal(store_access_token_insert(store, &token), STATUS_OK);
    assert_int_equal(store_access_token_touch(store, SLICE("t1"), 77), STATUS_OK);
    assert_int_equal(store_access_token_get_by_hash(store, token.hash, &out), STATUS_OK);
    assert_string_equal(out.name, "ci");
    assert_int_equal(out.last_used_at_s, 77);
    assert_int_equal(store_access_token_list(store, SLICE("u2"), &all, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_access_token_remove(store, SLICE("u2"), SLICE("t1")), STATUS_NOT_FOUND);
    assert_int_equal(store_access_token_remove(store, SLICE("u1"), SLICE("t1")), STATUS_OK);
    assert_int_equal(store_access_token_get_by_hash(store, token.hash, &out), STATUS_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_account_comes_back_as_it_was_stored),
        TEST(an_email_address_is_taken_whatever_its_letters),
        TEST(a_recovery_code_is_used_once),
        TEST(a_member_has_one_role_in_each_project),
        TEST(invites_are_found_by_their_secret_and_go_when_they_are_old),
        TEST(sessions_end_one_by_one_all_but_one_or_by_age),
        TEST(access_tokens_are_found_by_their_hash_and_belong_to_one_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

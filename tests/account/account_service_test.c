#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "account/account_service.h"
#include "account/account_totp.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_password.h"
#include "store/store_audit.h"

static struct account_service service;
static struct account_error error;
/* Hashing is not what these tests are about. */
static char right_hash[CRYPTO_PASSWORD_TEXT_MAX];

#define ASSERT_REFUSED(call, expected)                                                                                 \
    do {                                                                                                               \
        assert_false(call);                                                                                            \
        assert_int_equal(error.code, ACCOUNT_ERROR_##expected);                                                        \
        assert_int_not_equal(error.text[0], 0);                                                                        \
    } while (0)
#define ASSERT_GOOD(call)                                                                                              \
    do {                                                                                                               \
        if (!(call)) fail_msg("%s", error.text);                                                                       \
    } while (0)

static void insert_project(const char *id, uint32_t space)
{
    struct store_project p = { .space = space, .created_at_s = 1 };
    snprintf(p.id, sizeof p.id, "%s", id);
    snprintf(p.name, sizeof p.name, "%s", id);
    assert_int_equal(store_project_insert(service.store, &p), STATUS_OK);
}

static int set_up(void **state)
{
    char reason[STORE_ERROR_MAX] = "";
    service = (struct account_service){
        .throttle = account_throttle_new(), .now_s = 1000000, .address = SLICE("192.0.2.1"), .agent = SLICE("Firefox")
    };
    if (store_open(":memory:", &service.store, reason) != STATUS_OK) fail_msg("%s", reason);
    insert_project("proj_a", 0);
    insert_project("proj_b", 1);
    return 0;
}

static int tear_down(void **state)
{
    store_close(service.store);
    account_throttle_free(service.throttle);
    return 0;
}

static int hash_once(void **state)
{
    return crypto_password_hash(SLICE("correct horse"), right_hash) == STATUS_OK ? 0 : -1;
}

static struct account_who owner(void)
{
    struct account_secret link;
    struct store_invite invite;
    struct account_who who = { 0 };
    ASSERT_GOOD(account_setup_link(&service, &link, &error));
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(link.text), &invite, &error));
    ASSERT_GOOD(
        account_join(&service, &invite, SLICE("own@example.com"), SLICE("Owner"), right_hash, &who.account, &error));
    return who;
}

/* Somebody with this role in proj_a. */
static struct account_who member(const struct account_who *by, const char *email, enum store_role role)
{
    struct account_secret link;
    struct store_invite invite;
    struct account_who who = { 0 };
    ASSERT_GOOD(account_invite_create(&service, by, SLICE("proj_a"), role, SLICE(""), 0, &link, &invite, &error));
    ASSERT_GOOD(
        account_join(&service, &invite, slice_from_cstr(email), SLICE("Somebody"), right_hash, &who.account, &error));
    return who;
}

static bool sign_in(const char *email, bool password_fits, const char *totp, struct store_account *out)
{
    struct account_login_attempt attempt;
    if (!account_login_begin(&service, slice_from_cstr(email), &attempt, &error)) return false;
    const bool good = account_login_end(&service, &attempt, password_fits, slice_from_cstr(totp), &error);
    *out = attempt.account;
    return good;
}

static void the_setup_link_makes_one_owner_of_everything(void **state)
{
    struct account_secret first, second;
    struct store_invite invite;
    struct store_account account;
    enum store_role role;
    bool needed;
    ASSERT_GOOD(account_setup_needed(&service, &needed, &error));
    assert_true(needed);
    ASSERT_GOOD(account_setup_link(&service, &first, &error));
    ASSERT_GOOD(account_setup_link(&service, &second, &error));
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(first.text), &invite, &error), NOT_FOUND);
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(second.text), &invite, &error));
    ASSERT_GOOD(account_join(&service, &invite, SLICE("a@b"), SLICE("A"), right_hash, &account, &error));
    assert_true(account.instance_owner);
    ASSERT_GOOD(account_setup_needed(&service, &needed, &error));
    assert_false(needed);
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(second.text), &invite, &error), NOT_FOUND);
    struct account_who who = { .account = account };
    ASSERT_GOOD(account_role(&service, &who, SLICE("proj_b"), &role, &error));
    assert_int_equal(role, STORE_ROLE_OWNER);
}

static void names_and_addresses_that_are_none_are_refused(void **state)
{
    struct account_secret link;
    struct store_invite invite;
    struct store_account out;
    static const char *const bad_emails[] = { "", "ann", "@b", "a@", "a b@c", "a<b>@c", "a\n@c" };
    ASSERT_GOOD(account_setup_link(&service, &link, &error));
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(link.text), &invite, &error));
    for (size_t i = 0; i < ARRAY_COUNT(bad_emails); i++) {
        ASSERT_REFUSED(
            account_join(&service, &invite, slice_from_cstr(bad_emails[i]), SLICE("A"), right_hash, &out, &error),
            INVALID_VALUE);
        assert_string_equal(error.field, "email");
    }
    ASSERT_REFUSED(account_join(&service, &invite, SLICE("a@b"), SLICE("A\x1b[2J"), right_hash, &out, &error),
                   INVALID_VALUE);
    assert_string_equal(error.field, "name");
    ASSERT_REFUSED(account_check_password(SLICE("123456789"), &error), INVALID_VALUE);
    assert_true(account_check_password(SLICE("1234567890"), &error));
}

static void a_wrong_password_and_an_unknown_address_are_told_alike(void **state)
{
    struct store_account out;
    char text[ACCOUNT_ERROR_TEXT_MAX];
    owner();
    ASSERT_REFUSED(sign_in("own@example.com", false, "", &out), BAD_CREDENTIALS);
    memcpy(text, error.text, sizeof text);
    ASSERT_REFUSED(sign_in("nobody@example.com", true, "", &out), BAD_CREDENTIALS);
    assert_string_equal(error.text, text);
    ASSERT_GOOD(sign_in("OWN@example.com", true, "", &out));
    assert_string_equal(out.email, "own@example.com");
}

static void the_hash_of_nobody_is_as_costly_as_a_real_one_and_fits_nothing(void **state)
{
    struct account_login_attempt attempt;
    ASSERT_GOOD(account_login_begin(&service, SLICE("nobody@example.com"), &attempt, &error));
    assert_false(attempt.known);
    assert_false(crypto_password_verify(attempt.password, SLICE("")));
    assert_memory_equal(attempt.password, right_hash, strlen("$argon2id$v=19$m=65536,t=2,p=1$"));
}

static void failures_are_slowed_by_account_and_by_address(void **state)
{
    struct store_account out;
    owner();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) assert_false(sign_in("own@example.com", false, "", &out));
    ASSERT_REFUSED(sign_in("OWN@EXAMPLE.COM", true, "", &out), THROTTLED);
    assert_int_equal(error.retry_after_s, 1);
    ASSERT_REFUSED(sign_in("else@example.com", true, "", &out), THROTTLED); /* from this address */
    service.address = SLICE("192.0.2.2");
    ASSERT_REFUSED(sign_in("own@example.com", true, "", &out), THROTTLED);
    service.now_s++;
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out));
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out));
}

static void make_code(const struct account_who *who, char out[12])
{
    const uint8_t *secret = who->account.has_totp ? who->account.totp_secret : who->account.totp_pending;
    for (int number = 0; number < 1000000; number++) {
        snprintf(out, 12, "%06d", number);
        if (account_totp_check(secret, slice_of(out, 6), service.now_s, who->account.totp_step) > 0) return;
    }
    fail_msg("no code fits");
}

static void an_authenticator_app_is_asked_for_once_a_code_has_confirmed_it(void **state)
{
    struct account_who who = owner();
    struct account_secret recovery[ACCOUNT_RECOVERY_CODES];
    struct store_account out;
    char code[12];
    ASSERT_REFUSED(account_totp_confirm(&service, &who, SLICE("000000"), recovery, &error), CONFLICT);
    ASSERT_GOOD(account_totp_begin(&service, &who, &error));
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out)); /* not yet */
    make_code(&who, code);
    ASSERT_REFUSED(account_totp_confirm(&service, &who, SLICE("12345"), recovery, &error), BAD_TOTP);
    ASSERT_GOOD(account_totp_confirm(&service, &who, slice_of(code, 6), recovery, &error));
    ASSERT_REFUSED(sign_in("own@example.com", true, "", &out), TOTP_REQUIRED);
    ASSERT_REFUSED(sign_in("own@example.com", true, code, &out), BAD_TOTP); /* it was used to confirm */
    service.now_s += 60;
    make_code(&who, code);
    ASSERT_GOOD(sign_in("own@example.com", true, code, &out));
    ASSERT_REFUSED(sign_in("own@example.com", true, code, &out), BAD_TOTP);
    ASSERT_GOOD(sign_in("own@example.com", true, recovery[3].text, &out));
    ASSERT_REFUSED(sign_in("own@example.com", true, recovery[3].text, &out), BAD_TOTP);
    ASSERT_REFUSED(account_totp_begin(&service, &who, &error), CONFLICT);
    ASSERT_GOOD(account_totp_disable(&service, &who, &error));
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out));
}

/* The hash of a password runs elsewhere: what begins before the first has failed counts too. */
static void tries_that_run_at_once_do_not_pass_the_limit_together(void **state)
{
    struct account_login_attempt attempt;
    owner();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++)
        ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &attempt, &error));
    ASSERT_REFUSED(account_login_begin(&service, SLICE("own@example.com"), &attempt, &error), THROTTLED);
}

static void a_try_that_did_not_take_place_does_not_count(void **state)
{
    struct account_login_attempt attempt;
    owner();
    for (int i = 0; i < 3 * ACCOUNT_THROTTLE_FREE; i++) {
        ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &attempt, &error));
        account_login_cancel(&service, &attempt);
    }
}

static void who_has_an_account_does_not_get_free_tries_at_others_by_it(void **state)
{
    struct store_account out;
    const struct account_who boss = owner();
    member(&boss, "mallory@example.com", STORE_ROLE_VIEWER);
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) {
        char email[40];
        snprintf(email, sizeof email, "victim%d@example.com", i);
        if (i == 3) ASSERT_GOOD(sign_in("mallory@example.com", true, "", &out));
        ASSERT_REFUSED(sign_in(email, false, "", &out), BAD_CREDENTIALS);
    }
    ASSERT_REFUSED(sign_in("own@example.com", false, "", &out), THROTTLED);
}

static void all_addresses_of_one_ipv6_network_count_as_one(void **state)
{
    struct store_account out;
    char address[48], email[40];
    owner();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) {
        snprintf(address, sizeof address, "2001:db8:1:2:%x::1", i + 1);
        snprintf(email, sizeof email, "victim%d@example.com", i);
        service.address = slice_from_cstr(address);
        ASSERT_REFUSED(sign_in(email, false, "", &out), BAD_CREDENTIALS);
    }
    service.address = SLICE("2001:db8:1:2::ffff");
    ASSERT_REFUSED(sign_in("own@example.com", true, "", &out), THROTTLED);
    service.address = SLICE("2001:db8:1:3::1");
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out));
    service.address = SLICE("::ffff:192.0.2.7");
    ASSERT_GOOD(sign_in("own@example.com", true, "", &out));
}

/* While the hash of a try runs, another call changes the account. */
static void a_sign_in_takes_the_account_as_it_is_when_the_hash_is_done(void **state)
{
    struct account_who who = owner();
    struct account_login_attempt first, second;
    struct account_secret recovery[ACCOUNT_RECOVERY_CODES];
    struct store_account now;
    char code[12];
    ASSERT_GOOD(account_totp_begin(&service, &who, &error));
    ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &first, &error));
    make_code(&who, code);
    ASSERT_GOOD(account_totp_confirm(&service, &who, slice_of(code, 6), recovery, &error));
    ASSERT_REFUSED(account_login_end(&service, &first, true, SLICE(""), &error), TOTP_REQUIRED);
    service.now_s += 60;
    make_code(&who, code);
    ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &first, &error));
    ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &second, &error));
    ASSERT_GOOD(account_login_end(&service, &first, true, slice_of(code, 6), &error));
    ASSERT_REFUSED(account_login_end(&service, &second, true, slice_of(code, 6), &error), BAD_TOTP);
    service.now_s += 60;
    make_code(&who, code);
    ASSERT_GOOD(account_login_begin(&service, SLICE("own@example.com"), &first, &error));
    ASSERT_GOOD(account_set_password(&service, &who, "another hash", &error));
    ASSERT_REFUSED(account_login_end(&service, &first, true, slice_of(code, 6), &error), BAD_CREDENTIALS);
    assert_int_equal(store_account_get_by_email(service.store, SLICE("own@example.com"), &now), STATUS_OK);
    assert_string_equal(now.password, "another hash");
    assert_true(now.has_totp);
}

static struct account_secret session_of(const struct account_who *who)
{
    struct account_secret secret;
    char id[STORE_LOGIN_ID_MAX];
    ASSERT_GOOD(account_session_open(&service, &who->account, &secret, id, &error));
    return secret;
}

static bool is_in(const struct account_secret *secret)
{
    struct account_who out;
    return account_session_find(&service, slice_from_cstr(secret->text), &out, &error);
}

static void a_session_ends_when_it_is_closed_unused_or_old(void **state)
{
    struct account_who who = owner(), found;
    struct account_secret first = session_of(&who), second = session_of(&who), third = session_of(&who);
    uint64_t closed;
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(first.text), &found, &error));
    assert_string_equal(found.account.email, "own@example.com");
    ASSERT_GOOD(account_session_close(&service, &found, slice_from_cstr(found.session), &error));
    ASSERT_REFUSED(is_in(&first), NOT_SIGNED_IN);
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(second.text), &found, &error));
    ASSERT_GOOD(account_session_close_others(&service, &found, &closed, &error));
    assert_int_equal(closed, 1);
    assert_false(is_in(&third));
    for (int i = 0; i < 9; i++) { /* in use all the time, for 90 days */
        assert_true(is_in(&second));
        service.now_s += ACCOUNT_SESSION_MAX_S / 9;
    }
    assert_true(is_in(&second));
    service.now_s++;
    assert_false(is_in(&second));
    struct account_secret unused = session_of(&who);
    service.now_s += ACCOUNT_SESSION_IDLE_S;
    assert_true(is_in(&unused));
    service.now_s += ACCOUNT_SESSION_IDLE_S + 1;
    assert_false(is_in(&unused));
}

static void a_new_password_ends_the_other_sessions(void **state)
{
    struct account_who who = owner();
    struct account_secret here = session_of(&who), elsewhere = session_of(&who);
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(here.text), &who, &error));
    ASSERT_GOOD(account_set_password(&service, &who, "another hash", &error));
    assert_true(is_in(&here));
    assert_false(is_in(&elsewhere));
    assert_string_equal(who.account.password, "another hash");
}

static void a_new_password_ends_the_access_tokens(void **state)
{
    struct account_who who = owner();
    struct account_secret secret;
    struct store_access_token token;
    ASSERT_GOOD(account_token_create(&service, &who, SLICE("ci"), 0, &secret, &token, &error));
    assert_true(is_in(&secret));
    ASSERT_GOOD(account_set_password(&service, &who, "another hash", &error));
    assert_false(is_in(&secret));
}

static void who_was_signed_out_while_a_hash_ran_changes_nothing(void **state)
{
    struct account_who boss = owner(), thief;
    struct account_secret stolen = session_of(&boss), here = session_of(&boss);
    uint64_t closed;
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(stolen.text), &thief, &error));
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(here.text), &boss, &error));
    ASSERT_GOOD(account_session_close_others(&service, &boss, &closed, &error));
    ASSERT_REFUSED(account_set_password(&service, &thief, "the thief's", &error), NOT_SIGNED_IN);
    ASSERT_REFUSED(account_totp_disable(&service, &thief, &error), NOT_SIGNED_IN);
    ASSERT_GOOD(account_set_password(&service, &boss, "the owner's", &error));
}

static void who_may_invite_no_more_has_no_links_left(void **state)
{
    const struct account_who boss = owner();
    const struct account_who admin = member(&boss, "admin@example.com", STORE_ROLE_ADMIN);
    const struct slice project = SLICE("proj_a"), id = slice_from_cstr(admin.account.id);
    struct account_secret kept, low;
    struct store_invite invite;
    ASSERT_GOOD(account_invite_create(&service, &boss, project, STORE_ROLE_ADMIN, SLICE(""), 0, &low, &invite, &error));
    ASSERT_GOOD(
        account_invite_create(&service, &admin, project, STORE_ROLE_VIEWER, SLICE(""), 0, &kept, &invite, &error));
    ASSERT_GOOD(account_member_set_role(&service, &boss, project, id, STORE_ROLE_ADMIN, &error));
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(kept.text), &invite, &error));
    ASSERT_GOOD(account_member_set_role(&service, &boss, project, id, STORE_ROLE_DEVELOPER, &error));
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(kept.text), &invite, &error), NOT_FOUND);
    ASSERT_GOOD(account_member_set_role(&service, &boss, project, id, STORE_ROLE_ADMIN, &error));
    ASSERT_GOOD(
        account_invite_create(&service, &admin, project, STORE_ROLE_ADMIN, SLICE(""), 0, &kept, &invite, &error));
    ASSERT_GOOD(account_member_remove(&service, &boss, project, id, &error));
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(kept.text), &invite, &error), NOT_FOUND);
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(low.text), &invite, &error)); /* the owner's own */
}

static void of_two_who_join_by_one_link_at_once_the_second_is_told_that_it_is_used(void **state)
{
    const struct account_who boss = owner();
    struct account_secret link;
    struct store_invite first, second;
    struct store_account out;
    ASSERT_GOOD(account_invite_create(&service, &boss, SLICE("proj_a"), STORE_ROLE_VIEWER, SLICE(""), 0, &link, &first,
                                      &error));
    ASSERT_GOOD(account_invite_find(&service, slice_from_cstr(link.text), &second, &error));
    ASSERT_GOOD(account_join(&service, &first, SLICE("a@example.com"), SLICE("A"), right_hash, &out, &error));
    ASSERT_REFUSED(account_join(&service, &second, SLICE("b@example.com"), SLICE("B"), right_hash, &out, &error),
                   NOT_FOUND);
    assert_int_equal(store_account_get_by_email(service.store, SLICE("b@example.com"), &out), STATUS_NOT_FOUND);
}

static void names_that_deceive_the_eye_are_refused(void **state)
{
    struct account_who who = owner();
    const char *names[] = { "adm\u202eni", "a\u2066b", "a\u2028b", "a\u200bb", "a\ufeff", "a\u2060b" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        ASSERT_REFUSED(account_rename(&service, &who, slice_from_cstr(names[i]), &error), INVALID_VALUE);
    ASSERT_GOOD(
        account_rename(&service, &who, SLICE("\u0646\u06cc\u200c\u0627"), &error)); /* a joiner is of the script */
}

static void access_tokens_work_until_their_end_or_removal(void **state)
{
    struct account_who who = owner(), found;
    struct account_secret secret, forever;
    struct store_access_token token, other;
    ASSERT_GOOD(account_token_create(&service, &who, SLICE("ci"), 60, &secret, &token, &error));
    ASSERT_GOOD(account_token_create(&service, &who, SLICE("cron"), 0, &forever, &other, &error));
    ASSERT_GOOD(account_session_find(&service, slice_from_cstr(secret.text), &found, &error));
    assert_string_equal(found.session, "");
    service.now_s += 60;
    assert_false(is_in(&secret));
    assert_true(is_in(&forever));
    ASSERT_GOOD(account_token_remove(&service, &who, slice_from_cstr(other.id), &error));
    assert_false(is_in(&forever));
    ASSERT_REFUSED(account_token_remove(&service, &who, slice_from_cstr(other.id), &error), NOT_FOUND);
    for (int i = 1; i < ACCOUNT_TOKENS_MAX; i++)
        ASSERT_GOOD(account_token_create(&service, &who, SLICE("x"), 0, &secret, &token, &error));
    ASSERT_REFUSED(account_token_create(&service, &who, SLICE("x"), 0, &secret, &token, &error), CONFLICT);
}

static void nobody_invites_above_their_own_role(void **state)
{
    struct account_who top = owner();
    static const struct {
        enum store_role own, invited;
        bool allowed;
    } rows[] = {
        { STORE_ROLE_VIEWER, STORE_ROLE_VIEWER, false }, { STORE_ROLE_DEVELOPER, STORE_ROLE_VIEWER, false },
        { STORE_ROLE_ADMIN, STORE_ROLE_ADMIN, true },    { STORE_ROLE_ADMIN, STORE_ROLE_OWNER, false },
        { STORE_ROLE_OWNER, STORE_ROLE_OWNER, true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char email[32];
        struct account_secret link;
        struct store_invite invite;
        snprintf(email, sizeof email, "m%zu@example.com", i);
        struct account_who who = member(&top, email, rows[i].own);
        assert_int_equal(account_invite_create(&service, &who, SLICE("proj_a"), rows[i].invited, SLICE(""), 0, &link,
                                               &invite, &error),
                         rows[i].allowed);
        ASSERT_REFUSED(account_invite_create(&service, &who, SLICE("proj_b"), STORE_ROLE_VIEWER, SLICE(""), 0, &link,
                                             &invite, &error),
                       FORBIDDEN);
        ASSERT_REFUSED(
            account_invite_create(&service, &who, SLICE(""), STORE_ROLE_OWNER, SLICE(""), 0, &link, &invite, &error),
            FORBIDDEN);
    }
}

static void an_invite_is_used_once_by_whom_it_is_for_and_in_time(void **state)
{
    struct account_who top = owner(), who;
    struct account_secret link;
    struct store_invite invite;
    ASSERT_GOOD(account_invite_create(&service, &top, SLICE("proj_a"), STORE_ROLE_VIEWER, SLICE("bob@example.com"), 60,
                                      &link, &invite, &error));
    ASSERT_REFUSED(
        account_join(&service, &invite, SLICE("eve@example.com"), SLICE("Eve"), right_hash, &who.account, &error),
        FORBIDDEN);
    ASSERT_REFUSED(
        account_join(&service, &invite, SLICE("own@example.com"), SLICE("O"), right_hash, &who.account, &error),
        FORBIDDEN);
    ASSERT_GOOD(
        account_join(&service, &invite, SLICE("Bob@example.com"), SLICE("Bob"), right_hash, &who.account, &error));
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(link.text), &invite, &error), NOT_FOUND);
    ASSERT_GOOD(account_invite_create(&service, &top, SLICE("proj_b"), STORE_ROLE_ADMIN, SLICE(""), 60, &link, &invite,
                                      &error));
    ASSERT_REFUSED(
        account_join(&service, &invite, SLICE("bob@example.com"), SLICE("Bob"), right_hash, &who.account, &error),
        CONFLICT);
    assert_int_equal(store_account_get_by_email(service.store, SLICE("bob@example.com"), &who.account), STATUS_OK);
    ASSERT_GOOD(account_accept(&service, &invite, &who, &error));
    enum store_role role;
    ASSERT_GOOD(account_role(&service, &who, SLICE("proj_b"), &role, &error));
    assert_int_equal(role, STORE_ROLE_ADMIN);
    ASSERT_GOOD(account_invite_create(&service, &top, SLICE("proj_a"), STORE_ROLE_VIEWER, SLICE(""), 60, &link, &invite,
                                      &error));
    service.now_s += 60;
    ASSERT_REFUSED(account_invite_find(&service, slice_from_cstr(link.text), &invite, &error), NOT_FOUND);
    ASSERT_REFUSED(account_invite_find(&service, SLICE("inv_x"), &invite, &error), NOT_FOUND);
}

static void the_last_owner_stays_and_only_owners_touch_owners(void **state)
{
    struct account_who top = owner();
    struct account_who ann = member(&top, "ann@example.com", STORE_ROLE_OWNER);
    struct account_who adam = member(&top, "adam@example.com", STORE_ROLE_ADMIN);
    const struct slice ann_id = slice_from_cstr(ann.account.id), adam_id = slice_from_cstr(adam.account.id);
    const struct slice project = SLICE("proj_a");
    ASSERT_REFUSED(account_member_set_role(&service, &ann, project, ann_id, STORE_ROLE_ADMIN, &error), CONFLICT);
    ASSERT_REFUSED(account_member_remove(&service, &ann, project, ann_id, &error), CONFLICT);
    ASSERT_REFUSED(account_member_set_role(&service, &adam, project, adam_id, STORE_ROLE_OWNER, &error), FORBIDDEN);
    ASSERT_REFUSED(account_member_remove(&service, &adam, project, ann_id, &error), FORBIDDEN);
    ASSERT_GOOD(account_member_set_role(&service, &ann, project, adam_id, STORE_ROLE_OWNER, &error));
    ASSERT_GOOD(account_member_remove(&service, &adam, project, ann_id, &error));
    ASSERT_REFUSED(account_member_remove(&service, &adam, project, ann_id, &error), NOT_FOUND);
    ASSERT_REFUSED(account_member_set_role(&service, &adam, project, SLICE("acc_x"), STORE_ROLE_VIEWER, &error),
                   NOT_FOUND);
}

static void changes_are_in_the_audit_without_secrets(void **state)
{
    struct account_who who = owner();
    struct account_secret session = session_of(&who), token_text;
    struct store_access_token token;
    struct store_audit lines[16];
    size_t count;
    ASSERT_GOOD(account_token_create(&service, &who, SLICE("ci"), 0, &token_text, &token, &error));
    assert_int_equal(store_audit_list(service.store, &(struct store_audit_filter){ 0 }, lines, 16, &count), STATUS_OK);
    assert_int_equal(count, 4);
    assert_non_null(strstr(lines[0].what, token.id));
    assert_string_equal(lines[1].what, "sign in from 192.0.2.1");
    assert_string_equal(lines[2].what, "join as owner");
    for (size_t i = 0; i < count; i++) {
        assert_null(strstr(lines[i].what, token_text.text));
        assert_null(strstr(lines[i].what, session.text));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_setup_link_makes_one_owner_of_everything),
        TEST(names_and_addresses_that_are_none_are_refused),
        TEST(a_wrong_password_and_an_unknown_address_are_told_alike),
        TEST(the_hash_of_nobody_is_as_costly_as_a_real_one_and_fits_nothing),
        TEST(failures_are_slowed_by_account_and_by_address),
        TEST(an_authenticator_app_is_asked_for_once_a_code_has_confirmed_it),
        TEST(a_session_ends_when_it_is_closed_unused_or_old),
        TEST(a_new_password_ends_the_other_sessions),
        TEST(access_tokens_work_until_their_end_or_removal),
        TEST(nobody_invites_above_their_own_role),
        TEST(an_invite_is_used_once_by_whom_it_is_for_and_in_time),
        TEST(the_last_owner_stays_and_only_owners_touch_owners),
        TEST(tries_that_run_at_once_do_not_pass_the_limit_together),
        TEST(a_try_that_did_not_take_place_does_not_count),
        TEST(who_has_an_account_does_not_get_free_tries_at_others_by_it),
        TEST(all_addresses_of_one_ipv6_network_count_as_one),
        TEST(a_sign_in_takes_the_account_as_it_is_when_the_hash_is_done),
        TEST(a_new_password_ends_the_access_tokens),
        TEST(who_was_signed_out_while_a_hash_ran_changes_nothing),
        TEST(who_may_invite_no_more_has_no_links_left),
        TEST(of_two_who_join_by_one_link_at_once_the_second_is_told_that_it_is_used),
        TEST(names_that_deceive_the_eye_are_refused),
        TEST(changes_are_in_the_audit_without_secrets),
    };
    return cmocka_run_group_tests(tests, hash_once, NULL);
}

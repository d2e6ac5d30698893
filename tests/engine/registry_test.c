#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "engine/registry.h"

#define ANN SLICE("ann")

static void a_user_is_known_on_the_workers_of_its_connections(void **state)
{
    (void)state;
    struct registry *r = registry_new();
    assert_int_equal(registry_workers(r, 0, ANN), 0);
    assert_int_equal(registry_add(r, 0, ANN, 3, 0, NULL), STATUS_OK);
    assert_int_equal(registry_workers(r, 0, ANN), 1u << 3);
    assert_int_equal(registry_add(r, 0, ANN, 3, 0, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, ANN, 0, 0, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, ANN, 63, 0, NULL), STATUS_OK);
    assert_int_equal(registry_user_count(r), 1);
    assert_true(registry_workers(r, 0, ANN) == (UINT64_C(1) << 63 | 1u << 3 | 1));
    registry_remove(r, 0, ANN, 3);
    assert_true(registry_workers(r, 0, ANN) == (UINT64_C(1) << 63 | 1u << 3 | 1));
    registry_remove(r, 0, ANN, 3);
    assert_true(registry_workers(r, 0, ANN) == (UINT64_C(1) << 63 | 1));
    registry_remove(r, 0, ANN, 63);
    registry_remove(r, 0, ANN, 0);
    assert_int_equal(registry_workers(r, 0, ANN), 0);
    assert_int_equal(registry_user_count(r), 0);
    registry_free(r);
}

static void users_of_other_spaces_and_names_are_others(void **state)
{
    (void)state;
    struct registry *r = registry_new();
    assert_int_equal(registry_add(r, 0, ANN, 0, 1, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 1, ANN, 1, 1, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, SLICE(""), 2, 1, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, SLICE("an"), 3, 1, NULL), STATUS_OK);
    assert_int_equal(registry_user_count(r), 4);
    assert_int_equal(registry_workers(r, 0, ANN), 1);
    assert_int_equal(registry_workers(r, 1, ANN), 2);
    assert_int_equal(registry_workers(r, 0, SLICE("")), 4);
    registry_free(r); /* also with users inside */
}

static void the_limit_counts_all_workers_and_refuses_one_more(void **state)
{
    (void)state;
    struct registry *r = registry_new();
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(registry_add(r, 0, ANN, i, 3, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, ANN, 3, 3, NULL), STATUS_TOO_LARGE);
    assert_int_equal(registry_workers(r, 0, ANN), 7);
    registry_remove(r, 0, ANN, 1);
    assert_int_equal(registry_add(r, 0, ANN, 3, 3, NULL), STATUS_OK);
    assert_int_equal(registry_add(r, 0, ANN, 3, 2, NULL), STATUS_TOO_LARGE); /* the limit was lowered */
    assert_int_equal(registry_add(r, 0, ANN, 3, 0, NULL), STATUS_OK);
    registry_free(r);
}

static void a_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    for (size_t before = 0; before < 3; before++) {
        for (size_t n = 1; n < 5; n++) {
            struct registry *r = registry_new();
            for (size_t i = 0; i < before; i++) assert_int_equal(registry_add(r, 0, ANN, 1, 0, NULL), STATUS_OK);
            mem_fail_after(n);
            enum status status = registry_add(r, 0, ANN, 2, 0, NULL);
            bool failed = !mem_fail_pending();
            mem_fail_after(0);
            assert_true(status == STATUS_OK || (status == STATUS_NO_MEMORY && failed));
            assert_int_equal(registry_workers(r, 0, ANN), (before ? 2u : 0u) | (status == STATUS_OK ? 4u : 0u));
            assert_int_equal(registry_user_count(r), before || status == STATUS_OK ? 1 : 0);
            for (size_t i = 0; i < before; i++) registry_remove(r, 0, ANN, 1);
            if (status == STATUS_OK) registry_remove(r, 0, ANN, 2);
            assert_int_equal(registry_user_count(r), 0);
            registry_free(r);
        }
    }
}

struct thread {
    struct registry *registry;
    uint32_t worker;
    unsigned held, refused;
};

enum { THREADS = 4, ROUNDS = 3000, USERS = 5, LIMIT = 2 };

static void *come_and_go(void *context)
{
    struct thread *t = context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "user%u", i % USERS);
        switch (registry_add(t->registry, 0, slice_from_cstr(name), t->worker, LIMIT, NULL)) {
        case STATUS_OK:
            t->held++;
            if (!(registry_workers(t->registry, 0, slice_from_cstr(name)) >> t->worker & 1)) return context;
            registry_remove(t->registry, 0, slice_from_cstr(name), t->worker);
            break;
        case STATUS_TOO_LARGE: t->refused++; break;
        default: return context;
        }
        (void)registry_user_count(t->registry);
    }
    return NULL;
}

static void threads_come_and_go_and_leave_nothing(void **state)
{
    (void)state;
    struct registry *r = registry_new();
    struct thread threads[THREADS];
    pthread_t ids[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){ .registry = r, .worker = i };
        assert_int_equal(pthread_create(&ids[i], NULL, come_and_go, &threads[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(ids[i], &failed);
        assert_null(failed);
        assert_int_equal(threads[i].held + threads[i].refused, ROUNDS);
    }
    assert_int_equal(registry_user_count(r), 0);
    registry_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_known_on_the_workers_of_its_connections),
        cmocka_unit_test(users_of_other_spaces_and_names_are_others),
        cmocka_unit_test(the_limit_counts_all_workers_and_refuses_one_more),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
        cmocka_unit_test(threads_come_and_go_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

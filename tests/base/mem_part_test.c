#include <pthread.h>
#include <stdlib.h>

#include "base/support/cm.h"

#include "base/blob.h"
#include "base/check.h"
#include "base/mem_part.h"

static struct mem_part_sum sum_of(enum mem_part part)
{
    struct mem_part_sum sums[MEM_PART_COUNT];
    mem_part_sums(sums);
    return sums[part];
}

static void a_block_counts_from_its_alloc_to_its_free(void **state)
{
    struct mem_part_sum before = sum_of(MEM_USERS);
    char *p = mem_part_alloc(MEM_USERS, 100);
    struct mem_part_sum held = sum_of(MEM_USERS);
    assert_int_equal(held.blocks, before.blocks + 1);
    assert_in_range(held.bytes - before.bytes, 100, 132);
    p = mem_part_realloc(MEM_USERS, p, 5000);
    held = sum_of(MEM_USERS);
    assert_int_equal(held.blocks, before.blocks + 1);
    assert_in_range(held.bytes - before.bytes, 5000, 5040);
    mem_part_free(MEM_USERS, p);
    mem_part_free(MEM_USERS, NULL);
    assert_int_equal(sum_of(MEM_USERS).bytes, before.bytes);
    assert_int_equal(sum_of(MEM_USERS).blocks, before.blocks);
}

static void a_failed_allocation_counts_nothing(void **state)
{
    struct mem_part_sum before = sum_of(MEM_USERS);
    void *p = mem_part_alloc(MEM_USERS, 100);
    struct mem_part_sum held = sum_of(MEM_USERS);
    mem_fail_after(1);
    assert_null(mem_part_alloc(MEM_USERS, 1));
    mem_fail_after(1);
    assert_null(mem_part_alloc_zero(MEM_USERS, 1));
    mem_fail_after(1);
    assert_null(mem_part_realloc(MEM_USERS, p, 1000));
    assert_int_equal(sum_of(MEM_USERS).bytes, held.bytes);
    assert_int_equal(sum_of(MEM_USERS).blocks, held.blocks);
    mem_part_free(MEM_USERS, p);
    assert_int_equal(sum_of(MEM_USERS).bytes, before.bytes);
}

static void *free_it(void *context)
{
    mem_part_free(MEM_PRESENCE, context);
    return NULL;
}

static void a_block_may_be_freed_by_another_thread(void **state)
{
    struct mem_part_sum before = sum_of(MEM_PRESENCE);
    pthread_t thread;
    void *p = mem_part_alloc(MEM_PRESENCE, 1000);
    assert_int_equal(pthread_create(&thread, NULL, free_it, p), 0);
    pthread_join(thread, NULL);
    assert_int_equal(sum_of(MEM_PRESENCE).bytes, before.bytes);
    assert_int_equal(sum_of(MEM_PRESENCE).blocks, before.blocks);
}

#define THREADS 200 /* more than have a set of their own */
#define ROUNDS  500

static void *take_and_keep(void *context)
{
    for (int i = 0; i < ROUNDS; i++) mem_part_free(MEM_HISTORY, mem_part_alloc(MEM_HISTORY, 10));
    *(void **)context = mem_part_alloc(MEM_HISTORY, 10);
    return NULL;
}

static void more_threads_than_have_a_set_of_their_own_count_right(void **state)
{
    static void *kept[THREADS];
    pthread_t threads[THREADS];
    struct mem_part_sum before = sum_of(MEM_HISTORY);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_and_keep, &kept[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(sum_of(MEM_HISTORY).blocks, before.blocks + THREADS);
    for (int i = 0; i < THREADS; i++) mem_part_free(MEM_HISTORY, kept[i]);
    assert_int_equal(sum_of(MEM_HISTORY).bytes, before.bytes);
}

static void a_blob_is_the_historys_while_it_is_stored(void **state)
{
    struct mem_part_sum queues = sum_of(MEM_OUTPUT_QUEUES), history = sum_of(MEM_HISTORY);
    struct blob *b = blob_new(BLOB_MESSAGE, 4, 1000, 1);
    uint64_t bytes = sum_of(MEM_OUTPUT_QUEUES).bytes - queues.bytes;
    assert_true(bytes > 1000);
    for (int i = 0; i < 2; i++) blob_count_stored(b, true);
    assert_int_equal(sum_of(MEM_OUTPUT_QUEUES).bytes, queues.bytes);
    assert_int_equal(sum_of(MEM_HISTORY).bytes, history.bytes + bytes);
    blob_count_stored(b, false);
    assert_int_equal(sum_of(MEM_OUTPUT_QUEUES).bytes, queues.bytes + bytes);
    blob_count_stored(b, true);
    blob_unref(b);
    assert_int_equal(sum_of(MEM_OUTPUT_QUEUES).bytes, queues.bytes);
    assert_int_equal(sum_of(MEM_HISTORY).bytes, history.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_counts_from_its_alloc_to_its_free),
        cmocka_unit_test(a_failed_allocation_counts_nothing),
        cmocka_unit_test(a_block_may_be_freed_by_another_thread),
        cmocka_unit_test(a_blob_is_the_historys_while_it_is_stored),
        cmocka_unit_test(more_threads_than_have_a_set_of_their_own_count_right), /* the last: it takes all sets */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

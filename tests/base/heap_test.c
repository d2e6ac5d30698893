#include <stdlib.h>

#include "base/support/cm.h"
#include "base/support/random.h"

#include "base/heap.h"
#include "base/mem.h"

#define NODES 2000

static struct heap_node nodes[NODES];

static void reset_nodes(void)
{
    for (size_t i = 0; i < NODES; i++) nodes[i] = (struct heap_node){ .index = HEAP_OUTSIDE };
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Takes all nodes out and checks that their keys come sorted and are those of the model. */
static void assert_drains_sorted(struct heap *h)
{
    static uint64_t keys[NODES];
    size_t count = 0;
    for (size_t i = 0; i < NODES; i++)
        if (nodes[i].index != HEAP_OUTSIDE) keys[count++] = nodes[i].key;
    qsort(keys, count, sizeof keys[0], compare_keys);
    assert_int_equal(h->count, count);
    for (size_t i = 0; i < count; i++) {
        struct heap_node *top = heap_top(h);
        assert_int_equal(top->key, keys[i]);
        heap_remove(h, top);
        assert_int_equal(top->index, HEAP_OUTSIDE);
    }
    assert_null(heap_top(h));
}

static void keys_come_out_as_sorted(void **state)
{
    static const uint32_t key_counts[] = { 1, 10, 1000000 };
    for (size_t k = 0; k < 3; k++) {
        struct heap h;
        heap_init(&h);
        reset_nodes();
        struct random random = { k + 5 };
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(heap_set(&h, &nodes[i], random_below(&random, key_counts[k])), STATUS_OK);
        assert_drains_sorted(&h);
        heap_deinit(&h);
    }
}

static void changes_and_removals_keep_the_order(void **state)
{
    struct heap h;
    heap_init(&h);
    reset_nodes();
    struct random random = { 99 };
    for (int step = 0; step < 50000; step++) {
        struct heap_node *node = &nodes[random_below(&random, NODES)];
        if (random_below(&random, 3) == 0)
            heap_remove(&h, node);
        else
            assert_int_equal(heap_set(&h, node, random_next(&random) >> random_below(&random, 64)), STATUS_OK);
        if (h.count) assert_ptr_equal(h.nodes_[heap_top(&h)->index], heap_top(&h));
    }
    assert_drains_sorted(&h);
    heap_deinit(&h);
}

static void the_extreme_keys_are_ordered_too(void **state)
{
    struct heap h;
    heap_init(&h);
    reset_nodes();
    assert_int_equal(heap_set(&h, &nodes[0], UINT64_MAX), STATUS_OK);
    assert_int_equal(heap_set(&h, &nodes[1], 0), STATUS_OK);
    assert_ptr_equal(heap_top(&h), &nodes[1]);
    assert_int_equal(heap_set(&h, &nodes[1], UINT64_MAX), STATUS_OK);
    assert_int_equal(heap_set(&h, &nodes[0], 0), STATUS_OK);
    assert_ptr_equal(heap_top(&h), &nodes[0]);
    heap_deinit(&h);
}

static void removing_an_outsider_does_nothing(void **state)
{
    struct heap h;
    heap_init(&h);
    reset_nodes();
    heap_remove(&h, &nodes[0]);
    assert_int_equal(h.count, 0);
    assert_null(heap_top(&h));
    heap_deinit(&h);
}

static void without_memory_the_node_stays_outside(void **state)
{
    struct heap h;
    heap_init(&h);
    reset_nodes();
    mem_fail_after(1);
    assert_int_equal(heap_set(&h, &nodes[0], 1), STATUS_NO_MEMORY);
    assert_int_equal(nodes[0].index, HEAP_OUTSIDE);
    assert_int_equal(h.count, 0);
    for (size_t i = 0; i < 100; i++) assert_int_equal(heap_set(&h, &nodes[i], i), STATUS_OK);
    mem_fail_after(1); /* the shrinking: not an error */
    for (size_t i = 0; i < 100; i++) heap_remove(&h, &nodes[i]);
    assert_false(mem_fail_pending());
    assert_int_equal(h.count, 0);
    heap_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_out_as_sorted),
        cmocka_unit_test(changes_and_removals_keep_the_order),
        cmocka_unit_test(the_extreme_keys_are_ordered_too),
        cmocka_unit_test(removing_an_outsider_does_nothing),
        cmocka_unit_test(without_memory_the_node_stays_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

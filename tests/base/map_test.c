#include <stdlib.h>

#include "base/support/cm.h"
#include "base/support/random.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#define ITEMS 5000

struct item {
    struct map_node node;
    uint32_t number;
    bool inside;
    bool stays; /* inside for the whole of a scan */
    int seen;
};

struct fixture {
    struct map map;
    struct item items[ITEMS];
};

/* hash_count limits the different hashes, so that many items share one. */
static struct fixture *fixture_new(uint64_t hash_count)
{
    struct fixture *f = test_calloc(1, sizeof *f);
    map_init(&f->map);
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint64_t number = i % hash_count;
        f->items[i].number = i;
        f->items[i].node.hash = hash_bytes(slice_of(&number, sizeof number), 0);
    }
    return f;
}

static void fixture_free(struct fixture *f)
{
    map_deinit(&f->map);
    test_free(f);
}

static void put(struct fixture *f, uint32_t i)
{
    assert_int_equal(map_insert(&f->map, &f->items[i].node), STATUS_OK);
    f->items[i].inside = true;
}

static void drop(struct fixture *f, uint32_t i)
{
    map_remove(&f->map, &f->items[i].node);
    f->items[i].inside = false;
    f->items[i].stays = false;
}

static bool found(const struct fixture *f, const struct item *item)
{
    for (struct map_node *n = map_first(&f->map, item->node.hash); n; n = map_next_same(n)) {
        assert_true(n->hash == item->node.hash);
        if (n == &item->node) return true;
    }
    return false;
}

static void assert_same_as_model(const struct fixture *f)
{
    size_t count = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        count += f->items[i].inside;
        assert_int_equal(found(f, &f->items[i]), f->items[i].inside);
    }
    assert_int_equal(f->map.count, count);
}

static void an_empty_map_finds_nothing_and_owns_nothing(void **state)
{
    struct map m;
    map_init(&m);
    uint64_t cursor = 77;
    assert_null(map_first(&m, 1));
    assert_null(m.buckets_);
    assert_false(map_scan(&m, &cursor, 10, NULL, NULL));
    assert_int_equal(cursor, 0);
    map_deinit(&m);
}

static void random_operations_agree_with_a_model(void **state)
{
    static const uint64_t hash_counts[] = { ITEMS, 300, 1 };
    for (size_t k = 0; k < ARRAY_COUNT(hash_counts); k++) {
        struct fixture *f = fixture_new(hash_counts[k]);
        struct random random = { 42 + k };
        uint32_t steps = hash_counts[k] == 1 ? 3000 : 60000;
        for (uint32_t step = 0; step < steps; step++) {
            uint32_t i = random_below(&random, ITEMS);
            /* phases that mostly grow and phases that mostly shrink */
            bool grow = random_below(&random, 10) < (step / 7000 % 2 ? 1 : 9);
            if (grow && !f->items[i].inside) put(f, i);
            if (!grow && f->items[i].inside) drop(f, i);
            if (step % 5000 == 0) assert_same_as_model(f);
        }
        assert_same_as_model(f);
        fixture_free(f);
    }
}

static void a_million_nodes_cost_at_most_eight_bytes_of_bucket_each(void **state)
{
    enum { COUNT = 1000000 };
    struct map_node *nodes = calloc(COUNT, sizeof *nodes);
    assert_non_null(nodes);
    struct map m;
    map_init(&m);
    for (uint32_t i = 0; i < COUNT; i++) {
        nodes[i].hash = hash_bytes(slice_of(&i, sizeof i), 0);
        assert_int_equal(map_insert(&m, &nodes[i]), STATUS_OK);
    }
    assert_true(m.bucket_count_ <= COUNT);
    assert_null(m.old_buckets_);
    for (uint32_t i = 0; i < COUNT; i++) map_remove(&m, &nodes[i]);
    assert_int_equal(m.count, 0);
    assert_true(m.bucket_count_ <= 16);
    map_deinit(&m);
    free(nodes);
}

static void see(struct map_node *node, void *context)
{
    container_of(node, struct item, node)->seen++;
}

static void a_scan_of_a_quiet_map_sees_each_node_once(void **state)
{
    static const uint32_t counts[] = { 0, 1, 16, 17, 18, 20, 100, 1000, 1025, 4999 };
    for (size_t k = 0; k < ARRAY_COUNT(counts); k++) {
        struct fixture *f = fixture_new(ITEMS);
        for (uint32_t i = 0; i < counts[k]; i++) put(f, i);
        while (f->map.old_buckets_) { /* let a resize that runs come to its end */
            drop(f, 0);
            put(f, 0);
        }
        uint64_t cursor = 0;
        while (map_scan(&f->map, &cursor, 7, see, NULL)) {
        }
        for (uint32_t i = 0; i < counts[k]; i++) assert_int_equal(f->items[i].seen, 1);
        fixture_free(f);
    }
}

/* Changes between the slices of a scan; direction 1 grows, -1 shrinks, 0 both. */
static void disturb(struct fixture *f, struct random *random, int direction, uint32_t changes)
{
    while (changes--) {
        uint32_t i = random_below(random, ITEMS);
        bool grow = direction > 0 || (direction == 0 && random_below(random, 2));
        if (grow && !f->items[i].inside) put(f, i);
        if (!grow && f->items[i].inside && i % 10 != 0) drop(f, i);
    }
}

static void a_scan_misses_no_node_that_stays_while_others_come_and_go(void **state)
{
    for (uint32_t round = 0; round < 300; round++) {
        struct fixture *f = fixture_new(round % 7 == 6 ? 50 : ITEMS);
        struct random random = { round + 1 };
        int direction = (int)(round % 3) - 1;
        uint32_t start = direction > 0 ? 20 : ITEMS;
        for (uint32_t i = 0; i < start; i++) put(f, i);
        for (uint32_t i = 0; i < ITEMS; i++) f->items[i].stays = f->items[i].inside;
        uint64_t cursor = 0;
        size_t budget = 1 + random_below(&random, 20);
        while (map_scan(&f->map, &cursor, budget, see, NULL))
            disturb(f, &random, direction, random_below(&random, 120));
        for (uint32_t i = 0; i < ITEMS; i++)
            if (f->items[i].stays && f->items[i].seen == 0) fail_msg("round %u: item %u was missed", round, i);
        assert_same_as_model(f);
        fixture_free(f);
    }
}

static void keep_every_tenth(struct map_node *node, void *context)
{
    struct fixture *f = context;
    struct item *item = container_of(node, struct item, node);
    item->seen++;
    if (item->number % 10) drop(f, item->number);
}

static void a_visit_may_remove_its_node(void **state)
{
    struct fixture *f = fixture_new(ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) put(f, i);
    uint64_t cursor = 0;
    while (map_scan(&f->map, &cursor, 16, keep_every_tenth, f)) {
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_true(f->items[i].seen >= 1);
        assert_int_equal(f->items[i].inside, i % 10 == 0);
    }
    assert_same_as_model(f);
    fixture_free(f);
}

static void a_visit_may_empty_the_map_in_one_scan(void **state)
{
    struct fixture *f = fixture_new(ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) {
        f->items[i].number = i;
        put(f, i);
    }
    for (int scans = 0; scans < 40; scans++) {
        uint64_t cursor = 0;
        while (map_scan(&f->map, &cursor, SIZE_MAX, keep_every_tenth, f)) {
        }
    }
    assert_int_equal(f->map.count, ITEMS / 10);
    fixture_free(f);
}

static void without_memory_the_first_insert_fails_and_later_ones_go_on(void **state)
{
    struct fixture *f = fixture_new(ITEMS);
    mem_fail_after(1);
    assert_int_equal(map_insert(&f->map, &f->items[0].node), STATUS_NO_MEMORY);
    assert_int_equal(f->map.count, 0);
    put(f, 0);
    uint32_t buckets = f->map.bucket_count_;
    for (uint32_t i = 1; i < 40; i++) {
        mem_fail_after(1); /* every attempt to grow */
        put(f, i);
    }
    mem_fail_after(0);
    assert_int_equal(f->map.bucket_count_, buckets);
    assert_same_as_model(f);
    put(f, 40);
    assert_true(f->map.bucket_count_ > buckets);
    assert_same_as_model(f);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing_and_owns_nothing),
        cmocka_unit_test(random_operations_agree_with_a_model),
        cmocka_unit_test(a_million_nodes_cost_at_most_eight_bytes_of_bucket_each),
        cmocka_unit_test(a_scan_of_a_quiet_map_sees_each_node_once),
        cmocka_unit_test(a_scan_misses_no_node_that_stays_while_others_come_and_go),
        cmocka_unit_test(a_visit_may_remove_its_node),
        cmocka_unit_test(a_visit_may_empty_the_map_in_one_scan),
        cmocka_unit_test(without_memory_the_first_insert_fails_and_later_ones_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/support/cm.h"

#include "base/list.h"

struct item {
    int value;
    struct list link;
};

static void assert_values(const struct list *head, const char *digits)
{
    const struct list *node = head->next;
    for (; *digits; digits++, node = node->next) {
        assert_ptr_not_equal(node, head);
        const struct item *item = (const struct item *)(const void *)((const char *)node - offsetof(struct item, link));
        assert_int_equal(item->value, *digits - '0');
        assert_ptr_equal(node->next->prev, node);
    }
    assert_ptr_equal(node, head);
}

static void fill(struct list *head, struct item *items, int from, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].value = from + i;
        list_push_back(head, &items[i].link);
    }
}

static void nodes_come_out_in_the_order_they_were_put(void **state)
{
    struct list head;
    struct item items[4], front = { 9 };
    fill(&head, items, 1, 3);
    list_push_front(&head, &front.link);
    assert_values(&head, "9123");
    items[3].value = 4;
    list_insert_before(&items[1].link, &items[3].link);
    assert_values(&head, "91423");
    assert_int_equal(LIST_ENTRY(list_pop_front(&head), struct item, link)->value, 9);
    assert_values(&head, "1423");
}

static void removing_twice_is_harmless(void **state)
{
    struct list head;
    struct item items[3];
    fill(&head, items, 1, 3);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_values(&head, "13");
    assert_true(list_empty(&items[1].link));
}

static void an_empty_list_gives_no_node(void **state)
{
    struct list head;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop_front(&head));
    LIST_EACH(node, next, &head)
    {
        fail();
    }
}

static void a_walk_may_remove_the_current_node(void **state)
{
    struct list head;
    struct item items[5];
    fill(&head, items, 1, 5);
    int seen = 0;
    LIST_EACH(node, next, &head)
    {
        seen++;
        if (LIST_ENTRY(node, struct item, link)->value % 2) list_remove(node);
    }
    assert_int_equal(seen, 5);
    assert_values(&head, "24");
}

static void splicing_moves_all_nodes_to_the_end(void **state)
{
    struct list a, b;
    struct item items[6];
    fill(&a, items, 1, 3);
    fill(&b, items + 3, 4, 3);
    list_splice(&a, &b);
    assert_values(&a, "123456");
    assert_true(list_empty(&b));
    list_splice(&a, &b);
    assert_values(&a, "123456");
    list_splice(&b, &a);
    assert_values(&b, "123456");
    assert_true(list_empty(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_out_in_the_order_they_were_put),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(an_empty_list_gives_no_node),
        cmocka_unit_test(a_walk_may_remove_the_current_node),
        cmocka_unit_test(splicing_moves_all_nodes_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

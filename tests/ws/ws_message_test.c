#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ws/ws_message.h"

static struct ws_event piece(struct slice payload, bool is_first, bool is_last)
{
    return (struct ws_event){ .payload = payload, .is_text = true, .is_first = is_first, .is_last = is_last };
}

static enum status add(struct ws_assembler **slot, struct slice payload, bool is_first, size_t limit)
{
    const struct ws_event event = piece(payload, is_first, false);
    return ws_assembler_add(slot, &event, limit);
}

static void pieces_come_together_in_their_order(void **state)
{
    struct ws_assembler *a = NULL;
    assert_int_equal(ws_assembler_cost(a), 0);
    assert_int_equal(add(&a, SLICE("one "), true, 100), STATUS_OK);
    assert_int_equal(add(&a, (struct slice){ 0 }, false, 100), STATUS_OK);
    assert_int_equal(add(&a, SLICE("two"), false, 100), STATUS_OK);
    assert_true(slice_eq(ws_assembler_message(a), SLICE("one two")));
    assert_true(ws_assembler_is_text(a));
    assert_true(ws_assembler_cost(a) >= 7);
    ws_assembler_free(a);
    ws_assembler_free(NULL);
}

static void a_message_of_empty_pieces_is_empty(void **state)
{
    struct ws_assembler *a = NULL;
    assert_int_equal(add(&a, SLICE(""), true, 0), STATUS_OK);
    assert_int_equal(add(&a, SLICE(""), false, 0), STATUS_OK);
    assert_int_equal(ws_assembler_message(a).len, 0);
    ws_assembler_free(a);
}

static void the_limit_allows_n_and_refuses_n_plus_one(void **state)
{
    struct ws_assembler *a = NULL;
    assert_int_equal(add(&a, SLICE("12345"), true, 10), STATUS_OK);
    assert_int_equal(add(&a, SLICE("67890"), false, 10), STATUS_OK);
    assert_int_equal(ws_assembler_message(a).len, 10);
    assert_int_equal(add(&a, SLICE("1"), false, 10), STATUS_TOO_LARGE);
    assert_null(a);
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
    for (size_t n = 1;; n++) {
        struct ws_assembler *a = NULL;
        mem_fail_after(n);
        enum status status = add(&a, SLICE("first"), true, 1000);
        if (status == STATUS_OK) status = add(&a, SLICE("and a second one"), false, 1000);
        const bool pending = mem_fail_pending();
        mem_fail_after(0);
        if (pending) {
            assert_true(n > 2);
            assert_int_equal(status, STATUS_OK);
            ws_assembler_free(a);
            return;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_together_in_their_order),
        cmocka_unit_test(a_message_of_empty_pieces_is_empty),
        cmocka_unit_test(the_limit_allows_n_and_refuses_n_plus_one),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

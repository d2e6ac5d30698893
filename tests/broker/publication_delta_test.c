/* What subscribers with delta compression get of a publication: made once, shared, and no chain grows behind it. */
#include "base/support/cm.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "broker/publication_delta.h"
#include "delta/support/delta_decoder.c" /* not of the product: no library has it */

#define TEXT "{\"name\":\"what stays the same\",\"number\":"

static struct publication *publication(const char *data, struct publication *before)
{
    struct publication *p =
        publication_new(2, 7, SLICE("ch"), &(struct publication_content){ .data = slice_from_cstr(data) });
    assert_non_null(p);
    if (before) publication_set_base(p, before);
    return p;
}

static void check_delta(const struct publication *p, enum delta_text text, const char *base)
{
    struct buf got;
    buf_init(&got, BUF_NO_LIMIT);
    assert_int_equal(delta_decode(slice_from_cstr(base), publication_delta(p, text), &got), STATUS_OK);
    assert_true(slice_eq(buf_slice(&got), p->content.data));
    buf_deinit(&got);
}

static void a_delta_is_the_way_from_the_base_and_is_made_once(void **state)
{
    struct publication *before = publication(TEXT "1}", NULL), *p = publication(TEXT "2}", before);
    publication_unref(before); /* its bytes stay */
    for (int text = 0; text < DELTA_TEXT_COUNT; text++) {
        struct slice delta = publication_delta(p, (enum delta_text)text);
        assert_true(delta.len > 0 && delta.len < p->content.data.len);
        assert_ptr_equal(publication_delta(p, (enum delta_text)text).ptr, delta.ptr);
        check_delta(p, (enum delta_text)text, TEXT "1}");
    }
    publication_unref(p);
}

static void without_a_base_or_a_gain_there_is_no_delta(void **state)
{
    struct publication *first = publication(TEXT "1}", NULL), *other = publication("[1,2,3,4,5,6,7,8]", first);
    struct publication *empty = publication("", other);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(publication_delta(first, DELTA_BYTES).len, 0);
        assert_int_equal(publication_delta(other, DELTA_BYTES).len, 0);
        assert_int_equal(publication_delta(empty, DELTA_UTF8).len, 0);
    }
    assert_null(first->delta_); /* nothing is made for what nobody needs */
    publication_unref(empty);
    publication_unref(other);
    publication_unref(first);
}

static void a_base_is_kept_for_as_long_as_it_is_needed_and_its_own_base_is_not(void **state)
{
    enum { COUNT = 1000 };
    struct publication *newest = publication(TEXT "0}", NULL), *first = newest;
    (void)publication_ref(first);
    for (int i = 1; i < COUNT; i++) {
        char data[100];
        (void)snprintf(data, sizeof data, TEXT "%d}", i);
        struct publication *next = publication(data, newest);
        publication_unref(newest);
        newest = next;
    }
    /* all but the newest, its base, and the one held here have gone: the leak check counts the others */
    assert_int_equal(atomic_load(&first->byte_refs_), 1);
    assert_int_equal(atomic_load(&newest->base_->refs_), 0);
    assert_int_equal(atomic_load(&newest->base_->byte_refs_), 1);
    check_delta(newest, DELTA_UTF8, TEXT "998}");
    publication_unref(first);
    publication_unref(newest);
}

/* ---- wire forms ---- */

static atomic_uint encoded;

static struct blob *encode(const struct publication *p, enum publication_variant variant)
{
    atomic_fetch_add(&encoded, 1);
    return blob_new_raw(variant == PUBLICATION_DELTA ? publication_delta(p, DELTA_UTF8) : p->content.data);
}

static struct blob *encode_nothing(const struct publication *p, enum publication_variant variant)
{
    return NULL;
}

static void each_variant_of_each_form_is_made_once(void **state)
{
    static const enum publication_variant variants[] = { PUBLICATION_STRING, PUBLICATION_DELTA };
    struct publication *before = publication(TEXT "1}", NULL), *p = publication(TEXT "2}", before);
    struct blob *all[2 * PUBLICATION_FORM_COUNT];
    size_t count = 0;
    atomic_store(&encoded, 0);
    for (int v = 0; v < 2; v++)
        for (int form = 0; form < PUBLICATION_FORM_COUNT; form++) {
            enum publication_form f = (enum publication_form)form;
            assert_null(publication_delta_wire(p, f, variants[v], encode_nothing));
            all[count] = publication_delta_wire(p, f, variants[v], encode);
            assert_ptr_equal(publication_delta_wire(p, f, variants[v], encode), all[count]);
            for (size_t i = 0; i < count; i++) assert_ptr_not_equal(all[i], all[count]);
            count++;
        }
    assert_int_equal(atomic_load(&encoded), count);
    publication_unref(before);
    publication_unref(p);
}

static void *need_both(void *context)
{
    struct publication *p = context;
    (void)publication_delta_wire(p, PUBLICATION_FORM_PROTOBUF, PUBLICATION_STRING, encode);
    return publication_delta_wire(p, PUBLICATION_FORM_JSON, PUBLICATION_DELTA, encode);
}

static void workers_that_race_for_a_delta_get_the_same_bytes(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct publication *before = publication(TEXT "1}", NULL), *p = publication(TEXT "2}", before);
        publication_unref(before);
        pthread_t threads[4];
        void *wires[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, need_both, p);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], &wires[i]);
        for (int i = 1; i < 4; i++) assert_ptr_equal(wires[i], wires[0]);
        publication_unref(p);
    }
}

/* One thread lets the newer publication go, another the older one. */
static void *let_go(void *p)
{
    publication_unref(p);
    return NULL;
}

static void base_and_publication_may_go_at_the_same_time(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct publication *before = publication(TEXT "1}", NULL);
        struct publication *all[] = { before, publication(TEXT "2}", before), publication(TEXT "3}", before) };
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, let_go, all[i]);
        for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    }
}

static void when_memory_is_out_it_goes_full_or_not_at_all_and_later_it_is_there(void **state)
{
    struct publication *before = publication(TEXT "1}", NULL), *p = publication(TEXT "2}", before);
    for (size_t n = 1; n < 20; n++) {
        mem_fail_after(n);
        struct slice delta = publication_delta(p, DELTA_BYTES);
        struct blob *wire = publication_delta_wire(p, PUBLICATION_FORM_JSON, PUBLICATION_STRING, encode);
        bool failed = !mem_fail_pending();
        mem_fail_after(0);
        if (!failed) {
            assert_true(delta.len > 0 && wire);
            break;
        }
        publication_unref(p);
        p = publication(TEXT "2}", before);
        assert_true(n < 10);
    }
    publication_unref(before);
    publication_unref(p);
}

static void a_marked_publication_costs_what_its_forms_may_take(void **state)
{
    struct publication *p = publication(TEXT "1}", NULL);
    size_t plain = publication_cost(p);
    p->delta = true;
    assert_true(publication_cost(p) >= plain + 3 * p->content.data.len);
    publication_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_is_the_way_from_the_base_and_is_made_once),
        cmocka_unit_test(without_a_base_or_a_gain_there_is_no_delta),
        cmocka_unit_test(a_base_is_kept_for_as_long_as_it_is_needed_and_its_own_base_is_not),
        cmocka_unit_test(each_variant_of_each_form_is_made_once),
        cmocka_unit_test(workers_that_race_for_a_delta_get_the_same_bytes),
        cmocka_unit_test(base_and_publication_may_go_at_the_same_time),
        cmocka_unit_test(when_memory_is_out_it_goes_full_or_not_at_all_and_later_it_is_there),
        cmocka_unit_test(a_marked_publication_costs_what_its_forms_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <pthread.h>

#include "base/support/cm.h"

#include "base/blob.h"
#include "base/mem.h"

static void the_parts_of_a_message_lie_side_by_side(void **state)
{
    struct blob *b = blob_new(BLOB_MESSAGE, 4, 5, 1);
    assert_non_null(b);
    assert_ptr_equal(blob_body(b), blob_header(b) + 4);
    memcpy(blob_header(b), "HEADbody!\n", 10);
    assert_true(slice_eq(blob_frame(b), SLICE("HEADbody!")));
    assert_int_equal(b->kind, BLOB_MESSAGE);
    assert_int_equal(b->separator_len, 1);
    assert_int_equal(b->flags, 0);
    assert_int_equal(blob_cost(b), 9 + BLOB_OVERHEAD);
    blob_unref(b);
}

static void raw_bytes_are_copied(void **state)
{
    char text[] = "HTTP/1.1 200 OK";
    struct blob *b = blob_new_raw(slice_from_cstr(text));
    text[0] = 'X';
    assert_true(slice_eq(blob_frame(b), SLICE("HTTP/1.1 200 OK")));
    assert_int_equal(b->kind, BLOB_RAW);
    blob_unref(b);
    b = blob_new_raw((struct slice){ 0 });
    assert_int_equal(blob_frame(b).len, 0);
    blob_unref(b);
    blob_unref(NULL);
}

static void a_blob_lives_until_the_last_reference_goes(void **state)
{
    struct blob *b = blob_new_raw(SLICE("x"));
    assert_ptr_equal(blob_ref(b), b);
    blob_unref(b);
    assert_int_equal(*blob_body(b), 'x'); /* ASan would tell */
    blob_unref(b);
}

static void a_size_that_the_header_cannot_hold_is_refused(void **state)
{
    assert_null(blob_new(BLOB_RAW, 0, (size_t)UINT32_MAX + 1, 0));
    mem_fail_after(1);
    assert_null(blob_new_raw(SLICE("x")));
}

static void *hold_and_drop(void *context)
{
    struct blob *b = context;
    for (int i = 0; i < 20000; i++) {
        blob_ref(b);
        assert_int_equal(*blob_body(b), 's');
        blob_unref(b);
    }
    blob_unref(b);
    return NULL;
}

static void threads_may_share_one(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct blob *b = blob_new_raw(SLICE("shared"));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, blob_ref(b)), 0);
    blob_unref(b);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_message_lie_side_by_side),
        cmocka_unit_test(raw_bytes_are_copied),
        cmocka_unit_test(a_blob_lives_until_the_last_reference_goes),
        cmocka_unit_test(a_size_that_the_header_cannot_hold_is_refused),
        cmocka_unit_test(threads_may_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

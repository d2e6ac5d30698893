/* publication: one allocation, shared, each wire form made once. */
#include "base/support/cm.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/publication.h"

static const struct publication_tag tags[] = { { { "k1", 2 }, { "v1", 2 } }, { { "k2", 2 }, { "", 0 } } };

static struct publication *full_publication(void)
{
    struct publication_content content = {
        .kind = PUBLICATION_DATA,
        .data = SLICE("{\"a\":1}"),
        .has_info = true,
        .info = { SLICE("user"), SLICE("client"), SLICE("{}"), SLICE("[]") },
        .tags = tags,
        .tag_count = 2,
    };
    struct publication *p = publication_new(3, 7, SLICE("ch"), &content);
    assert_non_null(p);
    return p;
}

static void a_publication_is_a_copy_of_its_content(void **state)
{
    struct publication *p = full_publication();
    assert_int_equal(p->space, 7);
    assert_int_equal(p->offset, 0);
    assert_int_equal(p->seq, 0);
    assert_string_equal(p->epoch, "");
    assert_true(slice_eq(p->channel, SLICE("ch")));
    assert_true(slice_eq(p->content.data, SLICE("{\"a\":1}")));
    assert_true(slice_eq(p->content.info.user, SLICE("user")));
    assert_true(slice_eq(p->content.info.client, SLICE("client")));
    assert_true(slice_eq(p->content.info.conn_info, SLICE("{}")));
    assert_true(slice_eq(p->content.info.chan_info, SLICE("[]")));
    assert_ptr_not_equal(p->content.tags, tags);
    assert_int_equal(p->content.tag_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(slice_eq(p->content.tags[i].key, tags[i].key));
        assert_true(slice_eq(p->content.tags[i].value, tags[i].value));
    }
    for (uint32_t i = 0; i < 3; i++) assert_ptr_equal(p->mails[i].publication, p);
    publication_unref(p);
}

static void an_empty_publication_is_possible(void **state)
{
    struct publication *p =
        publication_new(1, 0, SLICE(""), &(struct publication_content){ .kind = PUBLICATION_LEAVE });
    assert_non_null(p);
    assert_int_equal(p->content.data.len, 0);
    assert_null(p->content.tags);
    publication_unref(p);
    publication_unref(NULL);
}

static void the_cost_grows_with_the_bytes_and_does_not_change(void **state)
{
    struct publication *p = full_publication();
    struct publication *small = publication_new(3, 7, SLICE("ch"), &(struct publication_content){ .data = SLICE("1") });
    size_t cost = publication_cost(p);
    assert_true(cost > sizeof *p + 3 * sizeof(struct publication_mail) + 40);
    assert_true(cost > publication_cost(small));
    assert_int_equal(publication_cost(publication_ref(p)), cost);
    publication_unref(p);
    publication_unref(p);
    publication_unref(small);
}

static void whether_data_is_json_is_looked_at_on_first_need_and_kept(void **state)
{
    static const struct {
        struct slice data;
        bool said, json;
    } cases[] = {
        { { "{\"a\": [1]}", 10 }, false, true }, { { " null\n", 6 }, false, true }, { { "{\"a\"", 4 }, false, false },
        { { "1 2", 3 }, false, false },          { { "\0\xff", 2 }, false, false }, { { "", 0 }, false, true },
        { { "as said", 7 }, true, true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct publication_content content = { .data = cases[i].data, .data_is_json = cases[i].said };
        struct publication *p = publication_new(1, 0, SLICE("ch"), &content);
        for (int again = 0; again < 2; again++) assert_int_equal(publication_fits_json(p), cases[i].json);
        assert_int_equal(p->json_ != 0, cases[i].data.len > 0 && !cases[i].said);
        publication_unref(p);
    }
}

static atomic_uint encoded;

static struct blob *encode(const struct publication *p, enum publication_variant variant)
{
    atomic_fetch_add(&encoded, 1);
    return blob_new_raw(p->content.data);
}

static struct blob *encode_nothing(const struct publication *p, enum publication_variant variant)
{
    return NULL;
}

static void a_wire_form_is_made_on_first_need_and_kept(void **state)
{
    struct publication *p = full_publication();
    atomic_store(&encoded, 0);
    assert_null(publication_wire(p, PUBLICATION_FORM_JSON, encode_nothing));
    struct blob *wire = publication_wire(p, PUBLICATION_FORM_JSON, encode);
    assert_ptr_equal(publication_wire(p, PUBLICATION_FORM_JSON, encode), wire);
    assert_int_equal(encoded, 1);
    struct blob *other = publication_wire(p, PUBLICATION_FORM_PROTOBUF, encode);
    assert_ptr_not_equal(other, wire);
    assert_ptr_equal(publication_wire(p, PUBLICATION_FORM_PROTOBUF, encode), other);
    assert_int_equal(encoded, 2);
    publication_unref(p);
}

static void *need_wire(void *p)
{
    return publication_wire(p, PUBLICATION_FORM_JSON, encode);
}

static void threads_that_race_to_encode_get_the_same_bytes(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct publication *p = full_publication();
        pthread_t threads[4];
        void *wires[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, need_wire, p);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], &wires[i]);
        for (int i = 1; i < 4; i++) assert_ptr_equal(wires[i], wires[0]);
        publication_unref(p);
    }
}

static void no_memory_gives_null(void **state)
{
    mem_fail_after(1);
    assert_null(publication_new(1, 0, SLICE("c"), &(struct publication_content){ .data = SLICE("1") }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_is_a_copy_of_its_content),
        cmocka_unit_test(an_empty_publication_is_possible),
        cmocka_unit_test(the_cost_grows_with_the_bytes_and_does_not_change),
        cmocka_unit_test(whether_data_is_json_is_looked_at_on_first_need_and_kept),
        cmocka_unit_test(a_wire_form_is_made_on_first_need_and_kept),
        cmocka_unit_test(threads_that_race_to_encode_get_the_same_bytes),
        cmocka_unit_test(no_memory_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

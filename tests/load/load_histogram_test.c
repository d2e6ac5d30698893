#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "load/load_histogram.h"

static struct load_histogram *fresh(void)
{
    return mem_must_alloc_zero(sizeof(struct load_histogram));
}

static void a_single_value_is_every_quantile_however_large(void **state)
{
    static const uint64_t values[] = { 0, 1, 63, 64, 127, 128, 1000, 123456789, 1ull << 40, UINT64_MAX };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct load_histogram *h = fresh();
        load_histogram_add(h, values[i]);
        assert_true(load_histogram_quantile(h, 0) == values[i]);
        assert_true(load_histogram_quantile(h, 0.5) == values[i]);
        assert_true(load_histogram_quantile(h, 1) == values[i]);
        mem_free(h);
    }
}

static void quantiles_are_within_a_sixty_fourth(void **state)
{
    static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
    struct load_histogram *h = fresh();
    for (uint64_t v = 1; v <= 100000; v++) load_histogram_add(h, v * 1000);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double exact = shares[i] * 100000 * 1000, got = (double)load_histogram_quantile(h, shares[i]);
        assert_true(got >= exact * 0.9999 && got <= exact * (1 + 1.0 / 64));
    }
    mem_free(h);
}

static void nothing_has_no_quantiles(void **state)
{
    struct load_histogram *h = fresh();
    assert_int_equal(load_histogram_quantile(h, 0.99), 0);
    mem_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_value_is_every_quantile_however_large),
        cmocka_unit_test(quantiles_are_within_a_sixty_fourth),
        cmocka_unit_test(nothing_has_no_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

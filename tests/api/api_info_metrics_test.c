#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api_info_metrics.h"

static void prometheus_text_becomes_flat_names(void **state)
{
    static const char text[] = "# HELP a_b_c_d Something.\n"
                               "# TYPE a_b_c_d counter\n"
                               "a_b_c_d 7\n"
                               "a_b_c_d{zeta=\"1\",ns=\"\",alpha=\"x\"} 8\n"
                               "# TYPE a_b gauge\n"
                               "a_b -3\n"
                               "# TYPE a_b_h histogram\n"
                               "a_b_h_bucket{le=\"1\"} 4\n"
                               "a_b_h_sum 4\n"
                               "# TYPE a_b_s_count_it summary\n"
                               "a_b_s_count_it_sum{m=\"p\"} 0.5\n"
                               "a_b_s_count_it_count{m=\"p\"} 2\n"
                               "a_b_s_count_it{m=\"p\",quantile=\"0.5\"} 0.25\n"
                               "a_b_s_count_it{quantile=\"0.999\",m=\"p\"} 0.5\n";
    struct buf out, name;
    (void)state;
    buf_init(&out, BUF_NO_LIMIT);
    buf_init(&name, BUF_NO_LIMIT);
    struct json_writer w = json_writer_to(&out);
    json_write_object_begin(&w);
    api_info_metrics_write(SLICE(text), &name, &w);
    json_write_object_end(&w);
    buf_append_char(&out, '\0');
    assert_string_equal(out.ptr, "{\"a.b.c_d\":7,\"a.b.c_d.alpha.x.zeta.1\":8,\"a.b\":-3,"
                                 "\"a.b.s_count_it.sum.m.p\":0.5,\"a.b.s_count_it.count.m.p\":2,"
                                 "\"a.b.s_count_it.quantile.50.m.p\":0.25,\"a.b.s_count_it.quantile.999.m.p\":0.5}");
    buf_deinit(&out);
    buf_deinit(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(prometheus_text_becomes_flat_names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

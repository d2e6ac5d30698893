#include "ws/ws_deflate_offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"

#define TAKEN "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

struct row {
    const char *offers;
    const char *answer; /* NULL: declined */
};

static void expect(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ws_deflate_terms terms;
        struct buf out;
        buf_init(&out, 512);
        const bool taken = ws_deflate_choose(slice_from_cstr(rows[i].offers), &terms);
        if (taken != (rows[i].answer != NULL)) fail_msg("%s: %s", rows[i].offers, taken ? "taken" : "declined");
        if (taken) ws_deflate_write_terms(&terms, &out);
        assert_true(buf_ok(&out));
        if (taken && !slice_eq(buf_slice(&out), slice_from_cstr(rows[i].answer)))
            fail_msg("%s: answered %.*s", rows[i].offers, (int)out.len, out.ptr);
        buf_deinit(&out);
    }
}

static void good_offers_are_taken_with_their_terms(void **state)
{
    static const struct row rows[] = {
        { "permessage-deflate", TAKEN },
        { "permessage-deflate; client_max_window_bits", TAKEN },
        { "permessage-deflate;client_max_window_bits=8", TAKEN },
        { " permessage-deflate ; client_max_window_bits = \"15\" ", TAKEN },
        { "permessage-deflate; server_no_context_takeover; client_no_context_takeover", TAKEN },
        { "permessage-deflate; server_max_window_bits=15", TAKEN "; server_max_window_bits=15" },
        { "permessage-deflate; server_max_window_bits=\"9\"; client_max_window_bits",
          TAKEN "; server_max_window_bits=9" },
        { "permessage-deflate; server_max_window_bits=8", TAKEN "; server_max_window_bits=8" },
        { ", ,permessage-deflate,", TAKEN },
    };
    expect(rows, ARRAY_COUNT(rows));
}

static void bad_offers_are_declined(void **state)
{
    static const struct row rows[] = {
        { "", NULL },
        { ",", NULL },
        { "Permessage-Deflate", NULL },
        { "permessage-bzip2", NULL },
        { "x-webkit-deflate-frame", NULL },
        { "permessage-deflate; x", NULL },
        { "permessage-deflate; Server_max_window_bits=10", NULL },
        { "permessage-deflate; server_no_context_takeover=1", NULL },
        { "permessage-deflate; server_no_context_takeover=\"\"", NULL },
        { "permessage-deflate; client_no_context_takeover=true", NULL },
        { "permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL },
        { "permessage-deflate; client_no_context_takeover; client_no_context_takeover", NULL },
        { "permessage-deflate; server_max_window_bits", NULL },
        { "permessage-deflate; server_max_window_bits=", NULL },
        { "permessage-deflate; server_max_window_bits=7", NULL },
        { "permessage-deflate; server_max_window_bits=16", NULL },
        { "permessage-deflate; server_max_window_bits=08", NULL },
        { "permessage-deflate; server_max_window_bits=+9", NULL },
        { "permessage-deflate; server_max_window_bits=115", NULL },
        { "permessage-deflate; server_max_window_bits=1a", NULL },
        { "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", NULL },
        { "permessage-deflate; client_max_window_bits=7", NULL },
        { "permessage-deflate; client_max_window_bits=16", NULL },
        { "permessage-deflate; client_max_window_bits=\"1\\5\"", NULL },
        { "permessage-deflate; client_max_window_bits; client_max_window_bits", NULL },
    };
    expect(rows, ARRAY_COUNT(rows));
}

static void text_that_breaks_the_grammar_ends_the_search(void **state)
{
    static const struct row rows[] = {
        { "permessage-deflate;", NULL },    { "permessage-deflate; ;", NULL },
        { "permessage-deflate x", NULL },   { "permessage-deflate; client_max_window_bits=\"9", NULL },
        { "=, permessage-deflate", NULL },  { "permessage-deflate; =, permessage-deflate", NULL },
        { "permessage-deflate, =", TAKEN }, /* taken before it was seen */
    };
    expect(rows, ARRAY_COUNT(rows));
}

static void the_first_offer_that_can_be_met_is_taken(void **state)
{
    static const struct row rows[] = {
        { "permessage-deflate; server_max_window_bits=10, permessage-deflate", TAKEN "; server_max_window_bits=10" },
        { "permessage-deflate; server_max_window_bits=7, permessage-deflate", TAKEN },
        { "a; b=\"c\", permessage-deflate; x, permessage-deflate; server_max_window_bits=12, permessage-deflate",
          TAKEN "; server_max_window_bits=12" },
        { "permessage-deflate; x,permessage-deflate; y", NULL },
    };
    expect(rows, ARRAY_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_offers_are_taken_with_their_terms),
        cmocka_unit_test(bad_offers_are_declined),
        cmocka_unit_test(text_that_breaks_the_grammar_ends_the_search),
        cmocka_unit_test(the_first_offer_that_can_be_met_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

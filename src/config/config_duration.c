#include "config/config_duration.h"

#include <stdio.h>

#include "base/check.h"

/* Longer first where one begins another. */
static const struct unit {
    const char *name;
    int64_t ns;
} UNITS[] = {
    { "ns", 1 },
    { "us", 1000 },
    { "\xc2\xb5s", 1000 },
    { "\xce\xbcs", 1000 },
    { "ms", CONFIG_MS_NS },
    { "s", CONFIG_SECOND_NS },
    { "m", 60 * CONFIG_SECOND_NS },
    { "h", 3600 * CONFIG_SECOND_NS },
};

static bool take_unit(struct slice *text, int64_t *ns)
{
    for (size_t i = 0; i < ARRAY_COUNT(UNITS); i++) {
        const struct slice name = slice_from_cstr(UNITS[i].name);
        if (!slice_starts_with(*text, name)) continue;
        *text = slice_from(*text, name.len);
        *ns = UNITS[i].ns;
        return true;
    }
    return false;
}

static struct slice take_digits(struct slice *text)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') len++;
    const struct slice digits = slice_head(*text, len);
    *text = slice_from(*text, len);
    return digits;
}

/* The digits after the point; those below a nanosecond are dropped. */
static int64_t fraction_ns(struct slice digits, int64_t unit_ns)
{
    int64_t ns = 0;
    for (size_t i = 0; i < digits.len && unit_ns > 1; i++) {
        /* every unit times its digits fits: an hour has 3.6e12 ns */
        unit_ns /= 10;
        ns += (digits.ptr[i] - '0') * unit_ns;
    }
    return ns;
}

/* One "1.5h"; adds it to *total. */
static bool take_term(struct slice *text, int64_t *total)
{
    const struct slice whole = take_digits(text);
    struct slice fraction = { 0 };
    if (text->len && text->ptr[0] == '.') {
        *text = slice_from(*text, 1);
        fraction = take_digits(text);
    }
    int64_t unit_ns, count = 0, ns;
    if (whole.len + fraction.len == 0 || !take_unit(text, &unit_ns)) return false;
    if (whole.len && !slice_to_i64(whole, &count)) return false;
    if (__builtin_mul_overflow(count, unit_ns, &ns)) return false;
    if (__builtin_add_overflow(ns, fraction_ns(fraction, unit_ns), &ns)) return false;
    return !__builtin_add_overflow(*total, ns, total);
}

bool config_duration_parse(struct slice text, int64_t *out)
{
    int64_t total = 0;
    const bool negative = text.len && text.ptr[0] == '-';
    if (negative || (text.len && text.ptr[0] == '+')) text = slice_from(text, 1);
    if (text.len == 0) return false;
    if (!slice_eq(text, SLICE("0"))) {
        while (text.len) {
            if (!take_term(&text, &total)) return false;
        }
    }
    *out = negative ? -total : total;
    return true;
}

/* A count of milliseconds or less is written in the greatest unit that leaves it whole. */
static void format_short(int64_t ns, char *out)
{
    const char *unit = ns % CONFIG_MS_NS == 0 ? "ms" : ns % 1000 == 0 ? "us" : "ns";
    const int64_t unit_ns = ns % CONFIG_MS_NS == 0 ? CONFIG_MS_NS : ns % 1000 == 0 ? 1000 : 1;
    (void)snprintf(out, CONFIG_DURATION_TEXT_LEN, "%lld%s", (long long)(ns / unit_ns), unit);
}

void config_duration_format(int64_t ns, char out[static CONFIG_DURATION_TEXT_LEN])
{
    const long long seconds = ns / CONFIG_SECOND_NS;
    if (ns % CONFIG_SECOND_NS != 0) {
        format_short(ns, out);
    } else if (seconds >= 3600) {
        (void)snprintf(out, CONFIG_DURATION_TEXT_LEN, "%lldh%lldm%llds", seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
    } else if (seconds >= 60) {
        (void)snprintf(out, CONFIG_DURATION_TEXT_LEN, "%lldm%llds", seconds / 60, seconds % 60);
    } else {
        (void)snprintf(out, CONFIG_DURATION_TEXT_LEN, "%llds", seconds);
    }
}

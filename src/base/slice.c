#include "base/slice.h"

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i])) return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_blank(s.ptr[0])) s = slice_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1])) s.len--;
    return s;
}

bool slice_to_u64(struct slice s, uint64_t *out)
{
    if (s.len == 0) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value)) return false;
    }
    *out = value;
    return true;
}

bool slice_to_i64(struct slice s, int64_t *out)
{
    bool negative = s.len && s.ptr[0] == '-';
    uint64_t magnitude;
    if (!slice_to_u64(negative ? slice_from(s, 1) : s, &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    if (order != 0) return order;
    return (a.len > b.len) - (a.len < b.len);
}

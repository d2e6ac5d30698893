#include "delta/support/delta_decoder.h"

#include "delta/delta_format.h"

static bool take_char(struct slice *in, char *c)
{
    if (in->len == 0) return false;
    *c = in->ptr[0];
    *in = slice_from(*in, 1);
    return true;
}

/* At least one digit, at most 32 bits. */
static bool take_number(struct slice *in, uint32_t *out)
{
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < in->len; digits++) {
        const char *found = memchr(delta_digits, in->ptr[digits], sizeof delta_digits);
        if (!found) break;
        value = value << DELTA_DIGIT_BITS | (uint64_t)(found - delta_digits);
        if (value > UINT32_MAX) return false;
    }
    *in = slice_from(*in, digits);
    *out = (uint32_t)value;
    return digits > 0;
}

static bool take_copy(struct slice base, struct slice *in, uint32_t len, struct buf *out)
{
    uint32_t offset;
    char comma;
    if (!take_number(in, &offset) || !take_char(in, &comma) || comma != ',') return false;
    if (offset > base.len || len > base.len - offset) return false;
    buf_append(out, slice_of(base.ptr + offset, len));
    return true;
}

static bool take_text(struct slice *in, uint32_t len, struct buf *out)
{
    if (len > in->len) return false;
    buf_append(out, slice_head(*in, len));
    *in = slice_from(*in, len);
    return true;
}

enum status delta_decode(struct slice base, struct slice delta, struct buf *out)
{
    uint32_t total, number;
    char command;
    if (!take_number(&delta, &total) || !take_char(&delta, &command) || command != '\n') return STATUS_MALFORMED;
    while (take_number(&delta, &number) && take_char(&delta, &command)) {
        bool good = false;
        if (command == '@') good = take_copy(base, &delta, number, out);
        if (command == ':') good = take_text(&delta, number, out);
        if (command == ';') {
            if (!buf_ok(out)) return out->failed;
            bool whole = delta.len == 0 && out->len == total && number == delta_checksum(buf_slice(out));
            return whole ? STATUS_OK : STATUS_MALFORMED;
        }
        if (!good || out->len > total) return STATUS_MALFORMED;
    }
    return STATUS_MALFORMED;
}

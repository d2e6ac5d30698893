/* json_reader is a strict pull reader for JSON text (RFC 8259) over a slice. It
 * allocates nothing and never recurses; each value is validated once, and comes
 * out typed or as a raw span of the input. The input is hostile.
 *
 * Use: json_reader_init(&r, text, JSON_DEPTH_DEFAULT);
 *      if (json_object_begin(&r))
 *          while (json_object_next(&r, &key))
 *              if (json_string_eq(key, SLICE("id"))) json_u32(&r, &id); else json_skip(&r);
 *      if (!json_ok(&r) || !json_at_end(&r)) ... r.error says what and where
 *
 * The first failure sticks: every later call returns false and changes nothing,
 * so a caller checks json_ok() once, after its loops. Out-parameters are untouched
 * on false. After json_object_next() or json_array_next() gave true, exactly one
 * value must be taken. Repeated member names are the caller's business.
 *
 * Stricter than the grammar: text must be valid UTF-8 (RFC 3629) inside strings
 * (elsewhere the grammar leaves only ASCII), and a byte order mark is refused.
 * An escaped lone surrogate is accepted and decodes to U+FFFD, as Go does.
 * Slices handed out borrow the input. One thread at a time. */
#ifndef XSHATHRA_JSON_JSON_READER_H
#define XSHATHRA_JSON_JSON_READER_H

#include "json/json_string.h"

/* How many objects and arrays may be open at once: a bound for whoever reads the
 * text after us with a recursive parser; we ourselves need one bit a level. */
#define JSON_DEPTH_DEFAULT 64
#define JSON_DEPTH_CEILING 1024

enum json_type {
    JSON_BROKEN, /* no value begins here, or the reader has failed */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY,
};

struct json_error {
    const char *text; /* static; NULL while all is well */
    size_t position;  /* index of the byte in the text */
};

struct json_reader {
    struct json_error error; /* read only */
    const char *start_, *at_, *end_;
    uint32_t depth_, depth_max_;
    bool first_; /* a container has just been opened: no comma is due */
};

/* Borrows text as long as the reader is used. depth_max: 1 to JSON_DEPTH_CEILING. */
void json_reader_init(struct json_reader *r, struct slice text, uint32_t depth_max);

static inline bool json_ok(const struct json_reader *r)
{
    return r->error.text == NULL;
}
/* True when only blanks are left. What follows a value is not an error by itself. */
bool json_at_end(const struct json_reader *r);
/* Index of the next unread byte. */
static inline size_t json_position(const struct json_reader *r)
{
    return (size_t)(r->at_ - r->start_);
}
/* What the next value is, judged by its first byte; takes only blanks. */
enum json_type json_peek(struct json_reader *r);
/* Let the caller's own objection stick like the reader's: text is static, the
 * position is where the reader stands. Returns false. A first failure stays. */
bool json_fail(struct json_reader *r, const char *text);

/* Take '{'. Then json_object_next() takes ',' name ':' and gives true, or '}' and
 * gives false; false also on failure. */
bool json_object_begin(struct json_reader *r);
bool json_object_next(struct json_reader *r, struct json_string *key);
/* Take '['. Then json_array_next() gives true when a value follows, and takes the
 * ']' and gives false at the end. */
bool json_array_begin(struct json_reader *r);
bool json_array_next(struct json_reader *r);

/* Take null and give true; anything else stays and gives false, which is no failure. */
bool json_take_null(struct json_reader *r);
bool json_bool(struct json_reader *r, bool *out);
bool json_string(struct json_reader *r, struct json_string *out);
/* Any number, as it is written. */
bool json_number(struct json_reader *r, struct slice *out);
/* An integer without fraction or exponent, in range. "-0" is an i64 but not a u64. */
bool json_u32(struct json_reader *r, uint32_t *out);
bool json_u64(struct json_reader *r, uint64_t *out);
bool json_i32(struct json_reader *r, int32_t *out);
bool json_i64(struct json_reader *r, int64_t *out);
/* Any number that is finite as a double, at most JSON_DOUBLE_DIGITS_MAX bytes. */
#define JSON_DOUBLE_DIGITS_MAX 128
bool json_double(struct json_reader *r, double *out);

/* Validate one whole value of any type and give its span, without blanks around. */
bool json_raw(struct json_reader *r, struct slice *out);
bool json_skip(struct json_reader *r);

/* True when text is exactly one valid value, blanks around it allowed. */
bool json_valid(struct slice text, uint32_t depth_max);

#endif

#include "json/json_reader.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

#define BITS_PER_WORD 64

void json_reader_init(struct json_reader *r, struct slice text, uint32_t depth_max)
{
    CHECK(depth_max >= 1 && depth_max <= JSON_DEPTH_CEILING);
    static const char nothing[1];
    const char *start = text.ptr ? text.ptr : nothing;
    *r = (struct json_reader){ .start_ = start, .at_ = start, .end_ = start + text.len, .depth_max_ = depth_max };
}

static bool fail_at(struct json_reader *r, const char *at, const char *text)
{
    if (!r->error.text) r->error = (struct json_error){ text, (size_t)(at - r->start_) };
    return false;
}

bool json_fail(struct json_reader *r, const char *text)
{
    return fail_at(r, r->at_, text);
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

bool json_at_end(const struct json_reader *r)
{
    return skip_blanks(r->at_, r->end_) == r->end_;
}

/* The next byte that is no blank, or 0 at the end. A real NUL is no token either. */
static char next_byte(struct json_reader *r)
{
    r->at_ = skip_blanks(r->at_, r->end_);
    return r->at_ < r->end_ ? *r->at_ : '\0';
}

enum json_type json_peek(struct json_reader *r)
{
    if (!json_ok(r)) return JSON_BROKEN;
    switch (next_byte(r)) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't':
    case 'f': return JSON_BOOL;
    case 'n': return JSON_NULL;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return JSON_NUMBER;
    default: return JSON_BROKEN;
    }
}

static bool fail_value(struct json_reader *r, const char *text)
{
    return json_fail(r, r->at_ == r->end_ ? "unexpected end of the text" : text);
}

/* ------------------------------------------------------------ containers */

static bool container_begin(struct json_reader *r, enum json_type type, const char *expected)
{
    if (json_peek(r) != type) return fail_value(r, expected);
    if (r->depth_ == r->depth_max_) return json_fail(r, "nested too deeply");
    r->at_++;
    r->depth_++;
    r->first_ = true;
    return true;
}

bool json_object_begin(struct json_reader *r)
{
    return container_begin(r, JSON_OBJECT, "object expected");
}

bool json_array_begin(struct json_reader *r)
{
    return container_begin(r, JSON_ARRAY, "array expected");
}

/* Take the comma that is due, or the closing byte; true when an element follows. */
static bool container_next(struct json_reader *r, char close, const char *expected)
{
    if (!json_ok(r)) return false;
    char c = next_byte(r);
    if (c == close) {
        r->at_++;
        r->depth_--;
        r->first_ = false;
        return false;
    }
    if (r->first_) {
        r->first_ = false;
        return true;
    }
    if (c != ',') return fail_value(r, expected);
    r->at_++;
    next_byte(r);
    return true;
}

static bool take_string(struct json_reader *r, struct json_string *out)
{
    const char *bad, *why;
    const char *after = json_string_scan(r->at_ + 1, r->end_, out, &bad, &why);
    if (!after) return fail_at(r, bad, why);
    r->at_ = after;
    return true;
}

static bool take_key(struct json_reader *r, struct json_string *key)
{
    struct json_string taken;
    if (json_peek(r) != JSON_STRING) return fail_value(r, "member name expected");
    if (!take_string(r, &taken)) return false;
    if (next_byte(r) != ':') return fail_value(r, "':' expected after a member name");
    r->at_++;
    *key = taken;
    return true;
}

bool json_object_next(struct json_reader *r, struct json_string *key)
{
    return container_next(r, '}', "',' or '}' expected") && take_key(r, key);
}

bool json_array_next(struct json_reader *r)
{
    return container_next(r, ']', "',' or ']' expected");
}

/* --------------------------------------------------------------- scalars */

static bool take_word(struct json_reader *r, struct slice word)
{
    if (!slice_starts_with(slice_of(r->at_, (size_t)(r->end_ - r->at_)), word))
        return json_fail(r, "true, false or null misspelt");
    r->at_ += word.len;
    return true;
}

bool json_take_null(struct json_reader *r)
{
    return json_peek(r) == JSON_NULL && take_word(r, SLICE("null"));
}

bool json_bool(struct json_reader *r, bool *out)
{
    if (json_peek(r) != JSON_BOOL) return fail_value(r, "true or false expected");
    bool value = *r->at_ == 't';
    if (!take_word(r, value ? SLICE("true") : SLICE("false"))) return false;
    *out = value;
    return true;
}

bool json_string(struct json_reader *r, struct json_string *out)
{
    if (json_peek(r) != JSON_STRING) return fail_value(r, "string expected");
    return take_string(r, out);
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (is_digit(at, end)) at++;
    return at;
}

/* at is a '-' or a digit; returns the byte after the number, or NULL with *bad. */
static const char *skip_number(const char *at, const char *end, const char **bad)
{
    if (*at == '-') at++;
    *bad = at;
    if (!is_digit(at, end)) return NULL;
    at = *at == '0' ? at + 1 : skip_digits(at, end);
    *bad = at;
    if (is_digit(at, end)) return NULL; /* a leading zero */
    if (at < end && *at == '.') {
        *bad = ++at;
        if (!is_digit(at, end)) return NULL;
        at = skip_digits(at, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        *bad = at;
        if (!is_digit(at, end)) return NULL;
        at = skip_digits(at, end);
    }
    return at;
}

bool json_number(struct json_reader *r, struct slice *out)
{
    if (json_peek(r) != JSON_NUMBER) return fail_value(r, "number expected");
    const char *bad, *start = r->at_;
    const char *after = skip_number(start, r->end_, &bad);
    if (!after) return fail_at(r, bad, "digit misplaced or missing in a number");
    r->at_ = after;
    *out = slice_of(start, (size_t)(after - start));
    return true;
}

static bool is_integer(struct slice number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.ptr[i] == '.' || number.ptr[i] == 'e' || number.ptr[i] == 'E') return false;
    return true;
}

/* The number was written at number.ptr: say there what is wrong with it. */
static bool fail_integer(struct json_reader *r, struct slice number)
{
    return fail_at(r, number.ptr, is_integer(number) ? "integer out of range" : "integer expected");
}

bool json_u64(struct json_reader *r, uint64_t *out)
{
    struct slice number;
    if (!json_number(r, &number)) return false;
    return slice_to_u64(number, out) || fail_integer(r, number);
}

bool json_i64(struct json_reader *r, int64_t *out)
{
    struct slice number;
    if (!json_number(r, &number)) return false;
    return slice_to_i64(number, out) || fail_integer(r, number);
}

bool json_u32(struct json_reader *r, uint32_t *out)
{
    struct slice number;
    uint64_t value;
    if (!json_number(r, &number)) return false;
    if (!slice_to_u64(number, &value) || value > UINT32_MAX) return fail_integer(r, number);
    *out = (uint32_t)value;
    return true;
}

bool json_i32(struct json_reader *r, int32_t *out)
{
    struct slice number;
    int64_t value;
    if (!json_number(r, &number)) return false;
    if (!slice_to_i64(number, &value) || value < INT32_MIN || value > INT32_MAX) return fail_integer(r, number);
    *out = (int32_t)value;
    return true;
}

bool json_double(struct json_reader *r, double *out)
{
    struct slice number;
    char text[JSON_DOUBLE_DIGITS_MAX + 1];
    if (!json_number(r, &number)) return false;
    if (number.len > JSON_DOUBLE_DIGITS_MAX) return fail_at(r, number.ptr, "number too long");
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    double value = strtod(text, NULL);
    if (!isfinite(value)) return fail_at(r, number.ptr, "number out of range");
    *out = value;
    return true;
}

/* ---------------------------------------------------------- whole values */

/* Which of the open containers are objects: one bit each. */
struct nesting {
    uint64_t words[JSON_DEPTH_CEILING / BITS_PER_WORD];
};

static void nesting_set(struct nesting *n, uint32_t depth, bool object)
{
    uint64_t bit = UINT64_C(1) << (depth % BITS_PER_WORD);
    uint64_t *word = &n->words[depth / BITS_PER_WORD];
    *word = object ? *word | bit : *word & ~bit;
}

static bool nesting_is_object(const struct nesting *n, uint32_t depth)
{
    return (n->words[depth / BITS_PER_WORD] >> (depth % BITS_PER_WORD)) & 1;
}

static bool skip_scalar(struct json_reader *r, enum json_type type)
{
    struct json_string string;
    struct slice number;
    bool boolean;
    switch (type) {
    case JSON_STRING: return take_string(r, &string);
    case JSON_NUMBER: return json_number(r, &number);
    case JSON_BOOL: return json_bool(r, &boolean);
    case JSON_NULL: return take_word(r, SLICE("null"));
    default: return fail_value(r, "value expected");
    }
}

/* Take a scalar, or open a container; false on failure. */
static bool skip_step(struct json_reader *r, struct nesting *n)
{
    enum json_type type = json_peek(r);
    if (type != JSON_OBJECT && type != JSON_ARRAY) return skip_scalar(r, type);
    if (!container_begin(r, type, "")) return false;
    nesting_set(n, r->depth_ - 1, type == JSON_OBJECT);
    return true;
}

bool json_skip(struct json_reader *r)
{
    struct nesting n; /* a bit is read only after it was set */
    struct json_string key;
    uint32_t base = r->depth_;
    if (!skip_step(r, &n)) return false;
    while (r->depth_ > base) {
        bool more = nesting_is_object(&n, r->depth_ - 1) ? json_object_next(r, &key) : json_array_next(r);
        if (more ? !skip_step(r, &n) : !json_ok(r)) return false;
    }
    return true;
}

bool json_raw(struct json_reader *r, struct slice *out)
{
    if (!json_ok(r)) return false;
    next_byte(r);
    const char *start = r->at_;
    if (!json_skip(r)) return false;
    *out = slice_of(start, (size_t)(r->at_ - start));
    return true;
}

bool json_valid(struct slice text, uint32_t depth_max)
{
    struct json_reader r;
    json_reader_init(&r, text, depth_max);
    return json_skip(&r) && json_at_end(&r);
}

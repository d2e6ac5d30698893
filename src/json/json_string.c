#include "json/json_string.h"

#include <endian.h>

#include "base/utf8.h"

#define EVERY_BYTE(b)         (UINT64_C(0x0101010101010101) * (uint64_t)(b))
#define REPLACEMENT_CHARACTER 0xfffdu

/* The high bit of the lowest byte that is a quote, a backslash or a control
 * character is the lowest bit set; bytes from 0x80 up never count. A borrow may
 * set bits above the first true one, which nobody looks at. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ EVERY_BYTE('"');
    uint64_t backslash = word ^ EVERY_BYTE('\\');
    uint64_t found = ((quote - EVERY_BYTE(1)) & ~quote) | ((backslash - EVERY_BYTE(1)) & ~backslash) |
                     ((word - EVERY_BYTE(0x20)) & ~word);
    return found & EVERY_BYTE(0x80);
}

/* The first quote, backslash or control character at or after at, or end. Bits
 * of every byte passed are gathered in *seen. */
static const char *skip_plain(const char *at, const char *end, uint64_t *seen)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t found = special_bytes(word);
        *seen |= word; /* may count bytes behind the find: costs one needless UTF-8 check */
        if (found) return at + (__builtin_ctzll(found) >> 3);
        at += 8;
    }
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\' || c < 0x20) return at;
        *seen |= c;
    }
    return end;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* at is the backslash; returns the byte after the escape, or NULL. */
static const char *skip_escape(const char *at, const char *end)
{
    if (end - at < 2) return NULL;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return at + 2;
    case 'u':
        if (end - at < 6) return NULL;
        for (int i = 2; i < 6; i++)
            if (hex_value(at[i]) < 0) return NULL;
        return at + 6;
    default: return NULL;
    }
}

static const char *refuse(const char *at, const char *text, const char **bad, const char **why)
{
    *bad = at;
    *why = text;
    return NULL;
}

const char *json_string_scan(const char *at, const char *end, struct json_string *out, const char **bad,
                             const char **why)
{
    const char *start = at;
    uint64_t seen = 0;
    bool escaped = false;
    for (;;) {
        at = skip_plain(at, end, &seen);
        if (at == end) return refuse(at, "unfinished string", bad, why);
        if (*at == '"') break;
        if (*at != '\\') return refuse(at, "control character in a string", bad, why);
        const char *next = skip_escape(at, end);
        if (!next) return refuse(at, "invalid escape in a string", bad, why);
        escaped = true;
        at = next;
    }
    struct slice raw = slice_of(start, (size_t)(at - start));
    if ((seen & EVERY_BYTE(0x80)) && !utf8_valid(raw)) return refuse(start, "invalid UTF-8 in a string", bad, why);
    *out = (struct json_string){ raw, escaped };
    return at + 1;
}

static uint32_t hex4(const char *at)
{
    return (uint32_t)(hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 | hex_value(at[3]));
}

static bool is_low_surrogate(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return false;
    return (hex4(at + 2) & 0xfc00) == 0xdc00;
}

/* *at is the 'u' of a valid escape; moved behind it, and behind a second half. */
static uint32_t take_code_point(const char **at, const char *end)
{
    uint32_t cp = hex4(*at + 1);
    *at += 5;
    if ((cp & 0xf800) != 0xd800) return cp;
    if (cp >= 0xdc00 || !is_low_surrogate(*at, end)) return REPLACEMENT_CHARACTER;
    cp = 0x10000 + ((cp & 0x3ff) << 10) + (hex4(*at + 2) & 0x3ff);
    *at += 6;
    return cp;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c; /* quote, backslash, slash */
    }
}

size_t json_string_decode_to(struct json_string s, char *out)
{
    const char *at = s.raw.ptr, *end = at + s.raw.len;
    char *to = out;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash ? backslash : end) - at);
        memcpy(to, at, plain);
        to += plain;
        if (!backslash) break;
        at = backslash + 1;
        if (*at == 'u')
            to += utf8_encode(take_code_point(&at, end), to);
        else
            *to++ = simple_escape(*at++);
    }
    return (size_t)(to - out);
}

enum status json_string_decode(struct json_string s, struct arena *a, struct slice *out)
{
    if (!s.escaped) {
        *out = s.raw;
        return STATUS_OK;
    }
    char *text = arena_alloc(a, s.raw.len);
    if (!text) return STATUS_NO_MEMORY;
    *out = slice_of(text, json_string_decode_to(s, text));
    return STATUS_OK;
}

void json_string_append(struct json_string s, struct buf *b)
{
    if (!s.escaped) {
        buf_append(b, s.raw);
        return;
    }
    char *room = buf_reserve(b, s.raw.len);
    if (room) b->len += json_string_decode_to(s, room);
}

/* Decode what may equal a name: each of its bytes takes at most six in the text. */
static bool decode_name(struct json_string s, char room[static 6 * JSON_NAME_MAX], struct slice *out)
{
    if (s.raw.len > 6 * JSON_NAME_MAX) return false;
    *out = slice_of(room, json_string_decode_to(s, room));
    return true;
}

bool json_string_eq(struct json_string s, struct slice name)
{
    char room[6 * JSON_NAME_MAX];
    struct slice decoded = s.raw;
    if (s.escaped && !decode_name(s, room, &decoded)) return false;
    return slice_eq(decoded, name);
}

bool json_string_eq_nocase(struct json_string s, struct slice name)
{
    char room[6 * JSON_NAME_MAX];
    struct slice decoded = s.raw;
    if (s.escaped && !decode_name(s, room, &decoded)) return false;
    return slice_eq_nocase(decoded, name);
}

#include "json/json_writer.h"

#include "base/utf8.h"

/* The longest escape of one input byte: \u00xx. */
#define ESCAPE_MAX 6

static const char hex_digits[] = "0123456789abcdef";

/* The ASCII bytes that stand for themselves. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static size_t plain_len(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && is_plain((unsigned char)*at)) at++;
    return (size_t)(at - start);
}

static char *put_u00(char *to, unsigned char c)
{
    memcpy(to, "\\u00", 4);
    to[4] = hex_digits[c >> 4];
    to[5] = hex_digits[c & 15];
    return to + 6;
}

static char *put_ascii_escape(char *to, unsigned char c)
{
    char letter;
    switch (c) {
    case '"':
    case '\\': letter = (char)c; break;
    case '\n': letter = 'n'; break;
    case '\r': letter = 'r'; break;
    case '\t': letter = 't'; break;
    default: return put_u00(to, c);
    }
    *to++ = '\\';
    *to++ = letter;
    return to;
}

/* Length of the valid UTF-8 sequence at at, or 0. */
static size_t sequence_len(const char *at, const char *end)
{
    unsigned char lead = (unsigned char)*at;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if ((size_t)(end - at) < len || !utf8_valid(slice_of(at, len))) return 0;
    return len;
}

static bool is_line_separator(const char *at, size_t len)
{
    return len == 3 && memcmp(at, "\xe2\x80", 2) == 0 && (at[2] == '\xa8' || at[2] == '\xa9');
}

/* Write the bytes from 0x80 up at *at as they are, or escaped, and move behind them. */
static char *put_high(char *to, const char **at, const char *end)
{
    size_t len = sequence_len(*at, end);
    if (len == 0) {
        memcpy(to, "\\ufffd", 6);
        *at += 1;
        return to + 6;
    }
    if (is_line_separator(*at, len)) {
        memcpy(to, (*at)[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
        *at += len;
        return to + 6;
    }
    memcpy(to, *at, len);
    *at += len;
    return to + len;
}

static void append_escaped(struct buf *b, const char *at, const char *end)
{
    while (at < end) {
        size_t plain = plain_len(at, end);
        buf_append(b, slice_of(at, plain));
        at += plain;
        if (at == end) return;
        char escape[ESCAPE_MAX], *to;
        if ((unsigned char)*at >= 0x80)
            to = put_high(escape, &at, end);
        else
            to = put_ascii_escape(escape, (unsigned char)*at++);
        buf_append(b, slice_of(escape, (size_t)(to - escape)));
    }
}

void json_append_string(struct buf *b, struct slice text)
{
    if (text.len == 0) { /* its pointer may be NULL */
        buf_append(b, SLICE("\"\""));
        return;
    }
    const char *end = text.ptr + text.len;
    size_t plain = plain_len(text.ptr, end);
    char *room = buf_reserve(b, text.len + 2);
    if (!room) return;
    *room = '"';
    memcpy(room + 1, text.ptr, plain);
    b->len += plain + 1;
    append_escaped(b, text.ptr + plain, end);
    buf_append_char(b, '"');
}

void json_append_raw(struct buf *b, struct slice value)
{
    ptrdiff_t newline;
    while ((newline = slice_index(value, '\n')) >= 0) {
        buf_append(b, slice_head(value, (size_t)newline));
        value = slice_from(value, (size_t)newline + 1);
    }
    buf_append(b, value);
}

static void element(struct json_writer *w)
{
    if (w->comma_) buf_append_char(w->out, ',');
    w->comma_ = true;
}

static void container_begin(struct json_writer *w, char open)
{
    element(w);
    buf_append_char(w->out, open);
    w->comma_ = false;
}

static void container_end(struct json_writer *w, char close)
{
    buf_append_char(w->out, close);
    w->comma_ = true;
}

void json_write_object_begin(struct json_writer *w)
{
    container_begin(w, '{');
}

void json_write_object_end(struct json_writer *w)
{
    container_end(w, '}');
}

void json_write_array_begin(struct json_writer *w)
{
    container_begin(w, '[');
}

void json_write_array_end(struct json_writer *w)
{
    container_end(w, ']');
}

void json_write_key(struct json_writer *w, struct slice key)
{
    element(w);
    json_append_string(w->out, key);
    buf_append_char(w->out, ':');
    w->comma_ = false;
}

void json_write_name(struct json_writer *w, struct slice name)
{
    char *room = buf_reserve(w->out, name.len + 3 + w->comma_), *to = room;
    if (!room) return;
    if (w->comma_) *to++ = ',';
    *to++ = '"';
    memcpy(to, name.ptr, name.len);
    to += name.len;
    *to++ = '"';
    *to++ = ':';
    w->out->len += (size_t)(to - room);
    w->comma_ = false;
}

void json_write_string(struct json_writer *w, struct slice text)
{
    element(w);
    json_append_string(w->out, text);
}

void json_write_u64(struct json_writer *w, uint64_t value)
{
    element(w);
    buf_append_u64(w->out, value);
}

void json_write_i64(struct json_writer *w, int64_t value)
{
    element(w);
    buf_append_i64(w->out, value);
}

void json_write_bool(struct json_writer *w, bool value)
{
    element(w);
    buf_append(w->out, value ? SLICE("true") : SLICE("false"));
}

void json_write_null(struct json_writer *w)
{
    element(w);
    buf_append(w->out, SLICE("null"));
}

void json_write_raw(struct json_writer *w, struct slice value)
{
    if (value.len == 0) {
        json_write_null(w);
        return;
    }
    element(w);
    json_append_raw(w->out, value);
}

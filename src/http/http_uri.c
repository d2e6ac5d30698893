#include "http/http_uri.h"

#include "http/http_chars.h"

static bool starts_with_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq_nocase(slice_head(s, prefix.len), prefix);
}

static bool port_valid(struct slice port)
{
    for (size_t i = 0; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9') return false;
    return port.len <= 5;
}

/* [IPv6 or later] with an optional port. */
static bool literal_valid(struct slice authority)
{
    ptrdiff_t end = slice_index(authority, ']');
    if (end < 2) return false;
    for (ptrdiff_t i = 1; i < end; i++)
        if (authority.ptr[i] != ':' && !http_char_is(authority.ptr[i], HTTP_CHAR_HOST)) return false;
    struct slice rest = slice_from(authority, (size_t)end + 1);
    return rest.len == 0 || (rest.ptr[0] == ':' && port_valid(slice_from(rest, 1)));
}

bool http_authority_valid(struct slice authority)
{
    if (authority.len == 0) return true;
    if (authority.ptr[0] == '[') return literal_valid(authority);
    size_t host_len = http_span(authority, HTTP_CHAR_HOST);
    if (host_len == 0) return false;
    struct slice rest = slice_from(authority, host_len);
    return rest.len == 0 || (rest.ptr[0] == ':' && port_valid(slice_from(rest, 1)));
}

/* Part path?query; an empty path is "/". */
static void split_query(struct slice text, struct http_target *out)
{
    ptrdiff_t mark = slice_index(text, '?');
    out->query = mark < 0 ? (struct slice){ NULL, 0 } : slice_from(text, (size_t)mark + 1);
    out->path = mark < 0 ? text : slice_head(text, (size_t)mark);
    if (out->path.len == 0) out->path = SLICE("/");
}

static bool split_absolute(struct slice target, struct http_target *out)
{
    size_t scheme_len;
    if (starts_with_nocase(target, SLICE("http://")))
        scheme_len = 7;
    else if (starts_with_nocase(target, SLICE("https://")))
        scheme_len = 8;
    else
        return false;
    struct slice rest = slice_from(target, scheme_len);
    size_t authority_len = 0;
    while (authority_len < rest.len && rest.ptr[authority_len] != '/' && rest.ptr[authority_len] != '?')
        authority_len++;
    struct slice authority = slice_head(rest, authority_len);
    if (authority.len == 0 || !http_authority_valid(authority)) return false;
    out->form = HTTP_TARGET_ABSOLUTE;
    out->authority = authority;
    split_query(slice_from(rest, authority_len), out);
    return true;
}

bool http_target_split(struct slice target, struct http_target *out)
{
    if (target.len == 0) return false;
    if (target.ptr[0] == '/') {
        out->form = HTTP_TARGET_ORIGIN;
        out->authority = (struct slice){ NULL, 0 };
        split_query(target, out);
        return true;
    }
    if (slice_eq(target, SLICE("*"))) {
        *out = (struct http_target){ .form = HTTP_TARGET_ASTERISK, .path = target };
        return true;
    }
    return split_absolute(target, out);
}

/* Decode the character at *i, moving *i to its last byte; -1 for a broken escape. */
static int decode_char(struct slice text, size_t *i, enum http_plus plus)
{
    char c = text.ptr[*i];
    if (c == '+' && plus == HTTP_PLUS_IS_SPACE) return ' ';
    if (c != '%') return (uint8_t)c;
    if (text.len - *i < 3) return -1;
    int high = http_hex_value(text.ptr[*i + 1]), low = http_hex_value(text.ptr[*i + 2]);
    if (high < 0 || low < 0) return -1;
    *i += 2;
    return high * 16 + low;
}

enum status http_percent_decode(struct slice text, enum http_plus plus, struct buf *out)
{
    if (text.len == 0) return out->failed;
    char *at = buf_reserve(out, text.len);
    if (!at) return out->failed;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = decode_char(text, &i, plus);
        if (c < 0) return STATUS_MALFORMED;
        at[len++] = (char)c;
    }
    out->len += len;
    return STATUS_OK;
}

/* Does the encoded text decode to name? Without memory: compared as it is decoded. */
static bool decodes_to(struct slice text, struct slice name)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++, len++) {
        int c = decode_char(text, &i, HTTP_PLUS_IS_SPACE);
        if (c < 0 || len == name.len || (uint8_t)name.ptr[len] != c) return false;
    }
    return len == name.len;
}

enum http_query_result http_query_get(struct slice query, struct slice name, struct buf *value)
{
    buf_clear(value);
    while (query.len > 0) {
        ptrdiff_t end = slice_index(query, '&');
        struct slice pair = end < 0 ? query : slice_head(query, (size_t)end);
        query = end < 0 ? (struct slice){ NULL, 0 } : slice_from(query, (size_t)end + 1);
        ptrdiff_t equals = slice_index(pair, '=');
        struct slice key = equals < 0 ? pair : slice_head(pair, (size_t)equals);
        if (pair.len == 0 || !decodes_to(key, name)) continue;
        struct slice text = equals < 0 ? (struct slice){ NULL, 0 } : slice_from(pair, (size_t)equals + 1);
        enum status status = http_percent_decode(text, HTTP_PLUS_IS_SPACE, value);
        if (status == STATUS_OK) return HTTP_QUERY_FOUND;
        return status == STATUS_MALFORMED ? HTTP_QUERY_MALFORMED : HTTP_QUERY_TOO_LARGE;
    }
    return HTTP_QUERY_ABSENT;
}

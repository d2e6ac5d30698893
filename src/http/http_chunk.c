#include "http/http_chunk.h"

#include "http/http_chars.h"

/* 16 hexadecimal digits are all of 64 bits. */
#define SIZE_DIGITS_MAX 16

static struct slice skip_blanks(struct slice s)
{
    size_t len = 0;
    while (len < s.len && (s.ptr[len] == ' ' || s.ptr[len] == '\t')) len++;
    return slice_from(s, len);
}

/* Length of the quoted-string at the front, quotes included; 0 when it is broken. */
static size_t quoted_len(struct slice s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"') return i + 1;
        if (s.ptr[i] == '\\') {
            i++;
            if (i == s.len || !http_value_valid(slice_of(s.ptr + i, 1))) return 0;
        } else if (!http_char_is(s.ptr[i], HTTP_CHAR_QUOTED)) {
            return 0;
        }
    }
    return 0;
}

/* Take "=value" off *s if it is there; false when it is broken. */
static bool take_value(struct slice *s)
{
    struct slice rest = skip_blanks(*s);
    if (rest.len == 0 || rest.ptr[0] != '=') return true;
    rest = skip_blanks(slice_from(rest, 1));
    size_t len = rest.len > 0 && rest.ptr[0] == '"' ? quoted_len(rest) : http_token_len(rest);
    *s = slice_from(rest, len);
    return len > 0;
}

static bool extensions_valid(struct slice s)
{
    while (s.len > 0) {
        s = skip_blanks(s);
        if (s.len == 0 || s.ptr[0] != ';') return false;
        s = skip_blanks(slice_from(s, 1));
        size_t name_len = http_token_len(s);
        if (name_len == 0) return false;
        s = slice_from(s, name_len);
        if (!take_value(&s)) return false;
    }
    return true;
}

enum http_error http_chunk_read_line(struct slice line, uint64_t *size, size_t *extension_bytes)
{
    uint64_t value = 0;
    size_t digits = 0;
    for (int digit; digits < line.len && (digit = http_hex_value(line.ptr[digits])) >= 0; digits++) {
        if (digits == SIZE_DIGITS_MAX) return HTTP_ERROR_CHUNK_SIZE;
        value = value << 4 | (uint64_t)digit;
    }
    if (digits == 0) return HTTP_ERROR_CHUNK_SIZE;
    struct slice extensions = slice_from(line, digits);
    if (slice_index(extensions, '\r') >= 0) return HTTP_ERROR_BARE_CR;
    if (!http_value_valid(extensions)) return HTTP_ERROR_CONTROL_BYTE;
    if (extensions.len > 0 && slice_index(extensions, ';') < 0) return HTTP_ERROR_CHUNK_SIZE;
    if (!extensions_valid(extensions)) return HTTP_ERROR_CHUNK_EXTENSION;
    *size = value;
    *extension_bytes = extensions.len;
    return HTTP_ERROR_NONE;
}

#include "auth/auth_endpoint.h"

#include <string.h>

#define OPENING SLICE("{{")
#define CLOSING SLICE("}}")

/* Index of needle, or -1. */
static ptrdiff_t find(struct slice in, struct slice needle)
{
    const char *at = in.len ? memmem(in.ptr, in.len, needle.ptr, needle.len) : NULL;
    return at ? at - in.ptr : -1;
}

bool auth_endpoint_next(struct slice *rest, struct slice *before, struct slice *name)
{
    const ptrdiff_t opening = find(*rest, OPENING);
    const struct slice inside = opening < 0 ? *rest : slice_from(*rest, (size_t)opening + OPENING.len);
    const ptrdiff_t closing = opening < 0 ? -1 : find(inside, CLOSING);
    if (closing < 0) {
        *before = *rest;
        *rest = (struct slice){ 0 };
        return false;
    }
    *before = slice_head(*rest, (size_t)opening);
    *name = slice_head(inside, (size_t)closing);
    *rest = slice_from(inside, (size_t)closing + CLOSING.len);
    return true;
}

/* What follows "://"; empty when the scheme is neither http nor https. */
static struct slice after_scheme(struct slice url)
{
    static const struct slice schemes[] = { SLICE("http://"), SLICE("https://") };
    for (size_t i = 0; i < 2; i++)
        if (slice_eq_nocase(slice_head(url, schemes[i].len), schemes[i])) return slice_from(url, schemes[i].len);
    return (struct slice){ 0 };
}

static size_t authority_len(struct slice behind_scheme)
{
    size_t len = 0;
    while (len < behind_scheme.len && !strchr("/?#", behind_scheme.ptr[len])) len++;
    return len;
}

/* Printable ASCII: anything else is written as %XX in an address. */
static bool has_address_bytes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') return false;
    return true;
}

const char *auth_endpoint_trouble(struct slice text)
{
    const struct slice behind = after_scheme(text);
    const size_t authority = authority_len(behind);
    struct slice rest = text, before, name;
    if (text.len > AUTH_ENDPOINT_LEN_MAX) return "is longer than 2048 bytes";
    if (!behind.ptr) return "is no address that starts with http:// or https://";
    if (authority == 0) return "is an address without a host";
    if (find(slice_head(behind, authority), SLICE("{")) >= 0)
        return "has a placeholder in its host, allowed are placeholders behind it";
    if (!has_address_bytes(text)) return "has a blank or another byte that is written as %XX in an address";
    while (auth_endpoint_next(&rest, &before, &name)) {
    }
    return find(before, OPENING) >= 0 ? "has a {{ without its }}" : NULL;
}

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Take one byte, decoded, from the front of *path. False: a broken %XX. */
static bool take_byte(struct slice *path, char *out)
{
    *out = path->ptr[0];
    size_t len = 1;
    if (*out == '%') {
        const int high = path->len > 2 ? digit_of(path->ptr[1]) : -1, low = path->len > 2 ? digit_of(path->ptr[2]) : -1;
        if (high < 0 || low < 0) return false;
        *out = (char)(high << 4 | low);
        len = 3;
    }
    *path = slice_from(*path, len);
    return true;
}

/* How a segment looks so far: the ones that are not clean are short. */
struct segment {
    size_t len;
    bool only_dots;
};

static bool segment_is_clean(const struct segment *s)
{
    return s->len > 2 ? true : s->len > 0 && !s->only_dots;
}

bool auth_endpoint_path_is_clean(struct slice url)
{
    struct slice path = after_scheme(url);
    path = slice_from(path, authority_len(path));
    size_t len = 0;
    while (len < path.len && path.ptr[len] != '?' && path.ptr[len] != '#') len++;
    path = slice_head(path, len);
    if (path.len <= 1) return true;
    path = slice_from(path, 1);
    struct segment segment = { .only_dots = true };
    while (path.len > 0) {
        char c;
        if (!take_byte(&path, &c)) return false;
        if (c != '/') {
            segment.len++;
            segment.only_dots &= c == '.';
            continue;
        }
        if (!segment_is_clean(&segment)) return false;
        segment = (struct segment){ .only_dots = true };
    }
    return segment_is_clean(&segment);
}

/* Append a part; false: the room is used up. */
static bool put(char *out, size_t *len, struct slice part)
{
    if (part.len > AUTH_ENDPOINT_LEN_MAX - *len) return false;
    if (part.len) memcpy(out + *len, part.ptr, part.len);
    *len += part.len;
    return true;
}

enum status auth_endpoint_resolve(struct slice text, struct slice (*value_of)(void *context, struct slice name),
                                  void *context, struct arena *arena, struct slice *url, const char **why)
{
    struct slice before, name;
    size_t len = 0;
    char *out = arena_alloc(arena, AUTH_ENDPOINT_LEN_MAX);
    if (!out) {
        *why = "memory was out for the address of the key set";
        return STATUS_NO_MEMORY;
    }
    bool fits = true;
    while (fits && auth_endpoint_next(&text, &before, &name))
        fits = put(out, &len, before) && put(out, &len, value_of(context, name));
    if (!fits || !put(out, &len, before)) {
        *why = "the address of the key set is longer than 2048 bytes";
        return STATUS_TOO_LARGE;
    }
    if (!has_address_bytes(slice_of(out, len)) || !auth_endpoint_path_is_clean(slice_of(out, len))) {
        *why = "iss or aud make the address of the key set climb out of its path";
        return STATUS_MALFORMED;
    }
    *url = slice_of(out, len);
    return STATUS_OK;
}

/* An address that is filled from a token is filled by whoever wrote the token, before
 * anybody has checked it: with a free choice of words they would choose a key server of
 * their own. So the groups that fill it must be lists of fixed words. */
#include <string.h>

#include "auth/auth_endpoint.h"
#include "config/config_check.h"

#define CLASSES "has a class of characters"
#define OPEN    "has a group in the address of the key set that is no list of fixed words"
#define ADVICE  "allowed while jwks_public_endpoint has placeholders is a list such as (?P<tenant>one|two)"

static bool is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

/* Index of the first byte behind an escape at text[at], or 0 when it may stand for more
 * than one text. */
static size_t behind_literal_escape(struct slice text, size_t at)
{
    const char c = at + 1 < text.len ? text.ptr[at + 1] : '\0';
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '\0' || (is_word && !is_in(c, "xtnrfa"))) return 0;
    return at + 2;
}

/* [ and \d, anywhere in the pattern. */
static bool has_class(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '[') return true;
        if (pattern.ptr[i] != '\\') continue;
        if (i + 1 < pattern.len && is_in(pattern.ptr[i + 1], "dDwWsSpPhHvVNRX")) return true;
        i++;
    }
    return false;
}

/* The length of "(?P<name>" or "(?<name>" at the front of text, with its name; 0 = none. */
static size_t named_group(struct slice text, struct slice *name)
{
    static const struct slice openings[] = { SLICE("(?P<"), SLICE("(?<") };
    for (size_t i = 0; i < 2; i++) {
        if (!slice_starts_with(text, openings[i])) continue;
        const struct slice rest = slice_from(text, openings[i].len);
        const ptrdiff_t end = slice_index(rest, '>');
        if (end <= 0 || is_in(rest.ptr[0], "=!")) return 0; /* it looks behind */
        *name = slice_head(rest, (size_t)end);
        return openings[i].len + (size_t)end + 1;
    }
    return 0;
}

/* The length of what opens a group, when that alone leaves its words fixed; 0 = it does not. */
static size_t plain_opening(struct slice text)
{
    struct slice name;
    const size_t named = named_group(text, &name);
    if (named) return named;
    if (slice_starts_with(text, SLICE("(?:"))) return 3;
    return slice_starts_with(text, SLICE("(?")) || slice_starts_with(text, SLICE("(*")) ? 0 : 1;
}

/* Is the group's body, which text begins with, made of words, bars and further groups? */
static bool is_list_of_words(struct slice text)
{
    size_t depth = 1;
    for (size_t i = 0; i < text.len;) {
        const char c = text.ptr[i];
        size_t next = i + 1;
        if (c == ')' && --depth == 0) return true;
        if (is_in(c, "[.*+?{^$")) return false;
        if (c == '\\') next = behind_literal_escape(text, i);
        if (c == '(') {
            const size_t len = plain_opening(slice_from(text, i));
            next = len ? i + len : 0;
            depth++;
        }
        if (next == 0) return false;
        i = next;
    }
    return false;
}

static bool is_placeholder(struct slice endpoint, struct slice wanted)
{
    struct slice before, name;
    while (auth_endpoint_next(&endpoint, &before, &name))
        if (slice_eq(name, wanted)) return true;
    return false;
}

/* NULL, or what is wrong. */
static const char *pattern_trouble(struct slice endpoint, struct slice pattern)
{
    if (has_class(pattern)) return CLASSES;
    for (size_t i = 0; i < pattern.len; i++) {
        struct slice name;
        if (pattern.ptr[i] == '\\') {
            i++;
            continue;
        }
        const size_t len = named_group(slice_from(pattern, i), &name);
        if (len && is_placeholder(endpoint, name) && !is_list_of_words(slice_from(pattern, i + len))) return OPEN;
    }
    return NULL;
}

static void check_pattern(struct config_settings *s, struct slice base, struct slice endpoint, const char *option)
{
    const char *trouble = pattern_trouble(endpoint, slice_from_cstr(config_get_text_at(s, base, option)));
    const struct slice path = config_format(s, "%s.%s", base.ptr, option);
    if (!trouble) return;
    if (config_get_bool_at(s, base, "insecure_skip_jwks_endpoint_safety_check"))
        config_warn(s, path, "%s, which lets whoever writes a token choose the address of its keys", trouble);
    else
        config_refuse(s, path, "%s, " ADVICE, trouble);
}

void config_check_jwks(struct config_settings *s, struct slice base)
{
    const struct slice endpoint = slice_from_cstr(config_get_text_at(s, base, "jwks_public_endpoint"));
    const struct slice path = config_format(s, "%s.jwks_public_endpoint", base.ptr);
    struct slice rest = endpoint, before, name;
    if (endpoint.len == 0) return;
    const char *trouble = auth_endpoint_trouble(endpoint);
    if (trouble) {
        config_refuse(s, path, "%s", trouble);
    } else if (auth_endpoint_next(&rest, &before, &name)) {
        check_pattern(s, base, endpoint, "issuer_regex");
        check_pattern(s, base, endpoint, "audience_regex");
    } else if (!auth_endpoint_path_is_clean(endpoint)) {
        config_warn(s, path,
                    "has an empty, \".\" or \"..\" segment in its path, or ends with \"/\": every token is refused");
    }
}

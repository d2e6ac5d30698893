/* slice is a view of bytes: a pointer and a length, not terminated.
 *
 * Use: struct slice s = SLICE("abc"); if (slice_eq(s, t)) ...
 * A slice always borrows; whoever hands one out says until when. The empty
 * slice may have a NULL pointer. No allocation; any thread. */
#ifndef XSHATHRA_BASE_SLICE_H
#define XSHATHRA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
};

/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
/* printf("%.*s", SLICE_ARG(s)): lengths over INT_MAX are cut. */
#define SLICE_ARG(s) (int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len), (s).ptr ? (s).ptr : ""

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){ (const char *)ptr, len };
}

/* Borrows cstr; NULL gives the empty slice. */
static inline struct slice slice_from_cstr(const char *cstr)
{
    return (struct slice){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The part from index start on; empty when start is at or past the end. */
static inline struct slice slice_from(struct slice s, size_t start)
{
    if (start >= s.len) return (struct slice){ s.ptr ? s.ptr + s.len : NULL, 0 };
    return (struct slice){ s.ptr + start, s.len - start };
}

/* At most the first len bytes. */
static inline struct slice slice_head(struct slice s, size_t len)
{
    return (struct slice){ s.ptr, len < s.len ? len : s.len };
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_head(s, prefix.len), prefix);
}

/* Index of the first (last) byte c, or -1. */
static inline ptrdiff_t slice_index(struct slice s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

static inline ptrdiff_t slice_last_index(struct slice s, char c)
{
    const char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

/* ASCII letters compare without case; other bytes exactly. */
bool slice_eq_nocase(struct slice a, struct slice b);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/* Whole-slice decimal parse, digits only (no sign, no blanks), no overflow.
 * *out is untouched on false. slice_to_i64 takes one leading '-'. */
bool slice_to_u64(struct slice s, uint64_t *out);
bool slice_to_i64(struct slice s, int64_t *out);

/* Order as memcmp, shorter first on a tie: for sorting. */
int slice_compare(struct slice a, struct slice b);

#endif

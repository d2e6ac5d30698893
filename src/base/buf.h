/* buf is a growable byte buffer that owns its memory.
 *
 * Use: struct buf b; buf_init(&b, LIMIT); buf_append(&b, s); ...
 *      if (!buf_ok(&b)) -> memory was out or LIMIT was passed; buf_deinit(&b);
 * A failure is remembered: later appends do nothing, so a writer checks once at
 * its end. One thread at a time. */
#ifndef XSHATHRA_BASE_BUF_H
#define XSHATHRA_BASE_BUF_H

#include "base/slice.h"
#include "base/status.h"

#define BUF_NO_LIMIT ((size_t)-1)

struct buf {
    char *ptr;
    size_t len;         /* bytes in use */
    size_t cap;         /* bytes allocated */
    size_t len_max;     /* refuses to grow past this */
    enum status failed; /* STATUS_OK, STATUS_NO_MEMORY or STATUS_TOO_LARGE */
};

void buf_init(struct buf *b, size_t len_max); /* allocates nothing yet */
void buf_deinit(struct buf *b);               /* frees; b is then as after buf_init with its limit */
void buf_clear(struct buf *b);                /* len = 0, failure forgotten, memory kept */

/* Room for len more bytes at ptr + len, or NULL and the failure is remembered. */
char *buf_reserve(struct buf *b, size_t len);
void buf_append(struct buf *b, struct slice s);
void buf_append_char(struct buf *b, char c);
void buf_append_u64(struct buf *b, uint64_t value); /* decimal */
void buf_append_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drop len bytes from the front (at most all), moving the rest down. */
void buf_consume(struct buf *b, size_t len);

static inline bool buf_ok(const struct buf *b)
{
    return b->failed == STATUS_OK;
}
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){ b->ptr, b->len };
}

/* Hand the bytes to the caller, NUL-terminated (not counted in *len); b is empty
 * after it. NULL when b had failed or memory is out. Freed with mem_free(). */
MUST_CHECK char *buf_take(struct buf *b, size_t *len);

#endif

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem_part.h"

#define BUF_ALLOC_MIN 64

/* cap leaves one allocated byte uncounted: for the NUL of buf_take and buf_printf. */

void buf_init(struct buf *b, size_t len_max)
{
    *b = (struct buf){ .len_max = len_max, .failed = STATUS_OK };
}

void buf_deinit(struct buf *b)
{
    mem_part_free(MEM_BUFFERS, b->ptr);
    buf_init(b, b->len_max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = STATUS_OK;
}

static char *fail(struct buf *b, enum status why)
{
    b->failed = why;
    return NULL;
}

static char *grow(struct buf *b, size_t need)
{
    size_t want = b->ptr ? (b->cap + 1) * 2 : BUF_ALLOC_MIN;
    if (want < b->cap || want - 1 > b->len_max) want = b->len_max + 1;
    if (want <= need) want = need + 1;
    char *ptr = mem_part_realloc(MEM_BUFFERS, b->ptr, want);
    if (ptr == NULL) return fail(b, STATUS_NO_MEMORY);
    b->ptr = ptr;
    b->cap = want - 1;
    return ptr + b->len;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->failed != STATUS_OK) return NULL;
    if (len > b->len_max - b->len) return fail(b, STATUS_TOO_LARGE);
    if (len >= SIZE_MAX - b->len) return fail(b, STATUS_NO_MEMORY);
    if (b->ptr && len <= b->cap - b->len) return b->ptr + b->len;
    return grow(b, b->len + len);
}

void buf_append(struct buf *b, struct slice s)
{
    if (s.len == 0) return;
    char *at = buf_reserve(b, s.len);
    if (at == NULL) return;
    memcpy(at, s.ptr, s.len);
    b->len += s.len;
}

void buf_append_char(struct buf *b, char c)
{
    char *at = buf_reserve(b, 1);
    if (at == NULL) return;
    *at = c;
    b->len++;
}

void buf_append_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t start = sizeof digits;
    do digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    buf_append(b, slice_of(digits + start, sizeof digits - start));
}

void buf_append_i64(struct buf *b, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        if (buf_reserve(b, 2) == NULL) return; /* never a lone sign */
        buf_append_char(b, '-');
        magnitude = 0 - magnitude;
    }
    buf_append_u64(b, magnitude);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->ptr ? b->cap - b->len + 1 : 0;
    int len = b->failed ? 0 : vsnprintf(room ? b->ptr + b->len : NULL, room, format, args);
    if (len < 0) {
        b->failed = STATUS_NO_MEMORY;
    } else if (len > 0) {
        bool fits = (size_t)len < room;
        char *at = buf_reserve(b, (size_t)len);
        if (at && !fits) vsnprintf(at, (size_t)len + 1, format, again);
        if (at) b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len > b->len) len = b->len;
    if (len == 0) return;
    b->len -= len;
    if (b->len) memmove(b->ptr, b->ptr + len, b->len);
}

char *buf_take(struct buf *b, size_t *len)
{
    if (buf_reserve(b, 0) == NULL) return NULL;
    char *ptr = b->ptr;
    ptr[b->len] = '\0';
    *len = b->len;
    mem_part_drop(MEM_BUFFERS, ptr);
    buf_init(b, b->len_max);
    return ptr;
}

#include "base/blob.h"

#include "base/check.h"
#include "base/mem.h"

struct blob *blob_new(enum blob_kind kind, size_t header_len, size_t body_len, size_t separator_len)
{
    CHECK(header_len <= UINT8_MAX && separator_len <= 1);
    if (body_len > UINT32_MAX - UINT8_MAX - 1) return NULL;
    struct blob *b = mem_alloc(sizeof *b + header_len + body_len + separator_len);
    if (b == NULL) return NULL;
    atomic_init(&b->refs_, 1);
    b->body_len = (uint32_t)body_len;
    b->header_len = (uint8_t)header_len;
    b->separator_len = (uint8_t)separator_len;
    b->kind = (uint8_t)kind;
    b->flags = 0;
    return b;
}

struct blob *blob_new_raw(struct slice bytes)
{
    struct blob *b = blob_new(BLOB_RAW, 0, bytes.len, 0);
    if (b && bytes.len) memcpy(b->bytes, bytes.ptr, bytes.len);
    return b;
}

struct blob *blob_ref(struct blob *b)
{
    /* relaxed: the caller holds a reference already, so nothing can be freed meanwhile */
    unsigned before = atomic_fetch_add_explicit(&b->refs_, 1, memory_order_relaxed);
    CHECK(before > 0 && before < UINT32_MAX);
    return b;
}

void blob_unref(struct blob *b)
{
    if (b == NULL) return;
    /* release: our reads end before the free; acquire: the last one sees all of them ended */
    unsigned before = atomic_fetch_sub_explicit(&b->refs_, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1) mem_free(b);
}

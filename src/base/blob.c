#include "base/blob.h"

#include "base/check.h"
#include "base/mem_part.h"

struct blob *blob_new(enum blob_kind kind, size_t header_len, size_t body_len, size_t separator_len)
{
    CHECK(header_len <= UINT8_MAX && separator_len <= 1);
    if (body_len > UINT32_MAX - UINT8_MAX - 1) return NULL;
    struct blob *b = mem_part_alloc(MEM_OUTPUT_QUEUES, sizeof *b + header_len + body_len + separator_len);
    if (b == NULL) return NULL;
    atomic_init(&b->refs_, 1);
    b->body_len = (uint32_t)body_len;
    b->header_len = (uint8_t)header_len;
    b->separator_len = separator_len != 0;
    b->kind = (uint8_t)kind;
    b->flags = 0;
    atomic_init(&b->stored_, false);
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

static enum mem_part part_of(unsigned char stored)
{
    return stored ? MEM_HISTORY : MEM_OUTPUT_QUEUES;
}

void blob_count_stored(struct blob *b, bool stored)
{
    unsigned char before = atomic_exchange_explicit(&b->stored_, stored, memory_order_relaxed);
    if (before != stored) mem_part_move(part_of(before), part_of(stored), b);
}

void blob_unref(struct blob *b)
{
    if (b == NULL) return;
    /* release: our reads end before the free; acquire: the last one sees all of them ended */
    unsigned before = atomic_fetch_sub_explicit(&b->refs_, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1) mem_part_free(part_of(atomic_load_explicit(&b->stored_, memory_order_relaxed)), b);
}

#include "base/mem_part.h"

#include <malloc.h>
#include <stdatomic.h>

#include "base/check.h"

/* Threads that count without read-modify-write; those that come later share one more set. The server starts at
 * most 64 workers and a handful of others, once. */
#define OWN_SETS_MAX 96
#define CACHE_LINE   64
/* What the allocator has in front of each block. */
#define BLOCK_HEADER sizeof(size_t)

struct set {
    _Alignas(CACHE_LINE) _Atomic uint64_t bytes[MEM_PART_COUNT];
    _Atomic uint64_t blocks[MEM_PART_COUNT];
};

static struct set sets[OWN_SETS_MAX + 1];
static atomic_uint sets_taken;
static _Thread_local struct set *own;

static struct set *take_set(void)
{
    /* relaxed: only which number it is matters */
    unsigned index = atomic_fetch_add_explicit(&sets_taken, 1, memory_order_relaxed);
    own = &sets[index < OWN_SETS_MAX ? index : OWN_SETS_MAX];
    return own;
}

/* relaxed: no other data depends on a number. A block may be freed by another thread than took it: then one set
 * goes below zero and the sum is right. */
static void add(_Atomic uint64_t *number, uint64_t n, bool shared)
{
    if (shared)
        atomic_fetch_add_explicit(number, n, memory_order_relaxed);
    else
        atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + n, memory_order_relaxed);
}

static void count(enum mem_part part, uint64_t bytes, uint64_t blocks)
{
    struct set *set = own ? own : take_set();
    bool shared = set == &sets[OWN_SETS_MAX];
    add(&set->bytes[part], bytes, shared);
    add(&set->blocks[part], blocks, shared);
}

static uint64_t bytes_of(const void *ptr)
{
    return malloc_usable_size((void *)(uintptr_t)ptr) + BLOCK_HEADER;
}

void mem_part_add(enum mem_part part, const void *ptr)
{
    if (ptr) count(part, bytes_of(ptr), 1);
}

void mem_part_drop(enum mem_part part, const void *ptr)
{
    if (ptr) count(part, 0 - bytes_of(ptr), UINT64_MAX);
}

void mem_part_move(enum mem_part from, enum mem_part to, const void *ptr)
{
    if (!ptr) return;
    uint64_t bytes = bytes_of(ptr);
    count(from, 0 - bytes, UINT64_MAX);
    count(to, bytes, 1);
}

void *mem_part_alloc(enum mem_part part, size_t len)
{
    void *ptr = mem_alloc(len);
    mem_part_add(part, ptr);
    return ptr;
}

void *mem_part_alloc_zero(enum mem_part part, size_t len)
{
    void *ptr = mem_alloc_zero(len);
    mem_part_add(part, ptr);
    return ptr;
}

void *mem_part_realloc(enum mem_part part, void *ptr, size_t len)
{
    uint64_t before = ptr ? bytes_of(ptr) : 0;
    void *grown = mem_realloc(ptr, len);
    if (grown) count(part, bytes_of(grown) - before, ptr == NULL);
    return grown;
}

void mem_part_free(enum mem_part part, void *ptr)
{
    mem_part_drop(part, ptr);
    mem_free(ptr);
}

void mem_part_sums(struct mem_part_sum sums[static MEM_PART_COUNT])
{
    unsigned taken = atomic_load_explicit(&sets_taken, memory_order_relaxed);
    if (taken > OWN_SETS_MAX) taken = OWN_SETS_MAX + 1;
    for (unsigned part = 0; part < MEM_PART_COUNT; part++) {
        sums[part] = (struct mem_part_sum){ 0 };
        for (unsigned i = 0; i < taken; i++) {
            sums[part].bytes += atomic_load_explicit(&sets[i].bytes[part], memory_order_relaxed);
            sums[part].blocks += atomic_load_explicit(&sets[i].blocks[part], memory_order_relaxed);
        }
        /* Read between a block's two ends, a sum may be below zero for a moment. */
        if ((int64_t)sums[part].bytes < 0) sums[part].bytes = 0;
        if ((int64_t)sums[part].blocks < 0) sums[part].blocks = 0;
    }
}

const char *mem_part_label(enum mem_part part)
{
    static const char *const labels[] = {
#define LABEL(id, label, help) label,
        MEM_PART_LIST(LABEL)
    };
    CHECK(part < MEM_PART_COUNT);
    return labels[part];
}

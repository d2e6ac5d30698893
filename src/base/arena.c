#include "base/arena.h"

#include "base/mem_part.h"
#include "base/poison.h"

#define ARENA_CHUNK_MIN 4096u
#define ARENA_CHUNK_MAX 65536u /* growth stops here; a larger object has a chunk of its own */
#define ARENA_ALIGN     16u

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t len;               /* of bytes */
    char bytes[] __attribute__((aligned(16)));
};

void arena_init(struct arena *a, size_t bytes_max)
{
    *a = (struct arena){ .bytes_max = bytes_max };
}

static void free_chunk(struct arena_chunk *chunk)
{
    unpoison(chunk->bytes, chunk->len);
    mem_part_free(MEM_BUFFERS, chunk);
}

static void open_chunk(struct arena *a, struct arena_chunk *chunk)
{
    poison(chunk->bytes, chunk->len);
    a->next_ = chunk->bytes;
    a->end_ = chunk->bytes + chunk->len;
}

void arena_deinit(struct arena *a)
{
    while (a->chunks_) {
        struct arena_chunk *older = a->chunks_->next;
        free_chunk(a->chunks_);
        a->chunks_ = older;
    }
    arena_init(a, a->bytes_max);
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *first = a->chunks_;
    while (first && first->next) {
        struct arena_chunk *older = first->next;
        free_chunk(first);
        first = older;
    }
    if (first && first->len > ARENA_CHUNK_MAX) { /* one huge request must not be kept for ever */
        free_chunk(first);
        first = NULL;
    }
    a->chunks_ = first;
    a->bytes_ = 0;
    a->next_ = a->end_ = NULL;
    if (first) open_chunk(a, first);
}

static bool add_chunk(struct arena *a, size_t need)
{
    size_t len = a->chunks_ ? a->chunks_->len * 2 : ARENA_CHUNK_MIN - sizeof(struct arena_chunk);
    if (len > ARENA_CHUNK_MAX) len = ARENA_CHUNK_MAX;
    if (len < need) len = need;
    struct arena_chunk *chunk = mem_part_alloc(MEM_BUFFERS, sizeof *chunk + len);
    if (chunk == NULL) return false;
    chunk->len = len;
    chunk->next = a->chunks_;
    a->chunks_ = chunk;
    open_chunk(a, chunk);
    return true;
}

void *arena_alloc(struct arena *a, size_t len)
{
    size_t left = a->bytes_max - a->bytes_;
    if (len > left || len > SIZE_MAX / 2) return NULL;
    size_t need = len ? (len + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
    if (need > left) return NULL;
    if (need > (size_t)(a->end_ - a->next_) && !add_chunk(a, need)) return NULL;
    void *ptr = a->next_;
    a->next_ += need;
    a->bytes_ += need;
    unpoison(ptr, len);
    return ptr;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;
    if (copy == NULL) return (struct slice){ 0 };
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return slice_of(copy, s.len);
}

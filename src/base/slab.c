#include "base/slab.h"

#include "base/check.h"
#include "base/mem_part.h"
#include "base/poison.h"

#define SLAB_CHUNK_BYTES  65536u
#define SLAB_SHIFT_MIN    4u  /* at least 16 objects per chunk */
#define SLAB_PLACES_MIN   64u /* a multiple of the bits in a word of open_ */
#define SLAB_OBJECT_MAX   (1u << 24)
#define SLAB_NO_FREE      ((uint32_t)-1)
#define SLAB_OBJECT_ALIGN 8u
#define WORD_BITS         64u

/* What a free slot holds; the rest of it is poisoned. */
struct slab_free_slot {
    struct slab_object object; /* its even generation is kept for the next use */
    uint32_t next;             /* index in the chunk, or SLAB_NO_FREE */
};

struct slab_chunk {
    uint32_t live_count;
    uint32_t first_free;    /* chain of slots used before */
    uint32_t fresh;         /* slots from here on were never used and are not touched */
    uint32_t retired_count; /* slots whose generations are used up */
    char objects[] __attribute__((aligned(16)));
};

struct slab_place {
    struct slab_chunk *chunk; /* owned; NULL while given back */
    uint32_t generation_base; /* even; a chunk that comes here begins with it */
};

static size_t chunk_bytes(const struct slab *s)
{
    return sizeof(struct slab_chunk) + ((size_t)s->object_len_ << s->shift_);
}

void slab_init(struct slab *s, size_t object_len)
{
    CHECK(object_len >= sizeof(struct slab_object) && object_len <= SLAB_OBJECT_MAX);
    if (object_len < sizeof(struct slab_free_slot)) object_len = sizeof(struct slab_free_slot);
    object_len = (object_len + SLAB_OBJECT_ALIGN - 1) / SLAB_OBJECT_ALIGN * SLAB_OBJECT_ALIGN;
    *s = (struct slab){ .object_len_ = (uint32_t)object_len, .shift_ = SLAB_SHIFT_MIN, .part = MEM_CONNECTIONS };
    while (object_len << (s->shift_ + 1) <= SLAB_CHUNK_BYTES) s->shift_++;
}

void slab_deinit(struct slab *s)
{
    for (uint32_t i = 0; i < s->place_count_; i++) {
        struct slab_chunk *chunk = s->places_[i].chunk;
        if (chunk) unpoison(chunk, chunk_bytes(s));
        mem_part_free(s->part, chunk);
    }
    mem_part_free(s->part, s->places_);
    mem_part_free(s->part, s->open_);
    *s = (struct slab){ .object_len_ = s->object_len_, .shift_ = s->shift_, .part = s->part };
}

static void set_open(struct slab *s, uint32_t index, bool open)
{
    uint64_t bit = (uint64_t)1 << (index % WORD_BITS);
    uint32_t word = index / WORD_BITS;
    if (!open) {
        s->open_[word] &= ~bit;
        return;
    }
    s->open_[word] |= bit;
    if (word < s->first_open_) s->first_open_ = word;
}

static bool grow_places(struct slab *s)
{
    uint32_t cap = s->place_cap_ ? s->place_cap_ * 2 : SLAB_PLACES_MIN;
    /* slot numbers must fit 32 bits, and -1 stays free for the users */
    if ((uint64_t)cap << s->shift_ >= UINT32_MAX) return false;
    struct slab_place *places = mem_part_realloc(s->part, s->places_, cap * sizeof *places);
    if (places == NULL) return false;
    s->places_ = places;
    uint64_t *open = mem_part_realloc(s->part, s->open_, cap / WORD_BITS * sizeof *open);
    if (open == NULL) return false;
    s->open_ = open;
    memset(open + s->place_cap_ / WORD_BITS, 0, (cap - s->place_cap_) / WORD_BITS * sizeof *open);
    s->bytes += (cap - s->place_cap_) * sizeof *places + (cap - s->place_cap_) / 8;
    s->place_cap_ = cap;
    return true;
}

/* An index without a chunk, or -1 when memory is out. */
static int64_t absent_place(struct slab *s)
{
    if (s->absent_count_) {
        for (uint32_t i = 0; i < s->place_count_; i++)
            if (s->places_[i].chunk == NULL) return i;
    }
    if (s->place_count_ == s->place_cap_ && !grow_places(s)) return -1;
    s->places_[s->place_count_] = (struct slab_place){ 0 };
    s->absent_count_++;
    return s->place_count_++;
}

static int64_t add_chunk(struct slab *s)
{
    int64_t index = absent_place(s);
    if (index < 0) return -1;
    struct slab_chunk *chunk = mem_part_alloc(s->part, chunk_bytes(s));
    if (chunk == NULL) return -1;
    *chunk = (struct slab_chunk){ .first_free = SLAB_NO_FREE };
    poison(chunk->objects, (size_t)s->object_len_ << s->shift_);
    s->places_[index].chunk = chunk;
    s->absent_count_--;
    s->empty_count_++;
    s->bytes += chunk_bytes(s);
    set_open(s, (uint32_t)index, true);
    return index;
}

/* The lowest chunk with room, so that the high ones become empty; a new one if none
 * has room; -1 when memory is out. */
static int64_t open_place(struct slab *s)
{
    uint32_t words = s->place_cap_ / WORD_BITS;
    for (; s->first_open_ < words; s->first_open_++) {
        uint64_t bits = s->open_[s->first_open_];
        if (bits) return (int64_t)s->first_open_ * WORD_BITS + __builtin_ctzll(bits);
    }
    return add_chunk(s);
}

static struct slab_free_slot *slot_at(const struct slab *s, struct slab_chunk *chunk, uint32_t index)
{
    return (struct slab_free_slot *)(void *)(chunk->objects + (size_t)index * s->object_len_);
}

/* Takes a slot out of a chunk that has room; *generation is its even one. */
static uint32_t take_slot(struct slab *s, struct slab_place *place, uint32_t *generation)
{
    struct slab_chunk *chunk = place->chunk;
    if (chunk->first_free == SLAB_NO_FREE) {
        *generation = place->generation_base;
        return chunk->fresh++;
    }
    uint32_t index = chunk->first_free;
    struct slab_free_slot *slot = slot_at(s, chunk, index);
    chunk->first_free = slot->next;
    *generation = slot->object.generation;
    return index;
}

void *slab_alloc(struct slab *s)
{
    int64_t place_index = open_place(s);
    if (place_index < 0) return NULL;
    struct slab_place *place = &s->places_[place_index];
    struct slab_chunk *chunk = place->chunk;
    uint32_t generation;
    uint32_t index = take_slot(s, place, &generation);
    if (chunk->live_count++ == 0) s->empty_count_--;
    if (chunk->first_free == SLAB_NO_FREE && chunk->fresh >> s->shift_) set_open(s, (uint32_t)place_index, false);
    struct slab_object *object = &slot_at(s, chunk, index)->object;
    unpoison(object, s->object_len_);
    memset(object, 0, s->object_len_);
    object->slot = (uint32_t)place_index << s->shift_ | index;
    object->generation = generation + 1;
    s->count++;
    return object;
}

static void release_chunk(struct slab *s, uint32_t place_index)
{
    struct slab_place *place = &s->places_[place_index];
    struct slab_chunk *chunk = place->chunk;
    for (uint32_t i = 0; i < chunk->fresh; i++) {
        uint32_t generation = slot_at(s, chunk, i)->object.generation;
        if (generation > place->generation_base) place->generation_base = generation;
    }
    unpoison(chunk, chunk_bytes(s));
    mem_part_free(s->part, chunk);
    place->chunk = NULL;
    set_open(s, place_index, false);
    s->absent_count_++;
    s->bytes -= chunk_bytes(s);
}

void slab_free(struct slab *s, void *object)
{
    struct slab_free_slot *slot = object;
    CHECK(slab_get(s, slot->object.slot, slot->object.generation) == object);
    uint32_t place_index = slot->object.slot >> s->shift_;
    struct slab_chunk *chunk = s->places_[place_index].chunk;
    s->count--;
    chunk->live_count--;
    if (++slot->object.generation == 0) {
        chunk->retired_count++; /* a chunk with a retired slot stays, or its base would begin anew */
    } else {
        slot->next = chunk->first_free;
        chunk->first_free = slot->object.slot & ((1u << s->shift_) - 1);
        set_open(s, place_index, true);
    }
    poison(slot + 1, s->object_len_ - sizeof *slot);
    if (chunk->live_count > 0) return;
    /* One empty chunk stays, so that an object that comes and goes does not cost a chunk each time. */
    if (s->empty_count_ > 0 && chunk->retired_count == 0)
        release_chunk(s, place_index);
    else
        s->empty_count_++;
}

void *slab_get(const struct slab *s, uint32_t slot, uint32_t generation)
{
    uint32_t place_index = slot >> s->shift_;
    if (place_index >= s->place_count_ || generation % 2 == 0) return NULL;
    struct slab_chunk *chunk = s->places_[place_index].chunk;
    uint32_t index = slot & ((1u << s->shift_) - 1);
    if (chunk == NULL || index >= chunk->fresh) return NULL;
    struct slab_object *object = &slot_at(s, chunk, index)->object;
    return object->generation == generation ? object : NULL;
}

static void *next_in_chunk(const struct slab *s, struct slab_chunk *chunk, uint32_t index, uint32_t *slot)
{
    for (; index < chunk->fresh; index++) {
        struct slab_object *object = &slot_at(s, chunk, index)->object;
        if (object->generation % 2 == 0) continue;
        *slot = object->slot + 1;
        return object;
    }
    return NULL;
}

void *slab_next(const struct slab *s, uint32_t *slot)
{
    uint32_t place_index = *slot >> s->shift_;
    uint32_t index = *slot & ((1u << s->shift_) - 1);
    for (; place_index < s->place_count_; place_index++, index = 0) {
        struct slab_chunk *chunk = s->places_[place_index].chunk;
        void *object = chunk && chunk->live_count ? next_in_chunk(s, chunk, index, slot) : NULL;
        if (object) return object;
    }
    *slot = s->place_count_ << s->shift_;
    return NULL;
}

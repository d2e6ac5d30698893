#include "delta/delta_encoder.h"

#include <endian.h>

#include "base/mem.h"
#include "delta/delta_format.h"

/* What is looked for: the base is cut into blocks, and a window as long as a block
 * glides over the target. */
#define BLOCK_LEN 16

/* Blocks with the hash of the window that are looked at, for one place of the window: as many as Centrifugo's encoder
 * does, or, when the search has taken too long already, so few. */
#define CANDIDATES_MAX 249
#define CANDIDATES_FEW 4

/* Bytes of a character behind its first one. */
#define CONTINUATIONS_MAX 3

#define NO_BLOCK UINT32_MAX

#define DIGITS_MAX 6 /* of 32 bits */

/* Blocks of the base by hash: heads, and for each block the next one of its bucket. */
struct block_index {
    uint32_t count; /* of buckets, and of blocks */
    uint32_t *heads, *nexts;
};

/* A sum and a weighted sum, each of 16 bits; the window moves on by one byte at a time. */
struct window_hash {
    uint16_t sum, weighted;
};

/* A stretch of the target that stands in the base too; len 0 = none. */
struct match {
    size_t start; /* in the target */
    size_t len;
    size_t offset; /* in the base */
};

struct encoder {
    struct slice base, target;
    enum delta_text text;
    struct buf *out;
    struct block_index index;
    size_t work_left;
};

/* ---- hashes and the index ---- */

static struct window_hash hash_of(const char *at)
{
    struct window_hash h = { 0 };
    for (unsigned i = 0; i < BLOCK_LEN; i++) {
        uint16_t byte = (unsigned char)at[i];
        h.sum = (uint16_t)(h.sum + byte);
        h.weighted = (uint16_t)(h.weighted + (BLOCK_LEN - i) * byte);
    }
    return h;
}

/* The window whose first byte is at moves on by one. */
static void hash_next(struct window_hash *h, const char *at)
{
    unsigned leaving = (unsigned char)at[0], coming = (unsigned char)at[BLOCK_LEN];
    h->sum = (uint16_t)(h->sum - leaving + coming);
    h->weighted = (uint16_t)(h->weighted - BLOCK_LEN * leaving + h->sum);
}

static uint32_t bucket_of(const struct block_index *index, struct window_hash h)
{
    return ((uint32_t)h.weighted << 16 | h.sum) % index->count;
}

static bool index_base(struct block_index *index, struct slice base)
{
    index->count = (uint32_t)(base.len / BLOCK_LEN);
    index->heads = mem_alloc(2 * (size_t)index->count * sizeof *index->heads);
    if (!index->heads) return false;
    index->nexts = index->heads + index->count;
    memset(index->heads, 0xff, 2 * (size_t)index->count * sizeof *index->heads); /* NO_BLOCK */
    /* A block that ends where the base ends is left out, as Centrifugo's encoder does. */
    for (size_t at = 0; at + BLOCK_LEN < base.len; at += BLOCK_LEN) {
        uint32_t *head = &index->heads[bucket_of(index, hash_of(base.ptr + at))];
        index->nexts[at / BLOCK_LEN] = *head;
        *head = (uint32_t)(at / BLOCK_LEN);
    }
    return true;
}

/* ---- the search ---- */

static void use_up(struct encoder *e, size_t work)
{
    e->work_left = work < e->work_left ? e->work_left - work : 0;
}

/* How many bytes are the same from here on, at most max. */
static size_t same_ahead(const char *a, const char *b, size_t max)
{
    size_t len = 0;
    while (max - len >= sizeof(uint64_t)) {
        uint64_t x, y;
        memcpy(&x, a + len, sizeof x);
        memcpy(&y, b + len, sizeof y);
        uint64_t differ = le64toh(x ^ y);
        if (differ) return len + (size_t)__builtin_ctzll(differ) / 8;
        len += sizeof x;
    }
    while (len < max && a[len] == b[len]) len++;
    return len;
}

/* How many bytes before these are the same, at most max. */
static size_t same_behind(const char *a, const char *b, size_t max)
{
    size_t len = 0;
    while (max - len >= sizeof(uint64_t)) {
        uint64_t x, y;
        memcpy(&x, a - len - sizeof x, sizeof x);
        memcpy(&y, b - len - sizeof y, sizeof y);
        uint64_t differ = le64toh(x ^ y);
        if (differ) return len + (size_t)__builtin_clzll(differ) / 8;
        len += sizeof x;
    }
    while (len < max && a[-1 - (ptrdiff_t)len] == b[-1 - (ptrdiff_t)len]) len++;
    return len;
}

static bool inside_character(struct slice text, size_t at)
{
    return at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80;
}

/* Shrink the match until it begins and ends between characters. What is no UTF-8 may stay cut: it goes into no string,
 * and looking further would be long work for nothing. */
static void trim_to_characters(struct slice target, struct match *m)
{
    for (int i = 0; i < CONTINUATIONS_MAX && m->len > 0 && inside_character(target, m->start + m->len); i++) m->len--;
    for (int i = 0; i < CONTINUATIONS_MAX && m->len > 0 && inside_character(target, m->start); i++) {
        m->start++;
        m->offset++;
        m->len--;
    }
}

/* The match around a block of the base and the window at `at`, which reaches back to `told` at most. */
static struct match match_around(struct encoder *e, uint32_t block, size_t told, size_t at)
{
    size_t in_base = (size_t)block * BLOCK_LEN;
    size_t base_left = e->base.len - in_base, target_left = e->target.len - at;
    size_t ahead =
        same_ahead(e->base.ptr + in_base, e->target.ptr + at, base_left < target_left ? base_left : target_left);
    /* The base's first byte is never reached backwards, as in Centrifugo's encoder. */
    size_t base_before = in_base ? in_base - 1 : 0, target_before = at - told;
    size_t behind = same_behind(e->base.ptr + in_base, e->target.ptr + at,
                                base_before < target_before ? base_before : target_before);
    use_up(e, 1 + (ahead + behind) / sizeof(uint64_t));
    struct match m = { at - behind, ahead + behind, in_base - behind };
    if (e->text == DELTA_UTF8) trim_to_characters(e->target, &m);
    return m;
}

/* Is telling the copy, and the text before it, shorter than the copied bytes? */
static bool pays(const struct match *m, size_t told)
{
    return m->len >= delta_digit_count(m->start - told) + delta_digit_count(m->len) + delta_digit_count(m->offset) + 3u;
}

static struct match best_match(struct encoder *e, struct window_hash hash, size_t told, size_t at)
{
    struct match best = { 0 };
    unsigned candidates = e->work_left > 0 ? CANDIDATES_MAX : CANDIDATES_FEW;
    uint32_t block = e->index.heads[bucket_of(&e->index, hash)];
    for (unsigned i = 0; i < candidates && block != NO_BLOCK; i++) {
        struct match m = match_around(e, block, told, at);
        if (m.len > best.len && pays(&m, told)) best = m;
        block = e->index.nexts[block];
    }
    return best;
}

/* The next match that pays in what is not yet told; len 0 when there is none. */
static struct match next_match(struct encoder *e, size_t told)
{
    struct match none = { 0 };
    size_t at = told;
    if (e->target.len - told <= BLOCK_LEN) return none;
    struct window_hash hash = hash_of(e->target.ptr + at);
    for (;;) {
        struct match m = best_match(e, hash, told, at);
        if (m.len > 0 || at + BLOCK_LEN >= e->target.len) return m;
        hash_next(&hash, e->target.ptr + at++);
    }
}

/* ---- writing ---- */

static void put_number(struct buf *out, uint32_t value)
{
    char digits[DIGITS_MAX];
    unsigned count = delta_digit_count(value);
    for (unsigned i = count; i-- > 0; value >>= DELTA_DIGIT_BITS) digits[i] = delta_digits[value & 0x3f];
    buf_append(out, slice_of(digits, count));
}

static void put_text(struct encoder *e, size_t start, size_t end)
{
    put_number(e->out, (uint32_t)(end - start));
    buf_append_char(e->out, ':');
    buf_append(e->out, slice_head(slice_from(e->target, start), end - start));
}

static void put_copy(struct encoder *e, const struct match *m)
{
    put_number(e->out, (uint32_t)m->len);
    buf_append_char(e->out, '@');
    put_number(e->out, (uint32_t)m->offset);
    buf_append_char(e->out, ',');
}

static void put_commands(struct encoder *e)
{
    size_t told = 0;
    while (buf_ok(e->out)) {
        struct match m = next_match(e, told);
        if (m.len == 0) break;
        if (m.start > told) put_text(e, told, m.start);
        put_copy(e, &m);
        told = m.start + m.len;
    }
    if (told < e->target.len) put_text(e, told, e->target.len);
}

enum status delta_encode(struct slice base, struct slice target, enum delta_text text, struct buf *out)
{
    struct encoder e = { .base = base, .target = target, .text = text, .out = out };
    if (base.len > DELTA_INPUT_LEN_MAX || target.len > DELTA_INPUT_LEN_MAX) return STATUS_TOO_LARGE;
    put_number(out, (uint32_t)target.len);
    buf_append_char(out, '\n');
    if (base.len <= BLOCK_LEN) {
        put_text(&e, 0, target.len);
    } else {
        if (!index_base(&e.index, base)) return STATUS_NO_MEMORY;
        e.work_left = DELTA_WORK_FIXED + DELTA_WORK_PER_BYTE * (base.len + target.len);
        put_commands(&e);
        mem_free(e.index.heads);
    }
    put_number(out, delta_checksum(target));
    buf_append_char(out, ';');
    return out->failed;
}

struct slice delta_choose(struct slice base, struct slice target, enum delta_text text, struct buf *room)
{
    struct slice none = { 0 };
    if (target.len == 0) return none;
    buf_clear(room);
    room->len_max = target.len - 1;
    return delta_encode(base, target, text, room) == STATUS_OK ? buf_slice(room) : none;
}

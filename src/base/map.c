#include "base/map.h"

#include "base/check.h"
#include "base/mem_part.h"

/* While a resize runs, an old bucket is either untouched or wholly moved, and a
 * new node goes where its hash lives now: so all nodes with one hash are in one
 * chain at any time.
 *
 * Growth starts at load 2 (8 bytes of bucket for 1 to 2 nodes), shrinking below
 * 1/4. Eight buckets per step end a shrink before the next one is due. */
#define MAP_BUCKETS_MIN   8u
#define MAP_BUCKETS_MAX   (1u << 30)
#define MAP_LOAD_MAX      2
#define MAP_LOAD_MIN_DIV  4
#define MAP_MOVE_PER_STEP 8u

void map_init(struct map *m)
{
    *m = (struct map){ 0 };
}

void map_deinit(struct map *m)
{
    mem_part_free(MEM_HASH_TABLES, m->buckets_);
    mem_part_free(MEM_HASH_TABLES, m->old_buckets_);
    map_init(m);
}

/* The one chain that holds, or would hold, this hash; needs buckets. */
static struct map_node **chain_of(const struct map *m, uint64_t hash)
{
    if (m->old_buckets_) {
        uint64_t old = hash & (m->old_bucket_count_ - 1);
        if (old >= m->moved_) return &m->old_buckets_[old];
    }
    return &m->buckets_[hash & (m->bucket_count_ - 1)];
}

static void move_bucket(struct map *m, uint32_t old_index)
{
    struct map_node *node = m->old_buckets_[old_index];
    while (node) {
        struct map_node *next = node->next_;
        struct map_node **chain = &m->buckets_[node->hash & (m->bucket_count_ - 1)];
        node->next_ = *chain;
        *chain = node;
        node = next;
    }
    m->old_buckets_[old_index] = NULL;
}

static void move_buckets(struct map *m, size_t budget)
{
    while (m->old_buckets_ && budget--) {
        move_bucket(m, m->moved_++);
        if (m->moved_ < m->old_bucket_count_) continue;
        mem_part_free(MEM_HASH_TABLES, m->old_buckets_);
        m->old_buckets_ = NULL;
        m->old_bucket_count_ = m->moved_ = 0;
    }
}

static bool start_resize(struct map *m, uint32_t bucket_count)
{
    struct map_node **buckets = mem_part_alloc_zero(MEM_HASH_TABLES, (size_t)bucket_count * sizeof(struct map_node *));
    if (buckets == NULL) return false;
    m->old_buckets_ = m->buckets_;
    m->old_bucket_count_ = m->bucket_count_;
    m->moved_ = 0;
    m->buckets_ = buckets;
    m->bucket_count_ = bucket_count;
    return true;
}

static void resize_if_due(struct map *m)
{
    if (m->old_buckets_ || m->buckets_ == NULL) return;
    size_t buckets = m->bucket_count_;
    bool done = true;
    if (m->count > buckets * MAP_LOAD_MAX && buckets < MAP_BUCKETS_MAX)
        done = start_resize(m, m->bucket_count_ * 2);
    else if (m->count < buckets / MAP_LOAD_MIN_DIV && buckets > MAP_BUCKETS_MIN)
        done = start_resize(m, m->bucket_count_ / 2);
    (void)done; /* without memory the table stays as it is and tries again later */
}

static void step(struct map *m, size_t budget)
{
    resize_if_due(m);
    move_buckets(m, budget);
}

enum status map_insert(struct map *m, struct map_node *node)
{
    CHECK(!m->scanning_);
    if (m->buckets_ == NULL && !start_resize(m, MAP_BUCKETS_MIN)) return STATUS_NO_MEMORY;
    step(m, MAP_MOVE_PER_STEP);
    struct map_node **chain = chain_of(m, node->hash);
    node->next_ = *chain;
    *chain = node;
    m->count++;
    return STATUS_OK;
}

void map_remove(struct map *m, struct map_node *node)
{
    CHECK(m->buckets_);
    struct map_node **link = chain_of(m, node->hash);
    while (*link != node) {
        CHECK(*link);
        link = &(*link)->next_;
    }
    *link = node->next_;
    node->next_ = NULL;
    m->count--;
    if (!m->scanning_) step(m, MAP_MOVE_PER_STEP); /* a scan stands in a chain: it steps at its end */
}

static struct map_node *find_hash(struct map_node *node, uint64_t hash)
{
    while (node && node->hash != hash) node = node->next_;
    return node;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
    return m->buckets_ ? find_hash(*chain_of(m, hash), hash) : NULL;
}

struct map_node *map_next_same(const struct map_node *node)
{
    return find_hash(node->next_, node->hash);
}

static uint64_t reverse_bits(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
    v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(v);
}

/* Counts up in the mask's bits from the highest to the lowest. In this order the
 * buckets that one bucket splits into when the table doubles follow each other, so
 * what is behind the cursor stays behind it through any resize. 0 when all are done. */
static uint64_t cursor_next(uint64_t cursor, uint64_t mask)
{
    return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

struct visitor {
    void (*visit)(struct map_node *node, void *context);
    void *context;
};

static void visit_chain(struct map_node *node, const struct visitor *visitor)
{
    while (node) {
        struct map_node *next = node->next_; /* visit may remove node */
        visitor->visit(node, visitor->context);
        node = next;
    }
}

/* Visit the cursor's bucket in the smaller table and all that it covers in the larger. */
static uint64_t visit_both(struct map *m, uint64_t cursor, const struct visitor *visitor)
{
    bool growing = m->old_bucket_count_ < m->bucket_count_;
    struct map_node **small = growing ? m->old_buckets_ : m->buckets_;
    struct map_node **large = growing ? m->buckets_ : m->old_buckets_;
    uint64_t small_mask = (growing ? m->old_bucket_count_ : m->bucket_count_) - 1u;
    uint64_t large_mask = (growing ? m->bucket_count_ : m->old_bucket_count_) - 1u;
    visit_chain(small[cursor & small_mask], visitor);
    do {
        visit_chain(large[cursor & large_mask], visitor);
        cursor = cursor_next(cursor, large_mask);
    } while (cursor & (small_mask ^ large_mask));
    return cursor;
}

bool map_scan(struct map *m, uint64_t *cursor, size_t bucket_budget,
              void (*visit)(struct map_node *node, void *context), void *context)
{
    const struct visitor visitor = { visit, context };
    uint64_t at = *cursor;
    if (m->buckets_ == NULL) {
        *cursor = 0;
        return false;
    }
    m->scanning_ = true;
    size_t left = bucket_budget ? bucket_budget : 1;
    do {
        if (m->old_buckets_) {
            at = visit_both(m, at, &visitor);
        } else {
            visit_chain(m->buckets_[at & (m->bucket_count_ - 1)], &visitor);
            at = cursor_next(at, m->bucket_count_ - 1);
        }
    } while (at != 0 && --left);
    m->scanning_ = false;
    step(m, bucket_budget);
    *cursor = at;
    return at != 0;
}

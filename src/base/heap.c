#include "base/heap.h"

#include "base/check.h"
#include "base/mem_part.h"

#define HEAP_CAP_MIN 16u
#define HEAP_CAP_MAX (1u << 30)

void heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void heap_deinit(struct heap *h)
{
    mem_part_free(MEM_HASH_TABLES, h->nodes_);
    heap_init(h);
}

static void place(struct heap *h, uint32_t index, struct heap_node *node)
{
    h->nodes_[index] = node;
    node->index = index;
}

static uint32_t sift_up(struct heap *h, uint32_t index, struct heap_node *node)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (h->nodes_[parent]->key <= node->key) break;
        place(h, index, h->nodes_[parent]);
        index = parent;
    }
    return index;
}

static uint32_t sift_down(struct heap *h, uint32_t index, struct heap_node *node)
{
    for (;;) {
        uint32_t child = index * 2 + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && h->nodes_[child + 1]->key < h->nodes_[child]->key) child++;
        if (h->nodes_[child]->key >= node->key) break;
        place(h, index, h->nodes_[child]);
        index = child;
    }
    return index;
}

/* Puts node where it belongs, the hole being at index. */
static void settle(struct heap *h, uint32_t index, struct heap_node *node)
{
    uint32_t up = sift_up(h, index, node);
    place(h, up == index ? sift_down(h, index, node) : up, node);
}

static bool resize(struct heap *h, uint32_t cap)
{
    struct heap_node **nodes = mem_part_realloc(MEM_HASH_TABLES, h->nodes_, cap * sizeof *nodes);
    if (nodes == NULL) return false;
    h->nodes_ = nodes;
    h->cap_ = cap;
    return true;
}

enum status heap_set(struct heap *h, struct heap_node *node, uint64_t key)
{
    if (node->index == HEAP_OUTSIDE) {
        if (h->count == h->cap_) {
            if (h->cap_ >= HEAP_CAP_MAX) return STATUS_NO_MEMORY;
            if (!resize(h, h->cap_ ? h->cap_ * 2 : HEAP_CAP_MIN)) return STATUS_NO_MEMORY;
        }
        node->index = h->count++;
    } else {
        CHECK(node->index < h->count && h->nodes_[node->index] == node);
    }
    node->key = key;
    settle(h, node->index, node);
    return STATUS_OK;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->index == HEAP_OUTSIDE) return;
    uint32_t hole = node->index;
    CHECK(hole < h->count && h->nodes_[hole] == node);
    struct heap_node *last = h->nodes_[--h->count];
    node->index = HEAP_OUTSIDE;
    if (last != node) settle(h, hole, last);
    /* at a quarter, so that growing and shrinking do not alternate; a failure only keeps memory */
    if (h->cap_ > HEAP_CAP_MIN && h->count < h->cap_ / 4) (void)!resize(h, h->cap_ / 2);
}

struct heap_node *heap_top(const struct heap *h)
{
    return h->count ? h->nodes_[0] : NULL;
}

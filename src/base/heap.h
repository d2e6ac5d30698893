/* heap: an intrusive binary min-heap of deadlines. Each node knows its index, so
 * removal and change are O(log n). One thread, or under the owner's lock. */
#ifndef XSHATHRA_BASE_HEAP_H
#define XSHATHRA_BASE_HEAP_H

#include "base/slice.h"
#include "base/status.h"

#define HEAP_OUTSIDE ((uint32_t)-1)

struct heap_node {
    uint64_t key;   /* smallest first; set through heap_set */
    uint32_t index; /* HEAP_OUTSIDE when in no heap: set that before first use */
};

struct heap {
    struct heap_node **nodes_;
    uint32_t count; /* read only */
    uint32_t cap_;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);
/* Insert node or move it to its new key. NO_MEMORY: not inserted. */
MUST_CHECK enum status heap_set(struct heap *h, struct heap_node *node, uint64_t key);
void heap_remove(struct heap *h, struct heap_node *node); /* no-op when outside */
struct heap_node *heap_top(const struct heap *h);         /* NULL when empty */

#endif

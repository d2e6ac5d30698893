/* memory_read: a range of a stream, read MEMORY_HOLD_ITEMS at a time over several
 * holds, with a check each time that it is still the same stream. */
#ifndef XSHATHRA_BROKER_MEMORY_READ_H
#define XSHATHRA_BROKER_MEMORY_READ_H

#include "broker/memory/memory_table.h"

enum memory_read_result {
    MEMORY_READ_OK,
    MEMORY_READ_MOVED, /* part of the range has gone: what is there is whole, but not all */
    MEMORY_READ_NO_MEMORY,
};

struct memory_read {
    /* set at first */
    uint64_t next; /* the next offset to take */
    uint64_t left; /* how many more */
    bool reverse;  /* downwards */
    /* the reader's own */
    uint64_t generation_;
    uint32_t chunk_count_;
    struct publication *chunk_[MEMORY_HOLD_ITEMS];
};

/* In the hold that found the range to be there: take the first items. */
void memory_read_begin(struct memory_read *r, const struct memory_hold *h);
/* Outside holds: take the rest in more of them. *out gets the items that were read,
 * in each case; a forward range that has moved begins with what is left of it. */
enum memory_read_result memory_read_end(struct memory_read *r, struct memory_table *t, uint32_t space,
                                        struct slice channel, uint64_t now_ms, struct broker_publications *out);

#endif

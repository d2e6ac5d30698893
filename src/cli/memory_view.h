/* memory_view: a server's metrics of memory, for people and as JSON. The metrics are those of
 * src/server/memory_report.h. Pure. */
#ifndef XSHATHRA_CLI_MEMORY_VIEW_H
#define XSHATHRA_CLI_MEMORY_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

#define MEMORY_VIEW_PARTS_MAX 64

struct memory_view_part {
    struct slice name; /* borrows the metrics */
    uint64_t bytes, objects;
    bool has_objects;
};

struct memory_view {
    struct memory_view_part parts[MEMORY_VIEW_PARTS_MAX];
    uint32_t count;
    uint64_t sum, resident;
};

/* False: the text has no metrics of memory. The largest part comes first. */
bool memory_view_read(struct slice metrics, struct memory_view *view);
/* A table, and what to do where the allocator keeps much. */
void memory_view_print(const struct memory_view *view, FILE *out);
/* {"resident","sum","parts":[{"part","bytes","share","objects","bytes_each"}]}; the last two where they are known. */
void memory_view_print_json(const struct memory_view *view, FILE *out);

#endif

/* handle: the address of an object that one worker owns. It is a value; when the
 * object is gone, the owner simply does not find it (see base/slab.h). */
#ifndef XSHATHRA_MAILBOX_HANDLE_H
#define XSHATHRA_MAILBOX_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

struct handle {
    uint32_t slot;
    uint32_t generation; /* 0 in no live handle */
    uint32_t worker;     /* index of the owner's mailbox in its post office */
};

static inline bool handle_set(struct handle h)
{
    return h.generation != 0;
}

#endif

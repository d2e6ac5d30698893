/* blob: immutable bytes shared by reference count; what goes to a socket.
 * A message for a thousand subscribers is one blob.
 *
 * Layout of a BLOB_MESSAGE:  [frame header][body][separator]
 * The frame header makes header + body a complete frame of its own; several
 * pending messages go out as one frame whose payload is body, separator, body,
 * separator, …, body. A BLOB_RAW has only a body and is sent as it is.
 *
 * Any thread may hold references; the last blob_unref frees it. Bytes must not be
 * changed once a second reference exists. */
#ifndef XSHATHRA_BASE_BLOB_H
#define XSHATHRA_BASE_BLOB_H

#include <stdatomic.h>

#include "base/mem_part.h"
#include "base/slice.h"
#include "base/status.h"

enum blob_kind {
    BLOB_RAW,     /* complete bytes: HTTP answers, control and close frames */
    BLOB_MESSAGE, /* may be merged with its neighbours into one frame */
};

struct blob {
    atomic_uint refs_;
    uint32_t body_len;
    uint8_t header_len; /* 0 for BLOB_RAW */
    uint8_t separator_len : 1;
    uint8_t kind : 1;     /* enum blob_kind */
    uint8_t flags;        /* for the framing layer, e.g. text or binary */
    atomic_uchar stored_; /* counted as the history's memory; relaxed: it guards nothing */
    char bytes[];         /* header, body, separator */
};

/* One reference, bytes unset; NULL when memory is out. */
MUST_CHECK struct blob *blob_new(enum blob_kind kind, size_t header_len, size_t body_len, size_t separator_len);
MUST_CHECK struct blob *blob_new_raw(struct slice bytes);
struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* accepts NULL */
/* Whether its bytes count as the history's or as an output queue's; see mem_part.h. Any thread, any number of times. */
void blob_count_stored(struct blob *b, bool stored);

static inline char *blob_header(struct blob *b)
{
    return b->bytes;
}
static inline char *blob_body(struct blob *b)
{
    return b->bytes + b->header_len;
}
/* header and body: one complete frame */
static inline struct slice blob_frame(const struct blob *b)
{
    return slice_of(b->bytes, (size_t)b->header_len + b->body_len);
}

/* What a queue counts for holding it: bytes plus a fixed overhead. */
#define BLOB_OVERHEAD 64
static inline size_t blob_cost(const struct blob *b)
{
    return b->body_len + (size_t)b->header_len + BLOB_OVERHEAD;
}

#endif

/* memory_stream: the history of one channel: its ring, the top offset, when they
 * expire, and the version of the newest versioned publication. Made at the first
 * stored publication. Under the shard's lock. Rows HI-01 to HI-11. */
#ifndef XSHATHRA_BROKER_MEMORY_STREAM_H
#define XSHATHRA_BROKER_MEMORY_STREAM_H

#include "broker/memory/memory_ring.h"
#include "broker/memory/memory_space.h"

#define MEMORY_META_TTL_MS (UINT64_C(30) * 24 * 3600 * 1000) /* for options without one, as the reference */

struct memory_stream {
    struct memory_ring *ring; /* owns; NULL = no publications */
    uint64_t top;             /* the highest offset ever given; 0 = none yet */
    uint64_t expires_ms;      /* the ring goes; meaningful while there is one */
    uint64_t meta_expires_ms; /* all goes, unless there are subscribers */
    struct broker_history_options options;
    uint64_t version;                     /* 0 = none */
    struct memory_version *version_epoch; /* owns; NULL = "" */
    uint32_t charged;                     /* of space->history_bytes, for as long as the stream lives */
};

/* A version epoch, copied outside the hold. */
struct memory_version {
    size_t len;
    char bytes[];
};

/* NULL when memory is out. */
MUST_CHECK struct memory_stream *memory_stream_new(const struct broker_history_options *options, uint64_t now_ms);
/* Counts the stream and entry_bytes of its entry in the space: positions outlive their publications by far,
 * and who may publish chooses the names. */
void memory_stream_charge(struct memory_stream *s, struct memory_space *space, size_t entry_bytes);
/* What it owns goes to the garbage, and it too. */
void memory_stream_discard(struct memory_stream *s, struct memory_space *space, struct memory_garbage *garbage);

/* A use: the options of the highest policy version stay, the meta lives on. */
void memory_stream_use(struct memory_stream *s, const struct broker_history_options *options, uint64_t now_ms);
/* Let the ring go when its time has come. */
void memory_stream_expire(struct memory_stream *s, struct memory_space *space, uint64_t now_ms,
                          struct memory_garbage *garbage);
/* The publications go, position and version stay (row HI-03). */
void memory_stream_clear(struct memory_stream *s, struct memory_space *space, struct memory_garbage *garbage);
/* When memory_stream_expire() or the end of the meta has something to do. */
uint64_t memory_stream_deadline(const struct memory_stream *s);

/* True when a publication with this version must not be stored (row HI-10). */
bool memory_stream_outdated(const struct memory_stream *s, uint64_t version, struct slice version_epoch);
/* Room for one publication of this cost; the oldest goes when the ring is full. TOO_LARGE: the space would hold more
 * than bytes_max. */
MUST_CHECK enum status memory_stream_reserve(struct memory_stream *s, struct memory_space *space, size_t cost,
                                             size_t bytes_max, struct memory_garbage *garbage);
/* After a reserve: p, whose offset is top + 1, is the newest. */
void memory_stream_append(struct memory_stream *s, struct memory_space *space, struct publication *p, uint64_t now_ms);

/* The lowest offset inside; top + 1 when there is none. */
static inline uint64_t memory_stream_first(const struct memory_stream *s)
{
    return s->ring ? s->ring->first : s->top + 1;
}

#endif

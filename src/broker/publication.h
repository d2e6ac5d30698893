/* publication: one event of a channel (a publication, a join or a leave), built
 * once, immutable, shared by reference count between history and all workers.
 *
 * Each wire form is encoded on first need by whichever worker needs it first,
 * outside any lock, and kept here: see publication_wire().
 * One allocation: the struct, one mail per worker, tags, then the bytes that all
 * slices point to. Any thread may read it; the broker alone makes it. */
#ifndef XSHATHRA_BROKER_PUBLICATION_H
#define XSHATHRA_BROKER_PUBLICATION_H

#include <stdatomic.h>

#include "base/blob.h"
#include "base/slice.h"
#include "mailbox/mailbox.h"

enum publication_kind { PUBLICATION_DATA, PUBLICATION_JOIN, PUBLICATION_LEAVE };

/* The forms that differ in bytes. The compressed ones are whole WebSocket frames, or the same blob as the plain form
 * where compression gains nothing. */
enum publication_form {
    PUBLICATION_FORM_JSON,
    PUBLICATION_FORM_PROTOBUF,
    PUBLICATION_FORM_JSON_DEFLATE,
    PUBLICATION_FORM_PROTOBUF_DEFLATE,
    PUBLICATION_FORM_COUNT,
};

/* Each form has variants for subscribers with delta compression; see publication_delta.h. */
enum publication_variant {
    PUBLICATION_PLAIN,
    PUBLICATION_STRING, /* the data is a JSON string of the data; JSON forms only */
    PUBLICATION_DELTA,  /* the data is the delta from the base; in JSON forms as a string */
    PUBLICATION_VARIANT_COUNT,
};

#define BROKER_EPOCH_MAX 12 /* with NUL */

#define PUBLICATION_KEY_MAX UINT16_MAX /* bytes of a map's key */

/* Objects and arrays open at once in data that counts as JSON. */
#define PUBLICATION_JSON_DEPTH_MAX 512

/* Who published, joined or left. Empty slices are absent on the wire. */
struct publication_info {
    struct slice user, client, conn_info, chan_info;
    bool not_json; /* an info is no JSON value: only clients of Protobuf can have it */
};

struct publication_tag {
    struct slice key, value;
};

/* What a publisher gives; slices are borrowed during the call. */
struct publication_content {
    enum publication_kind kind;
    bool data_is_json; /* the publisher has checked that data is one JSON value; false: not known */
    bool has_info;     /* tells whether info is there */
    bool removed;      /* the key of a map has gone; a map broker sets it */
    struct slice data; /* raw bytes, JSON text for JSON clients */
    struct publication_info info;
    uint64_t version;                   /* 0 = none */
    const struct publication_tag *tags; /* borrowed */
    uint32_t tag_count;
};

struct publication_mail {
    struct mail mail;
    struct publication *publication; /* shares: the mail's one reference */
};

struct publication_delta;

struct publication {
    atomic_uint refs_;
    uint32_t space;
    uint64_t seq;                 /* order among all events of the channel entry; never 0 */
    uint64_t offset;              /* 0 = not in history */
    int64_t time_ms;              /* wall clock at publishing */
    char epoch[BROKER_EPOCH_MAX]; /* "" without history */
    bool delta;                   /* marked for delta encoding */
    atomic_uchar stored_;         /* rings and maps that hold it: while there are, its memory is the history's */
    atomic_uchar json_;           /* what publication_fits_json() has found out */
    uint16_t key_len_;            /* the key's bytes follow the channel's, see publication_key() */
    struct slice channel;
    struct publication_content content; /* slices point into this allocation */
    _Atomic(struct blob *) wires_[PUBLICATION_FORM_COUNT];
    struct publication *base_;                  /* shares its bytes; NULL = no delta can be made */
    _Atomic(struct publication_delta *) delta_; /* owns; NULL until the first subscriber with delta compression */
    atomic_uint byte_refs_;                     /* publications whose base this is, and one for all of refs_ */
    uint32_t worker_count;
    struct publication_mail mails[]; /* one for each worker */
};

/* One reference; offset, seq, epoch 0; NULL when memory is out. */
MUST_CHECK struct publication *publication_new(uint32_t worker_count, uint32_t space, struct slice channel,
                                               const struct publication_content *content);
/* The same with the key of a map, of at most PUBLICATION_KEY_MAX bytes. */
MUST_CHECK struct publication *publication_new_keyed(uint32_t worker_count, uint32_t space, struct slice channel,
                                                     struct slice key, const struct publication_content *content);
struct publication *publication_ref(struct publication *p);
void publication_unref(struct publication *p); /* accepts NULL */
/* p, which is marked and not shared yet, replaces `before` for those who have it: the base of a delta. Only
 * the bytes of `before` are kept alive by that, not what it has for a base itself, so no chain grows. */
void publication_set_base(struct publication *p, struct publication *before);
/* It goes into a ring or a map, or out of it: whose memory it and its forms are from now on; see mem_part.h. */
void publication_count_stored(struct publication *p, bool stored);
/* Bytes that it keeps alive, for limits. */
size_t publication_cost(const struct publication *p);

/* The key of the map that it changes; "" when it is of no map. Clients see removals by content.removed. */
static inline struct slice publication_key(const struct publication *p)
{
    return slice_of(p->channel.ptr + p->channel.len, p->key_len_);
}

/* Whether clients of JSON can have it: data and infos are JSON values, or empty and left
 * out. At data one looks on first need, for most Protobuf channels never. */
bool publication_fits_json(const struct publication *p);

/* Makes the blob of a form for publication_wire(); NULL when it cannot. */
typedef struct blob *publication_encoder(const struct publication *p, enum publication_variant variant);

/* The blob of one plain form, borrowed from the publication: made by encode on first
 * need. Two workers may race to encode; one result wins and both return it.
 * NULL when encode returned NULL. */
struct blob *publication_wire(struct publication *p, enum publication_form form, publication_encoder *encode);

/* made, taken over, goes to *place, unless another worker was first. Returns what is there; NULL when made is NULL. */
struct blob *publication_settle_blob(_Atomic(struct blob *) *place, struct blob *made);
/* For publication_unref(). Accepts NULL. */
void publication_delta_free(struct publication_delta *parts);

#endif

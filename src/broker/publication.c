#include "broker/publication.h"

#include "base/check.h"
#include "base/mem_part.h"
#include "json/json_reader.h"

/* What a form adds to data and infos: keys, channel, offset, blob. An estimate, so
 * that the cost is the same before and after the forms are made. */
#define WIRE_OVERHEAD (128 + BLOB_OVERHEAD)
/* Compressed forms are not counted: they exist only where clients agreed to them, and are smaller than these. */
#define PLAIN_FORM_COUNT 2
/* A marked one has, beside these, the base's bytes, the string and the delta. */
#define DELTA_FORM_COUNT 3

static size_t fixed_len(uint32_t worker_count, uint32_t tag_count)
{
    return sizeof(struct publication) + worker_count * sizeof(struct publication_mail) +
           tag_count * sizeof(struct publication_tag);
}

static size_t bytes_len(struct slice channel, struct slice key, const struct publication_content *content)
{
    const struct publication_info *info = &content->info;
    size_t len = channel.len + key.len + content->data.len + info->user.len + info->client.len + info->conn_info.len +
                 info->chan_info.len;
    for (uint32_t i = 0; i < content->tag_count; i++) len += content->tags[i].key.len + content->tags[i].value.len;
    return len;
}

/* Copy s to *at and move *at past it. */
static struct slice put(char **at, struct slice s)
{
    char *start = *at;
    if (s.len) memcpy(start, s.ptr, s.len);
    *at = start + s.len;
    return slice_of(start, s.len);
}

static void copy_content(struct publication *p, struct slice key, const struct publication_content *content)
{
    struct publication_tag *tags = (struct publication_tag *)(void *)(p->mails + p->worker_count);
    char *at = (char *)(tags + content->tag_count);
    p->content = *content;
    p->content.tags = content->tag_count ? tags : NULL;
    p->channel = put(&at, p->channel);
    p->key_len_ = (uint16_t)put(&at, key).len;
    p->content.data = put(&at, content->data);
    p->content.info = (struct publication_info){
        .user = put(&at, content->info.user),
        .client = put(&at, content->info.client),
        .conn_info = put(&at, content->info.conn_info),
        .chan_info = put(&at, content->info.chan_info),
        .not_json = content->info.not_json,
    };
    for (uint32_t i = 0; i < content->tag_count; i++) {
        tags[i].key = put(&at, content->tags[i].key);
        tags[i].value = put(&at, content->tags[i].value);
    }
}

struct publication *publication_new(uint32_t worker_count, uint32_t space, struct slice channel,
                                    const struct publication_content *content)
{
    return publication_new_keyed(worker_count, space, channel, SLICE(""), content);
}

struct publication *publication_new_keyed(uint32_t worker_count, uint32_t space, struct slice channel, struct slice key,
                                          const struct publication_content *content)
{
    CHECK(key.len <= PUBLICATION_KEY_MAX);
    size_t fixed = fixed_len(worker_count, content->tag_count);
    struct publication *p = mem_part_alloc(MEM_OUTPUT_QUEUES, fixed + bytes_len(channel, key, content));
    if (!p) return NULL;
    memset(p, 0, fixed);
    atomic_init(&p->refs_, 1);
    atomic_init(&p->byte_refs_, 1);
    p->space = space;
    p->channel = channel;
    p->worker_count = worker_count;
    for (uint32_t i = 0; i < worker_count; i++) p->mails[i].publication = p;
    copy_content(p, key, content);
    return p;
}

struct publication *publication_ref(struct publication *p)
{
    /* relaxed: the caller holds a reference already */
    unsigned before = atomic_fetch_add_explicit(&p->refs_, 1, memory_order_relaxed);
    CHECK(before > 0 && before < UINT32_MAX);
    return p;
}

void publication_set_base(struct publication *p, struct publication *before)
{
    CHECK(!p->base_);
    /* relaxed: the caller holds a reference to it */
    atomic_fetch_add_explicit(&before->byte_refs_, 1, memory_order_relaxed);
    p->base_ = before;
}

static enum mem_part part_of(const struct publication *p)
{
    return atomic_load_explicit(&p->stored_, memory_order_relaxed) ? MEM_HISTORY : MEM_OUTPUT_QUEUES;
}

/* A form that is made at this very moment may stay counted with the other part, until it is freed. */
void publication_count_stored(struct publication *p, bool stored)
{
    /* relaxed: whoever comes by a reference now has it from the caller's. Its last one is about to go, as mostly when
     * a ring turns: it is freed as what it is. */
    if (!stored && atomic_load_explicit(&p->refs_, memory_order_relaxed) == 1) return;
    /* relaxed: only whose step it is from none to one, or back, matters */
    unsigned char before = stored ? atomic_fetch_add_explicit(&p->stored_, 1, memory_order_relaxed)
                                  : atomic_fetch_sub_explicit(&p->stored_, 1, memory_order_relaxed);
    if (before != !stored) return;
    mem_part_move(stored ? MEM_OUTPUT_QUEUES : MEM_HISTORY, stored ? MEM_HISTORY : MEM_OUTPUT_QUEUES, p);
    for (int form = 0; form < PUBLICATION_FORM_COUNT; form++) {
        /* acquire: the blob's own count is visible */
        struct blob *wire = atomic_load_explicit(&p->wires_[form], memory_order_acquire);
        if (wire) blob_count_stored(wire, stored);
    }
}

static void release_bytes(struct publication *p)
{
    if (!p) return;
    /* acquire: when nobody else has them, their reads have ended. New references come only from who holds refs_. */
    bool alone = atomic_load_explicit(&p->byte_refs_, memory_order_acquire) == 1;
    /* release: our reads end before the free; acquire: as above */
    if (alone || atomic_fetch_sub_explicit(&p->byte_refs_, 1, memory_order_acq_rel) == 1) mem_part_free(part_of(p), p);
}

void publication_unref(struct publication *p)
{
    if (!p) return;
    /* release: our reads end before the free; acquire: the last one sees all of them ended */
    unsigned before = atomic_fetch_sub_explicit(&p->refs_, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before > 1) return;
    for (int form = 0; form < PUBLICATION_FORM_COUNT; form++)
        blob_unref(atomic_load_explicit(&p->wires_[form], memory_order_relaxed));
    publication_delta_free(atomic_load_explicit(&p->delta_, memory_order_relaxed));
    release_bytes(p->base_);
    release_bytes(p);
}

size_t publication_cost(const struct publication *p)
{
    size_t bytes = bytes_len(p->channel, publication_key(p), &p->content);
    size_t forms = PLAIN_FORM_COUNT + (p->delta ? DELTA_FORM_COUNT : 0);
    return fixed_len(p->worker_count, p->content.tag_count) + bytes + forms * (bytes + WIRE_OVERHEAD);
}

enum { JSON_UNKNOWN, JSON_YES, JSON_NO };

bool publication_fits_json(const struct publication *p)
{
    if (p->content.info.not_json) return false;
    if (p->content.data_is_json || p->content.data.len == 0) return true;
    /* relaxed: whoever looks finds the same; the publication itself does not change */
    atomic_uchar *known = &((struct publication *)(uintptr_t)p)->json_;
    unsigned char json = atomic_load_explicit(known, memory_order_relaxed);
    if (json == JSON_UNKNOWN) {
        json = json_valid(p->content.data, PUBLICATION_JSON_DEPTH_MAX) ? JSON_YES : JSON_NO;
        atomic_store_explicit(known, json, memory_order_relaxed);
    }
    return json == JSON_YES;
}

struct blob *publication_settle_blob(_Atomic(struct blob *) *place, struct blob *made)
{
    if (!made) return NULL;
    struct blob *expected = NULL;
    if (atomic_compare_exchange_strong_explicit(place, &expected, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    blob_unref(made);
    return expected;
}

struct blob *publication_wire(struct publication *p, enum publication_form form, publication_encoder *encode)
{
    /* acquire: pairs with the exchange above, the blob's bytes are visible */
    struct blob *wire = atomic_load_explicit(&p->wires_[form], memory_order_acquire);
    if (wire) return wire;
    wire = encode(p, PUBLICATION_PLAIN);
    if (wire && atomic_load_explicit(&p->stored_, memory_order_relaxed)) blob_count_stored(wire, true);
    return publication_settle_blob(&p->wires_[form], wire);
}

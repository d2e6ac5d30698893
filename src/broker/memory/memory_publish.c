/* Publishing: all checks, the offset, the ring and the mails in one hold. */
#include "base/mem.h"
#include "base/mem_part.h"
#include "broker/memory/memory_calls.h"
#include "broker/memory/memory_post.h"

/* What is made before the hold, and freed after it unless the hold took it over. */
struct publishing {
    struct memory_broker *mb;
    const struct broker_context *c;
    const struct broker_publish *r;
    struct publication *publication;
    size_t cost;
    struct memory_idempotency_key *key;   /* NULL = none */
    struct memory_version *version_epoch; /* NULL = "" */
    struct memory_post post;
};

static bool is_event(const struct broker_publish *r)
{
    return r->content.kind != PUBLICATION_DATA;
}

static bool wants_history(const struct broker_publish *r)
{
    return !is_event(r) && !r->skip_history && r->history.size > 0 && r->history.ttl_ms > 0;
}

static bool prepare_version(struct publishing *p)
{
    struct slice epoch = p->r->version_epoch;
    if (p->r->version == 0 || epoch.len == 0) return true;
    p->version_epoch = mem_part_alloc(MEM_HISTORY, sizeof *p->version_epoch + epoch.len);
    if (!p->version_epoch) return false;
    p->version_epoch->len = epoch.len;
    memcpy(p->version_epoch->bytes, epoch.ptr, epoch.len);
    return true;
}

static bool prepare_key(struct publishing *p)
{
    if (is_event(p->r) || p->r->idempotency_key.len == 0) return true;
    uint64_t hash = memory_table_hash(p->r->space, p->r->channel);
    p->key = memory_idempotency_key_new(hash, p->r->channel, p->r->idempotency_key);
    return p->key != NULL;
}

static bool prepare(struct publishing *p)
{
    const struct memory_broker *mb = p->mb;
    p->publication = publication_new(mb->links.worker_count, p->r->space, p->r->channel, &p->r->content);
    if (!p->publication || !prepare_key(p) || !prepare_version(p)) return false;
    p->publication->time_ms = p->c->wall_ms;
    p->publication->delta = p->r->delta;
    p->cost = publication_cost(p->publication);
    memory_post_prepare(&p->post, p->publication);
    if (is_event(p->r)) memory_post_prepare_gaps(&p->post, p->r->space, p->r->channel);
    return true;
}

static void clean_up(struct publishing *p)
{
    publication_unref(p->publication);
    mem_part_free(MEM_IDEMPOTENCY, p->key);
    mem_part_free(MEM_HISTORY, p->version_epoch);
    memory_post_deinit(&p->post);
}

/* ---- in the hold ---- */

/* What subscribers have before a marked publication is the newest of the stream, marked or not (row HI-42). */
static void keep_base(struct publishing *p, const struct memory_stream *stream)
{
    const struct memory_ring *ring = stream->ring;
    if (p->r->delta && ring && ring->count > 0) publication_set_base(p->publication, memory_ring_at(ring, stream->top));
}

static bool repeated(const struct publishing *p, const struct memory_hold *h, struct broker_publish_result *result)
{
    struct memory_space *space = p->key ? memory_spaces_find(&h->table->spaces, h->space) : NULL;
    return space && memory_idempotency_find(&space->idempotency, p->key, h->now_ms, result);
}

static bool outdated(const struct publishing *p, const struct memory_hold *h, struct broker_publish_result *result)
{
    const struct memory_stream *stream = h->entry ? h->entry->stream : NULL;
    if (!stream || !memory_stream_outdated(stream, p->r->version, p->r->version_epoch)) return false;
    *result = (struct broker_publish_result){ .offset = stream->top, .suppressed = BROKER_SUPPRESSED_BY_VERSION };
    memory_hold_epoch(h, result->epoch);
    return true;
}

/* Room in the stream, and the offset that the publication will have. */
static enum status take_place(struct publishing *p, struct memory_hold *h, struct broker_publish_result *result)
{
    enum status status = memory_hold_need_stream(h, &p->r->history);
    if (status != STATUS_OK) return status;
    struct memory_stream *stream = h->entry->stream;
    /* a newer policy version may have switched history off */
    if (stream->options.size == 0 || stream->options.ttl_ms == 0) return STATUS_OK;
    keep_base(p, stream); /* before the reserve: a full ring lets its oldest go, of a size of 1 the newest */
    status = memory_stream_reserve(stream, h->entry->space, p->cost, p->mb->history_bytes_max, &h->garbage);
    if (status != STATUS_OK) return status;
    result->offset = stream->top + 1;
    memory_hold_epoch(h, result->epoch);
    return STATUS_OK;
}

static enum status remember_key(struct publishing *p, struct memory_hold *h, const struct broker_publish_result *result)
{
    if (!p->key) return STATUS_OK;
    struct memory_space *space = memory_spaces_get(&h->table->spaces, h->space);
    if (!space) return STATUS_NO_MEMORY;
    enum status status = memory_idempotency_add(&space->idempotency, p->key, h->now_ms, result, &h->garbage);
    if (status == STATUS_OK) p->key = NULL;
    return status;
}

static void store(struct publishing *p, struct memory_hold *h)
{
    struct memory_stream *stream = h->entry->stream;
    memory_stream_append(stream, h->entry->space, p->publication, h->now_ms);
    memory_hold_schedule(h);
    stream->version = p->r->version; /* as the reference: one without a version forgets it */
    struct memory_version *before = stream->version_epoch;
    stream->version_epoch = p->version_epoch;
    p->version_epoch = before;
}

/* Nothing here can fail. */
static void commit(struct publishing *p, struct memory_hold *h, const struct broker_publish_result *result)
{
    p->publication->seq = ++h->shard->seq;
    p->publication->offset = result->offset;
    memcpy(p->publication->epoch, result->epoch, BROKER_EPOCH_MAX);
    if (result->offset) store(p, h);
    if (h->entry) memory_post_send(&p->post, h->entry, p->publication);
}

static enum status publish_in_hold(struct publishing *p, struct memory_hold *h, struct broker_publish_result *result)
{
    if (repeated(p, h, result)) return STATUS_OK;
    bool with_history = wants_history(p->r);
    if (with_history && outdated(p, h, result)) return STATUS_OK;
    if (!is_event(p->r) && memory_post_overloaded(&p->post, h->entry)) return STATUS_OVERLOADED;
    struct broker_publish_result made = { 0 };
    enum status status = with_history ? take_place(p, h, &made) : STATUS_OK;
    if (status == STATUS_OK) status = remember_key(p, h, &made);
    if (status != STATUS_OK) return status;
    commit(p, h, &made);
    *result = made;
    return STATUS_OK;
}

enum broker_answer memory_publish(struct broker *b, const struct broker_context *c, const struct broker_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct publishing p = { .mb = memory_broker_of(b), .c = c, .r = r };
    memory_post_init(&p.post, &p.mb->links, c);
    *result = (struct broker_result){ .status = STATUS_NO_MEMORY };
    if (prepare(&p)) {
        struct memory_hold h;
        memory_hold_begin(&h, &p.mb->table, r->space, r->channel, c->now_ms);
        result->status = publish_in_hold(&p, &h, &result->publish);
        memory_hold_end(&h);
    }
    clean_up(&p);
    return BROKER_DONE;
}

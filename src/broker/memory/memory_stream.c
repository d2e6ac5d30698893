#include "broker/memory/memory_stream.h"

#include "base/check.h"
#include "base/mem_part.h"

static uint64_t add_sat(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void touch_meta(struct memory_stream *s, uint64_t now_ms)
{
    uint64_t ttl = s->options.meta_ttl_ms ? s->options.meta_ttl_ms : MEMORY_META_TTL_MS;
    s->meta_expires_ms = add_sat(now_ms, ttl);
    if (s->ring && s->meta_expires_ms < s->expires_ms) s->meta_expires_ms = s->expires_ms;
}

struct memory_stream *memory_stream_new(const struct broker_history_options *options, uint64_t now_ms)
{
    struct memory_stream *s = mem_part_alloc_zero(MEM_HISTORY, sizeof *s);
    if (!s) return NULL;
    s->options = *options;
    touch_meta(s, now_ms);
    return s;
}

void memory_stream_charge(struct memory_stream *s, struct memory_space *space, size_t entry_bytes)
{
    s->charged = (uint32_t)(sizeof *s + entry_bytes);
    atomic_fetch_add_explicit(&space->history_bytes, s->charged, memory_order_relaxed);
}

void memory_stream_clear(struct memory_stream *s, struct memory_space *space, struct memory_garbage *garbage)
{
    if (!s->ring) return;
    /* relaxed: a count for a limit */
    atomic_fetch_sub_explicit(&space->history_bytes, s->ring->bytes, memory_order_relaxed);
    memory_garbage_ring(garbage, s->ring);
    s->ring = NULL;
}

void memory_stream_discard(struct memory_stream *s, struct memory_space *space, struct memory_garbage *garbage)
{
    memory_stream_clear(s, space, garbage);
    atomic_fetch_sub_explicit(&space->history_bytes, s->charged, memory_order_relaxed);
    memory_garbage_block(garbage, MEM_HISTORY, s->version_epoch);
    memory_garbage_block(garbage, MEM_HISTORY, s);
}

void memory_stream_use(struct memory_stream *s, const struct broker_history_options *options, uint64_t now_ms)
{
    if (options->policy_version >= s->options.policy_version) s->options = *options;
    touch_meta(s, now_ms);
}

void memory_stream_expire(struct memory_stream *s, struct memory_space *space, uint64_t now_ms,
                          struct memory_garbage *garbage)
{
    if (s->ring && now_ms >= s->expires_ms) memory_stream_clear(s, space, garbage);
}

uint64_t memory_stream_deadline(const struct memory_stream *s)
{
    return s->ring && s->expires_ms < s->meta_expires_ms ? s->expires_ms : s->meta_expires_ms;
}

bool memory_stream_outdated(const struct memory_stream *s, uint64_t version, struct slice version_epoch)
{
    if (version == 0 || version > s->version) return false;
    const struct memory_version *known = s->version_epoch;
    return version_epoch.len == 0 || slice_eq(version_epoch, known ? slice_of(known->bytes, known->len) : SLICE(""));
}

/* The cost that goes when one more comes to a full ring. */
static size_t cost_leaving(const struct memory_stream *s)
{
    const struct memory_ring *ring = s->ring;
    if (!ring || ring->count == 0 || ring->count < s->options.size) return 0;
    return publication_cost(memory_ring_at(ring, ring->first));
}

/* Room for one below the size. When the size has become smaller, the rest goes in steps. */
static void evict(struct memory_stream *s, struct memory_space *space, struct memory_garbage *garbage)
{
    size_t before = s->ring->bytes;
    while (s->ring->count > 0 && s->ring->count >= s->options.size && !memory_garbage_full(garbage))
        memory_garbage_publication(garbage, memory_ring_pop(s->ring));
    atomic_fetch_sub_explicit(&space->history_bytes, before - s->ring->bytes, memory_order_relaxed);
}

enum status memory_stream_reserve(struct memory_stream *s, struct memory_space *space, size_t cost, size_t bytes_max,
                                  struct memory_garbage *garbage)
{
    /* relaxed: a limit may be passed by what other threads store at the same moment */
    size_t held = atomic_load_explicit(&space->history_bytes, memory_order_relaxed) - cost_leaving(s);
    if (cost > bytes_max || held > bytes_max - cost) return STATUS_TOO_LARGE;
    if (!s->ring) s->ring = memory_ring_new(s->top + 1);
    if (!s->ring) return STATUS_NO_MEMORY;
    evict(s, space, garbage);
    return memory_ring_reserve(s->ring, garbage);
}

void memory_stream_append(struct memory_stream *s, struct memory_space *space, struct publication *p, uint64_t now_ms)
{
    CHECK(p->offset == s->top + 1);
    size_t before = s->ring->bytes;
    memory_ring_push(s->ring, p);
    atomic_fetch_add_explicit(&space->history_bytes, s->ring->bytes - before, memory_order_relaxed);
    s->top = p->offset;
    s->expires_ms = add_sat(now_ms, s->options.ttl_ms);
    touch_meta(s, now_ms);
}

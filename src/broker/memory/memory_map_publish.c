/* Publishing to a map: all checks, the value, the stream and the mails in one hold. */
#include "broker/memory/memory_map_change.h"

static bool is_event(const struct map_publish *r)
{
    return r->content.kind != PUBLICATION_DATA;
}

static enum status prepare(struct memory_map_change *m, const struct map_publish *r)
{
    struct publication_content content = r->content;
    content.removed = false;
    if (!memory_map_change_make(m, &content, r->delta)) return STATUS_NO_MEMORY;
    if (is_event(r)) {
        memory_post_prepare_gaps(&m->post, r->space, r->channel);
        return STATUS_OK;
    }
    m->spare = memory_map_key_new(m->publication);
    if (!m->spare || !memory_map_change_make_idempotent(m, r->idempotency_key)) return STATUS_NO_MEMORY;
    if (r->version == 0) return STATUS_OK;
    m->spare->version = memory_map_version_new(r->version, r->version_epoch);
    return m->spare->version ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- in the hold ---- */

static bool outdated(const struct map_publish *r, const struct memory_map_key *key)
{
    const struct memory_map_version *known = key ? key->version : NULL;
    if (r->version == 0 || !known || r->version > known->version) return false;
    return r->version_epoch.len == 0 || slice_eq(r->version_epoch, slice_of(known->epoch, known->epoch_len));
}

/* Why nothing is to be written, apart from a repeated idempotency key. */
static enum map_suppress objection(const struct map_publish *r, const struct memory_hold *h,
                                   const struct memory_map_key *key)
{
    if (outdated(r, key)) return MAP_SUPPRESS_VERSION;
    if (r->key_mode == MAP_KEY_IF_NEW && key) return MAP_SUPPRESS_KEY_EXISTS;
    if (r->key_mode == MAP_KEY_IF_EXISTS && !key) return MAP_SUPPRESS_KEY_NOT_FOUND;
    if (r->has_expected && !memory_map_change_expected(h, key, &r->expected)) return MAP_SUPPRESS_POSITION_MISMATCH;
    return MAP_SUPPRESS_NONE;
}

/* Whoever says "still here" keeps the key and the meta alive, and nobody hears of it. */
static void refresh(const struct map_publish *r, struct memory_hold *h, struct memory_map_key *key)
{
    memory_map_use(h->entry->map, &r->options);
    memory_map_touch(h->entry->map, key, h->now_ms);
    if (h->entry->stream) memory_stream_use(h->entry->stream, &r->options.stream, h->now_ms);
    memory_hold_schedule(h);
}

/* Room for the value in the space: it may be smaller than the one that goes. */
static bool has_room(const struct memory_map_change *m, const struct memory_hold *h, const struct memory_map_key *key)
{
    size_t adds = memory_map_key_cost(m->spare), leaves = key ? memory_map_key_cost(key) : 0;
    size_t max = m->mb->channels.history_bytes_max;
    if (adds <= leaves) return true;
    /* relaxed: a limit may be passed by what other threads store at the same moment */
    size_t held = atomic_load_explicit(&h->entry->space->history_bytes, memory_order_relaxed);
    return adds - leaves <= max && held <= max - (adds - leaves);
}

/* What subscribers have before a marked change is the value of its key (row HI-43). Without a stream nobody can
 * tell whether they have it. */
static void keep_base(const struct memory_map_change *m, const struct map_publish *r, const struct memory_map_key *key)
{
    if (r->delta && key && r->options.stream.size > 0) publication_set_base(m->publication, key->publication);
}

/* In place of key, which is NULL when it is not there. */
static enum status write_value(struct memory_map_change *m, struct memory_hold *h, const struct map_publish *r,
                               struct memory_map_key *key, struct map_update_result *result)
{
    struct broker_position position;
    enum status status = memory_hold_need_map(h, &r->options);
    if (status != STATUS_OK) return status;
    struct memory_map *map = h->entry->map;
    if (!has_room(m, h, key)) return STATUS_TOO_LARGE;
    keep_base(m, r, key);
    status = memory_map_change_take_place(m, h, &r->options.stream, m->mb->channels.history_bytes_max, &position);
    if (status == STATUS_OK) status = memory_map_change_remember(m, h, &position);
    if (status != STATUS_OK) return status;
    if (key) {
        memory_map_replace(map, h->entry->space, key, m->spare, h->now_ms);
    } else {
        memory_map_insert(map, h->entry->space, m->spare, h->now_ms);
        m->spare = NULL;
    }
    memory_map_change_commit(m, h, &position);
    *result = (struct map_update_result){ .position = position };
    return STATUS_OK;
}

static enum status publish_in_hold(struct memory_map_change *m, struct memory_hold *h, const struct map_publish *r,
                                   struct map_update_result *result)
{
    if (memory_map_change_repeated(m, h, result)) return STATUS_OK;
    struct memory_map_key *key = h->entry && h->entry->map ? memory_map_find(h->entry->map, r->key) : NULL;
    enum map_suppress why = objection(r, h, key);
    if (why != MAP_SUPPRESS_NONE) {
        if (why == MAP_SUPPRESS_KEY_EXISTS && r->refresh_suppressed) refresh(r, h, key);
        memory_map_change_suppress(h, why, result);
        return STATUS_OK;
    }
    if (memory_post_overloaded(&m->post, h->entry)) return STATUS_OVERLOADED;
    return write_value(m, h, r, key, result);
}

/* A join or a leave: to whoever is there. */
static void pass_on(struct memory_map_change *m, struct memory_hold *h, struct map_update_result *result)
{
    *result = (struct map_update_result){ .suppress = MAP_SUPPRESS_NONE };
    if (!h->entry) return;
    m->publication->seq = ++h->shard->seq;
    memory_post_send(&m->post, h->entry, m->publication);
}

enum broker_answer memory_map_publish(struct map_broker *b, const struct broker_context *c, const struct map_publish *r,
                                      struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_map_change m = {
        .mb = memory_map_broker_of(b), .c = c, .space = r->space, .channel = r->channel, .key = r->key
    };
    *result = (struct broker_result){ .status = STATUS_OK };
    if (r->options.stream.size == 0 && (r->version || r->has_expected)) result->status = STATUS_MALFORMED;
    if (r->key.len > PUBLICATION_KEY_MAX) result->status = STATUS_TOO_LARGE;
    if (result->status != STATUS_OK) return BROKER_DONE;
    CHECK(is_event(r) == (r->key.len == 0));
    memory_map_change_init(&m);
    result->status = prepare(&m, r);
    if (result->status == STATUS_OK) {
        struct memory_hold h;
        memory_hold_begin(&h, &m.mb->channels.table, r->space, r->channel, c->now_ms);
        if (is_event(r))
            pass_on(&m, &h, &result->map_update);
        else
            result->status = publish_in_hold(&m, &h, r, &result->map_update);
        memory_hold_end(&h);
    }
    enum map_suppress why = result->map_update.suppress;
    if (result->status == STATUS_OK && why != MAP_SUPPRESS_NONE) memory_map_count(&m.mb->publishes_suppressed[why]);
    memory_map_change_deinit(&m);
    return BROKER_DONE;
}

#include "broker/memory/memory_map_change.h"

#include "base/mem_part.h"

void memory_map_change_init(struct memory_map_change *m)
{
    m->publication = NULL;
    m->spare = NULL;
    m->idempotent = NULL;
    memory_post_init(&m->post, &m->mb->channels.links, m->c);
}

void memory_map_change_deinit(struct memory_map_change *m)
{
    publication_unref(m->publication);
    memory_map_key_free(m->spare);
    mem_part_free(MEM_IDEMPOTENCY, m->idempotent);
    memory_post_deinit(&m->post);
}

bool memory_map_change_make(struct memory_map_change *m, const struct publication_content *content, bool delta)
{
    struct publication *p =
        publication_new_keyed(m->mb->channels.links.worker_count, m->space, m->channel, m->key, content);
    if (!p) return false;
    p->time_ms = m->c->wall_ms;
    p->delta = delta; /* before its cost is asked for */
    memory_post_prepare(&m->post, p);
    m->publication = p;
    return true;
}

bool memory_map_change_make_idempotent(struct memory_map_change *m, struct slice idempotency_key)
{
    if (idempotency_key.len == 0) return true;
    m->idempotent = memory_idempotency_key_new(memory_table_hash(m->space, m->channel), m->channel, idempotency_key);
    return m->idempotent != NULL;
}

void memory_map_change_suppress(const struct memory_hold *h, enum map_suppress why, struct map_update_result *result)
{
    memory_hold_position(h, &result->position);
    result->suppress = why;
}

bool memory_map_change_repeated(const struct memory_map_change *m, const struct memory_hold *h,
                                struct map_update_result *result)
{
    struct memory_space *space = m->idempotent ? memory_spaces_find(&h->table->spaces, h->space) : NULL;
    struct broker_publish_result first;
    if (!space || !memory_idempotency_find(&space->idempotency, m->idempotent, h->now_ms, &first)) return false;
    result->position.offset = first.offset;
    memcpy(result->position.epoch, first.epoch, BROKER_EPOCH_MAX);
    result->suppress = MAP_SUPPRESS_IDEMPOTENCY;
    return true;
}

bool memory_map_change_expected(const struct memory_hold *h, const struct memory_map_key *key,
                                const struct broker_position *expected)
{
    struct broker_position top;
    memory_hold_position(h, &top);
    return key && key->publication->offset == expected->offset &&
           strncmp(top.epoch, expected->epoch, BROKER_EPOCH_MAX) == 0;
}

enum status memory_map_change_take_place(struct memory_map_change *m, struct memory_hold *h,
                                         const struct broker_history_options *stream, size_t bytes_max,
                                         struct broker_position *position)
{
    *position = (struct broker_position){ 0 };
    if (stream->size > 0) {
        enum status status = memory_hold_need_stream(h, stream);
        if (status != STATUS_OK) return status;
        struct memory_stream *s = h->entry->stream;
        if (s->options.size > 0) { /* a newer policy version may have ended the stream */
            status =
                memory_stream_reserve(s, h->entry->space, publication_cost(m->publication), bytes_max, &h->garbage);
            if (status != STATUS_OK) return status;
            position->offset = s->top + 1;
        }
    }
    memory_hold_epoch(h, position->epoch);
    return STATUS_OK;
}

enum status memory_map_change_remember(struct memory_map_change *m, struct memory_hold *h,
                                       const struct broker_position *position)
{
    if (!m->idempotent) return STATUS_OK;
    struct memory_space *space = memory_spaces_get(&h->table->spaces, h->space);
    if (!space) return STATUS_NO_MEMORY;
    struct broker_publish_result result = { .offset = position->offset };
    memcpy(result.epoch, position->epoch, BROKER_EPOCH_MAX);
    enum status status = memory_idempotency_add(&space->idempotency, m->idempotent, h->now_ms, &result, &h->garbage);
    if (status == STATUS_OK) m->idempotent = NULL;
    return status;
}

void memory_map_change_commit(struct memory_map_change *m, struct memory_hold *h,
                              const struct broker_position *position)
{
    struct publication *p = m->publication;
    p->seq = ++h->shard->seq;
    if (position->offset) {
        p->offset = position->offset;
        memcpy(p->epoch, position->epoch, BROKER_EPOCH_MAX);
        memory_stream_append(h->entry->stream, h->entry->space, p, h->now_ms);
    }
    memory_hold_schedule(h);
    memory_post_send(&m->post, h->entry, p);
}

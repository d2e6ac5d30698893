/* Removing a key, and clearing a map. The removal publication has the tags of the
 * value, so it is made between two holds: the first borrows the value, the second
 * finds out whether it is still the one. */
#include "base/mem.h"
#include "broker/memory/memory_map_expire.h"

#define TRIES_MAX 64 /* each in vain means that somebody else has written the key meanwhile */

struct publication_content memory_map_removal_of(const struct publication *value)
{
    return (struct publication_content){
        .kind = PUBLICATION_DATA,
        .removed = true,
        .tags = value->content.tags,
        .tag_count = value->content.tag_count,
    };
}

enum status memory_map_take_out(struct memory_map_change *m, struct memory_hold *h, struct memory_map_key *key,
                                const struct broker_history_options *stream, size_t bytes_max,
                                struct map_update_result *result)
{
    struct broker_position position;
    enum status status = memory_map_change_take_place(m, h, stream, bytes_max, &position);
    if (status == STATUS_OK) status = memory_map_change_remember(m, h, &position);
    if (status != STATUS_OK) return status;
    memory_map_remove(h->entry->map, h->entry->space, key);
    m->spare = key;
    memory_map_change_commit(m, h, &position);
    *result = (struct map_update_result){ .position = position };
    return STATUS_OK;
}

static struct memory_map_key *key_of(const struct memory_hold *h, struct slice key)
{
    return h->entry && h->entry->map ? memory_map_find(h->entry->map, key) : NULL;
}

/* True: *result says why nothing is to be removed. */
static bool suppressed(struct memory_map_change *m, const struct memory_hold *h, const struct map_removal *r,
                       const struct memory_map_key *key, struct map_update_result *result)
{
    enum map_suppress why = MAP_SUPPRESS_NONE;
    if (memory_map_change_repeated(m, h, result)) return true;
    if (r->has_expected && !memory_map_change_expected(h, key, &r->expected))
        why = MAP_SUPPRESS_POSITION_MISMATCH;
    else if (!key)
        why = MAP_SUPPRESS_KEY_NOT_FOUND;
    if (why == MAP_SUPPRESS_NONE) return false;
    memory_map_change_suppress(h, why, result);
    if (!h->entry) result->position = (struct broker_position){ 0 }; /* a map that nobody has used has no position */
    return true;
}

/* The value to be removed, with a reference; NULL when *result says all. */
static struct publication *look(struct memory_map_change *m, const struct map_removal *r, struct broker_result *result)
{
    struct memory_hold h;
    struct publication *value = NULL;
    memory_hold_begin(&h, &m->mb->channels.table, r->space, r->channel, m->c->now_ms);
    struct memory_map_key *key = key_of(&h, r->key);
    if (!suppressed(m, &h, r, key, &result->map_update)) value = publication_ref(key->publication);
    memory_hold_end(&h);
    return value;
}

static bool make(struct memory_map_change *m, const struct map_removal *r, const struct publication *value)
{
    struct publication_content content = memory_map_removal_of(value);
    if (r->has_tags) content.tags = r->tags, content.tag_count = r->tag_count;
    return memory_map_change_make(m, &content, false);
}

/* False: the key has got another value since, with other tags. */
static bool take_out(struct memory_map_change *m, const struct map_removal *r, const struct publication *value,
                     struct broker_result *result)
{
    struct memory_hold h;
    bool settled = true;
    memory_hold_begin(&h, &m->mb->channels.table, r->space, r->channel, m->c->now_ms);
    struct memory_map_key *key = key_of(&h, r->key);
    if (!suppressed(m, &h, r, key, &result->map_update)) {
        settled = r->has_tags || key->publication == value;
        /* a removal with the value's tags makes room; with others it may need some */
        size_t bytes_max = r->has_tags ? m->mb->channels.history_bytes_max : SIZE_MAX;
        if (settled && memory_post_overloaded(&m->post, h.entry))
            result->status = STATUS_OVERLOADED;
        else if (settled)
            result->status = memory_map_take_out(m, &h, key, &r->options.stream, bytes_max, &result->map_update);
    }
    memory_hold_end(&h);
    return settled;
}

/* False: try again. */
static bool try_removal(struct memory_map_change *m, const struct map_removal *r, struct broker_result *result)
{
    struct publication *value = look(m, r, result);
    if (!value) return true;
    bool settled = true;
    publication_unref(m->publication); /* of the try before */
    m->publication = NULL;
    if (make(m, r, value))
        settled = take_out(m, r, value, result);
    else
        result->status = STATUS_NO_MEMORY;
    publication_unref(value);
    return settled;
}

enum broker_answer memory_map_removal(struct map_broker *b, const struct broker_context *c, const struct map_removal *r,
                                      struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_map_change m = {
        .mb = memory_map_broker_of(b), .c = c, .space = r->space, .channel = r->channel, .key = r->key
    };
    *result = (struct broker_result){ .status = STATUS_OK };
    if (r->options.stream.size == 0 && r->has_expected) {
        result->status = STATUS_MALFORMED;
        return BROKER_DONE;
    }
    memory_map_change_init(&m);
    if (!memory_map_change_make_idempotent(&m, r->idempotency_key)) result->status = STATUS_NO_MEMORY;
    int tries = 0;
    while (result->status == STATUS_OK && !try_removal(&m, r, result))
        if (++tries == TRIES_MAX) result->status = STATUS_OVERLOADED;
    enum map_suppress why = result->map_update.suppress;
    if (result->status == STATUS_OK && why != MAP_SUPPRESS_NONE) memory_map_count(&m.mb->removals_suppressed[why]);
    memory_map_change_deinit(&m);
    return BROKER_DONE;
}

enum broker_answer memory_map_clear(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                    struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_map_broker *mb = memory_map_broker_of(b);
    struct memory_post post;
    memory_post_init(&post, &mb->channels.links, c);
    *result = (struct broker_result){ .status = STATUS_NO_MEMORY };
    if (memory_post_prepare_all_gaps(&post, space, channel)) {
        struct memory_hold h;
        memory_hold_begin(&h, &mb->channels.table, space, channel, c->now_ms);
        if (memory_hold_clear_map(&h)) memory_post_send_gaps(&post, h.entry);
        memory_hold_end(&h);
        struct memory_space *known = memory_spaces_find(&mb->channels.table.spaces, space);
        if (known) memory_idempotency_forget(&known->idempotency, channel);
        result->status = STATUS_OK;
    }
    memory_post_deinit(&post);
    return BROKER_DONE;
}

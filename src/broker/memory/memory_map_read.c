/* Reading a map: its keys in pages, its stream, its size. A page takes several holds;
 * each goes on behind the last key, whatever was written meanwhile. */
#include "base/mem.h"
#include "broker/memory/memory_map_calls.h"

#define RESTARTS_MAX 8 /* each means that the map was cleared while a page was read */

struct page {
    const struct map_read_state *r;
    struct broker_publications *out;
    uint32_t cap;
    uint64_t left;                          /* keys still to look at */
    struct publication *last, *last_before; /* share; the last key looked at in this hold, and in the one before */
    bool more;                              /* there are keys behind it */
    uint64_t generation;                    /* of the first hold */
    uint32_t chunk_count;
    struct publication *chunk[MEMORY_HOLD_ITEMS];
};

static void keep(struct page *page, struct publication *p)
{
    if (page->r->seq_max && p->seq > page->r->seq_max) return;
    page->chunk[page->chunk_count++] = publication_ref(p);
}

static void take_chunk(struct page *page, const struct memory_map *map)
{
    struct slice behind = page->last ? publication_key(page->last) : page->r->cursor;
    struct memory_map_key *key = memory_map_after(map, behind), *last = NULL;
    for (int i = 0; key && page->left && i < MEMORY_HOLD_ITEMS; i++, page->left--) {
        keep(page, key->publication);
        last = key;
        key = memory_map_next(key);
    }
    page->more = key != NULL;
    if (!last) return;
    page->last_before = page->last;
    page->last = publication_ref(last->publication);
}

static bool epoch_differs(const struct memory_hold *h, const struct map_read_state *r,
                          const struct broker_position *top)
{
    if (!r->has_revision || strncmp(r->revision.epoch, top->epoch, BROKER_EPOCH_MAX) == 0) return false;
    return h->entry || r->revision.epoch[0]; /* who knows no epoch knows no other one either */
}

static void read_key(struct page *page, const struct memory_map *map)
{
    struct memory_map_key *key = memory_map_find(map, page->r->key);
    if (key) keep(page, key->publication);
    page->left = 0;
}

/* The first hold: the position, and the first of the keys. */
static enum status begin(struct page *page, struct memory_map_broker *mb, const struct broker_context *c,
                         struct map_state_result *result)
{
    const struct map_read_state *r = page->r;
    enum status status = STATUS_OK;
    struct memory_hold h;
    memory_hold_begin(&h, &mb->channels.table, r->space, r->channel, c->now_ms);
    if (h.entry && h.entry->stream) {
        memory_stream_use(h.entry->stream, &r->options.stream, c->now_ms);
        memory_hold_schedule(&h);
    }
    memory_hold_position(&h, &result->top);
    result->seq = h.shard->seq;
    page->generation = memory_hold_epoch_generation(&h);
    const struct memory_map *map = h.entry ? h.entry->map : NULL;
    if (epoch_differs(&h, r, &result->top))
        status = STATUS_NOT_FOUND;
    else if (map && r->key.len)
        read_key(page, map);
    else if (map)
        take_chunk(page, map);
    memory_hold_end(&h);
    return status;
}

/* One more hold. False: it is not the same map any more. */
static bool read_on(struct page *page, struct memory_map_broker *mb, const struct broker_context *c)
{
    struct memory_hold h;
    memory_hold_begin(&h, &mb->channels.table, page->r->space, page->r->channel, c->now_ms);
    bool same = memory_hold_epoch_generation(&h) == page->generation;
    page->more = false;
    if (same && h.entry && h.entry->map) take_chunk(page, h.entry->map);
    memory_hold_end(&h);
    return same;
}

static void drop_last(struct page *page)
{
    publication_unref(page->last);
    publication_unref(page->last_before);
    page->last = page->last_before = NULL;
}

static void drop_items(struct page *page)
{
    for (uint32_t i = 0; i < page->chunk_count; i++) publication_unref(page->chunk[i]);
    for (uint32_t i = 0; i < page->out->count; i++) publication_unref(page->out->items[i]);
    page->chunk_count = page->out->count = 0;
    drop_last(page);
}

/* The chunk goes to the result. */
static bool keep_chunk(struct page *page)
{
    struct broker_publications *out = page->out;
    publication_unref(page->last_before);
    page->last_before = NULL;
    uint32_t need = out->count + page->chunk_count;
    if (need > page->cap) {
        uint32_t cap = need < 2 * page->cap ? 2 * page->cap : need;
        struct publication **items = mem_realloc(out->items, cap * sizeof *items);
        if (!items) return false;
        out->items = items;
        page->cap = cap;
    }
    if (page->chunk_count) memcpy(out->items + out->count, page->chunk, page->chunk_count * sizeof *page->chunk);
    out->count = need;
    page->chunk_count = 0;
    return true;
}

static bool copy_cursor(const struct page *page, struct slice *cursor)
{
    *cursor = (struct slice){ 0 };
    if (!page->more || !page->last) return true;
    struct slice key = publication_key(page->last);
    char *copy = mem_alloc(key.len);
    if (!copy) return false;
    memcpy(copy, key.ptr, key.len);
    *cursor = slice_of(copy, key.len);
    return true;
}

/* CONFLICT: the map was cleared meanwhile. */
static enum status read_page(struct page *page, struct memory_map_broker *mb, const struct broker_context *c,
                             struct map_state_result *result)
{
    page->left = page->r->limit < 0 ? UINT64_MAX : (uint64_t)page->r->limit;
    page->more = false;
    enum status status = begin(page, mb, c, result);
    if (status != STATUS_OK) return status;
    while (keep_chunk(page)) {
        if (page->left && page->more) {
            if (!read_on(page, mb, c)) return STATUS_CONFLICT;
        } else {
            return copy_cursor(page, &result->cursor) ? STATUS_OK : STATUS_NO_MEMORY;
        }
    }
    return STATUS_NO_MEMORY;
}

enum broker_answer memory_map_read_state(struct map_broker *b, const struct broker_context *c,
                                         const struct map_read_state *r, struct broker_ticket ticket,
                                         struct broker_result *result)
{
    struct map_state_result state = { .seq = 0 };
    struct page page = { .r = r, .out = &state.publications };
    enum status status = STATUS_CONFLICT;
    for (int i = 0; status == STATUS_CONFLICT && i < RESTARTS_MAX; i++) {
        drop_items(&page);
        status = read_page(&page, memory_map_broker_of(b), c, &state);
    }
    if (status == STATUS_CONFLICT) status = STATUS_OVERLOADED;
    if (status != STATUS_OK) drop_items(&page);
    drop_last(&page);
    *result = (struct broker_result){ .status = status, .map_state = state, .owns_ = BROKER_RESULT_MAP_STATE };
    return BROKER_DONE;
}

enum broker_answer memory_map_read_stream(struct map_broker *b, const struct broker_context *c,
                                          const struct broker_history *r, struct broker_ticket ticket,
                                          struct broker_result *result)
{
    memory_history(&memory_map_broker_of(b)->channels.broker, c, r, ticket, result);
    const struct broker_publications *got = &result->history.publications;
    bool lost = result->status == STATUS_OK && r->has_since && !r->reverse && r->since.offset > 0 && got->count > 0 &&
                got->items[0]->offset > r->since.offset + 1;
    if (!lost) return BROKER_DONE;
    broker_result_deinit(result);
    *result = (struct broker_result){ .status = STATUS_NOT_FOUND };
    return BROKER_DONE;
}

enum broker_answer memory_map_stats(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                    struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct memory_hold h;
    *result = (struct broker_result){ .status = STATUS_OK };
    memory_hold_begin(&h, &memory_map_broker_of(b)->channels.table, space, channel, c->now_ms);
    if (h.entry && h.entry->map) result->map_stats.key_count = h.entry->map->count;
    memory_hold_end(&h);
    return BROKER_DONE;
}

#include "protocol/protocol_entries.h"

#include <assert.h>

#include "base/hash.h"

#define ENTRIES_CAP_MIN 4

static_assert(PROTOCOL_ENTRIES_MAX < UINT16_MAX, "an index must fit a slot");
static_assert((PROTOCOL_ENTRIES_MAX & (PROTOCOL_ENTRIES_MAX - 1)) == 0, "room is a power of two");

struct protocol_entries protocol_entries_of(const struct field_schema *f, void *message)
{
    return (struct protocol_entries){
        .element = f->element,
        .at = *(char **)field_at(message, f->offset),
        .count = *(size_t *)field_at(message, f->count_offset),
        .keyed = f->type == FIELD_MAP,
    };
}

void protocol_entries_store(const struct protocol_entries *e, const struct field_schema *f, void *message)
{
    *(char **)field_at(message, f->offset) = e->at;
    *(size_t *)field_at(message, f->count_offset) = e->count;
}

static size_t room(const struct protocol_entries *e)
{
    size_t cap = ENTRIES_CAP_MIN;
    if (!e->at) return 0;
    while (cap < e->count) cap *= 2;
    return cap;
}

static char *entry_at(const struct protocol_entries *e, size_t index)
{
    return e->at + index * e->element->len;
}

static struct slice entry_key(const struct protocol_entries *e, size_t index)
{
    return *(const struct slice *)(const void *)entry_at(e, index);
}

/* The place of this key in the table of 2 * cap places (index + 1, or 0), or the free
 * one where it belongs. Without the table a map of thousands of keys would cost a
 * comparison for each pair. */
static uint16_t *entry_slot(const struct protocol_entries *e, size_t cap, struct slice key)
{
    uint16_t *slots = (uint16_t *)(void *)entry_at(e, cap);
    size_t mask = 2 * cap - 1, i = (size_t)hash_bytes(key, 0) & mask;
    while (slots[i] && !slice_eq(entry_key(e, slots[i] - 1U), key)) i = (i + 1) & mask;
    return &slots[i];
}

static bool grow(struct protocol_entries *e, struct arena *scratch, size_t cap, const char **error)
{
    if (cap >= PROTOCOL_ENTRIES_MAX) {
        *error = "too many entries";
        return false;
    }
    cap = cap ? 2 * cap : ENTRIES_CAP_MIN;
    size_t elements_len = cap * e->element->len, slots_len = e->keyed ? 2 * cap * sizeof(uint16_t) : 0;
    char *at = arena_alloc(scratch, elements_len + slots_len);
    if (!at) {
        *error = PROTOCOL_ERROR_MEMORY;
        return false;
    }
    if (e->count) memcpy(at, e->at, e->count * e->element->len);
    memset(at + elements_len, 0, slots_len);
    e->at = at;
    for (size_t i = 0; e->keyed && i < e->count; i++) *entry_slot(e, cap, entry_key(e, i)) = (uint16_t)(i + 1);
    return true;
}

char *protocol_entries_add(struct protocol_entries *e, struct arena *scratch, const char **error)
{
    size_t cap = room(e);
    if (e->count == cap && !grow(e, scratch, cap, error)) return NULL;
    return memset(entry_at(e, e->count++), 0, e->element->len);
}

char *protocol_entries_claim(struct protocol_entries *e, struct arena *scratch, struct slice key, const char **error)
{
    size_t cap = room(e);
    uint16_t *slot = cap ? entry_slot(e, cap, key) : NULL;
    if (!slot || (!*slot && e->count == cap)) { /* grows only with a new entry: room() tells by count alone */
        if (!grow(e, scratch, cap, error)) return NULL;
        slot = entry_slot(e, cap ? 2 * cap : ENTRIES_CAP_MIN, key);
    }
    if (!*slot) *slot = (uint16_t)++e->count;
    char *element = memset(entry_at(e, *slot - 1U), 0, e->element->len);
    memcpy(element, &key, sizeof key);
    return element;
}

/* protocol_entries: the lists and maps of a command, growing in the arena while a
 * decoder reads them. Private to this folder.
 *
 * Use: struct protocol_entries e = protocol_entries_of(field, message);
 *      element = protocol_entries_add(&e, scratch, &error); …
 *      protocol_entries_store(&e, field, message);
 * Room is always the power of two that holds count, so that nothing but pointer and
 * count has to be kept between two entries of a Protobuf map. One thread at a time. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_ENTRIES_H
#define XSHATHRA_PROTOCOL_PROTOCOL_ENTRIES_H

#include "base/arena.h"
#include "protocol/protocol_schema.h"

struct protocol_entries {
    const struct element_schema *element;
    char *at; /* in the arena: elements, then for maps a hash table of their indices */
    size_t count;
    bool keyed; /* a map: each element begins with its key */
};

/* What message has of this list or map so far. */
struct protocol_entries protocol_entries_of(const struct field_schema *f, void *message);
void protocol_entries_store(const struct protocol_entries *e, const struct field_schema *f, void *message);

/* A zeroed element at the end of a list; NULL and *error, a static text, when there
 * are PROTOCOL_ENTRIES_MAX or memory is out. */
char *protocol_entries_add(struct protocol_entries *e, struct arena *scratch, const char **error);

/* The element of a map for this key, zeroed but for the key: the earlier one with it,
 * so that the last value wins, or a new one; NULL as above. */
char *protocol_entries_claim(struct protocol_entries *e, struct arena *scratch, struct slice key, const char **error);

#define PROTOCOL_ERROR_MEMORY "command takes too much memory"

#endif

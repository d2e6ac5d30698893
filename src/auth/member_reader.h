/* member_reader reads JSON objects into structs, led by tables: a member's name, the
 * function for its type, and where the value goes. Inner part of src/auth.
 *
 * Use: member_reader_init(&m, text, depth_max, arena);
 *      member_reader_object(&m, table, ARRAY_COUNT(table), &target);
 *      status = member_reader_finish(&m, "the header is not JSON", &why);
 *
 * As in Go's encoding/json, on which every Centrifugo token has been read so far:
 * names in any letter case, unknown members skipped, the last of a repeated member
 * counts, and null leaves a string as it is. The first failure sticks. */
#ifndef XSHATHRA_AUTH_MEMBER_READER_H
#define XSHATHRA_AUTH_MEMBER_READER_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "json/json_reader.h"

struct member_reader {
    struct json_reader json;
    struct arena *arena;
    unsigned groups;       /* members of these groups count; the others are skipped */
    const char *complaint; /* of the member being read */
    enum status status;
    const char *why;
};

struct member {
    const char *name;
    void (*read)(struct member_reader *m, void *target);
    size_t offset;         /* of the target in the struct */
    const char *complaint; /* the sentence for a value of the wrong type */
    unsigned groups;       /* 0 = all */
    bool exact;            /* the name's letter case matters */
};

/* Borrows text and arena while m is used. */
void member_reader_init(struct member_reader *m, struct slice text, uint32_t depth_max, struct arena *arena);
/* Take an object and fill base by the table. */
void member_reader_object(struct member_reader *m, const struct member *table, size_t count, void *base);
/* OK when nothing failed and the text is at its end; otherwise the failure, with
 * *why, which is not_json when the text itself is broken. */
MUST_CHECK enum status member_reader_finish(struct member_reader *m, const char *not_json, const char **why);

/* For functions of a table. */

/* Stop with this failure. */
void member_reader_fail(struct member_reader *m, enum status status, const char *why);
/* Does a value of this type come next? If not, the current complaint is the failure. */
bool member_reader_expect(struct member_reader *m, enum json_type type);
/* Room in the arena, or NULL and the failure is remembered. */
void *member_reader_alloc(struct member_reader *m, size_t len);
/* A string, decoded, to a struct slice; null leaves it as it is. */
void member_read_text(struct member_reader *m, void *target);
/* Any value, to a struct slice: its span of the text. */
void member_read_raw(struct member_reader *m, void *target);

#endif

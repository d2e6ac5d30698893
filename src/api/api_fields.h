/* api_fields: the members of a request body, read into a plain struct by a table.
 *
 * Use: static const struct api_field fields[] = {
 *          { .name = SLICE_INIT("channel"), .type = API_TEXT, .offset = offsetof(struct x, channel) }, … };
 *      status = api_fields_read(body, API_FIELDS_LENIENT, fields, ARRAY_COUNT(fields), arena, &x, &problem);
 *
 * Lenient is the engine's server API (compatibility row OB-05): names in any letter
 * case, snake_case or camelCase, unknown members and nulls are passed over, the last
 * of repeated members counts, and the body null is an empty request. Strict is the
 * project API: names exactly, unknown and repeated members are refused, null means
 * that an optional member is not given. What is read borrows the body or the arena.
 * The body is hostile. Pure. */
#ifndef XSHATHRA_API_API_FIELDS_H
#define XSHATHRA_API_API_FIELDS_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "broker/publication.h"

/* Entries in one list of strings: bounds the work of one broadcast. */
#define API_TEXTS_MAX 100000u
/* Tags go with each delivery and stay in history. */
#define API_TAGS_MAX 64u

/* SLICE() for static tables. */
#define SLICE_INIT(literal)                                                                                            \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

struct api_texts {
    struct slice *items; /* in the arena */
    uint32_t count;
};

struct api_tags {
    struct publication_tag *items; /* in the arena; no key twice */
    uint32_t count;
};

enum api_field_type {
    API_TEXT,    /* struct slice, decoded */
    API_RAW,     /* struct slice: the value's JSON text, also of null */
    API_BOOL,    /* bool */
    API_U32,     /* uint32_t */
    API_U64,     /* uint64_t */
    API_I32,     /* int32_t */
    API_I64,     /* int64_t */
    API_TEXTS,   /* struct api_texts */
    API_TAGS,    /* struct api_tags: an object of strings */
    API_MEMBERS, /* an object with a table of its own; offsets are into the same struct */
};

struct api_field {
    struct slice name;
    enum api_field_type type;
    uint16_t offset;                 /* where the value goes */
    uint16_t given;                  /* offset of a bool that is set when the member is there; 0 = none */
    const char *allowed;             /* strict: "must be …": what to tell when it is something else */
    const struct api_field *members; /* API_MEMBERS */
    size_t member_count;
};

enum api_fields_mode { API_FIELDS_LENIENT, API_FIELDS_STRICT };

enum api_fields_kind {
    API_FIELDS_FINE,
    API_FIELDS_SYNTAX,     /* not JSON: text and position */
    API_FIELDS_NOT_OBJECT, /* value */
    API_FIELDS_TYPE,       /* field and value: another type, out of range or over a limit above */
    API_FIELDS_UNKNOWN,    /* name, and nearest perhaps: strict only */
    API_FIELDS_REPEATED,   /* name: strict only */
    API_FIELDS_NO_MEMORY,
};

struct api_fields_problem {
    enum api_fields_kind kind;
    const char *text;
    size_t position;
    const struct api_field *field;
    struct slice value; /* JSON text as sent */
    struct slice name;
    struct slice nearest; /* a known name that looks like it; empty = none */
};

/* Fills the members of *out that are there; the caller zeroes it and sets defaults
 * before. False: *problem says why, and *out is partly filled. A syntax error is
 * told before any other. */
bool api_fields_read(struct slice body, enum api_fields_mode mode, const struct api_field *fields, size_t field_count,
                     struct arena *arena, void *out, struct api_fields_problem *problem);

/* The field whose name comes nearest to name, if it is near at all; else NULL. */
const struct api_field *api_fields_nearest(const struct api_field *fields, size_t field_count, struct slice name);

#endif

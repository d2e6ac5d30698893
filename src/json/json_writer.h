/* json_writer appends JSON text without blanks to a buffer and sets the commas.
 *
 * Use: struct json_writer w = json_writer_to(&buf);
 *      json_write_object_begin(&w); json_write_name(&w, SLICE("id"));
 *      json_write_u64(&w, 7); json_write_object_end(&w);
 *      if (!buf_ok(&buf)) -> memory was out or the limit was passed
 *
 * Strings are escaped as Centrifugo's client protocol writer does: \" \\ \n \r \t,
 * \u00xx for other control characters and for < > &, \u2028 and \u2029, and \ufffd
 * for each byte that is not valid UTF-8. It does not check that calls balance.
 * Borrows the buffer. One thread at a time. */
#ifndef XSHATHRA_JSON_JSON_WRITER_H
#define XSHATHRA_JSON_JSON_WRITER_H

#include "base/buf.h"
#include "base/slice.h"

struct json_writer {
    struct buf *out;
    bool comma_; /* the next element of the open container needs a comma before it */
};

static inline struct json_writer json_writer_to(struct buf *out)
{
    return (struct json_writer){ out, false };
}

void json_write_object_begin(struct json_writer *w);
void json_write_object_end(struct json_writer *w);
void json_write_array_begin(struct json_writer *w);
void json_write_array_end(struct json_writer *w);

/* A member's name, escaped; json_write_name() is for constants that need no escape. */
void json_write_key(struct json_writer *w, struct slice key);
void json_write_name(struct json_writer *w, struct slice name);

void json_write_string(struct json_writer *w, struct slice text);
void json_write_u64(struct json_writer *w, uint64_t value);
void json_write_i64(struct json_writer *w, int64_t value);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
/* A span of valid JSON, with its newline bytes (they can only be blanks there)
 * left out, so that the text stays on one line; null when it is empty. */
void json_write_raw(struct json_writer *w, struct slice value);

/* The same two without a writer: text in quotes, and a span without newlines. */
void json_append_string(struct buf *b, struct slice text);
void json_append_raw(struct buf *b, struct slice value);

#endif

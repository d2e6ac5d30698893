/* json_string is a JSON string as it stands in the text, validated but not yet
 * decoded: most strings hold no escape and can be used where they lie.
 *
 * Source: RFC 8259 section 7; json_string_scan() is for the reader and for tests.
 * Decoding never makes a string longer. Pure; any thread. */
#ifndef XSHATHRA_JSON_JSON_STRING_H
#define XSHATHRA_JSON_JSON_STRING_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

struct json_string {
    struct slice raw; /* between the quotes; borrows the text */
    bool escaped;     /* raw holds at least one backslash */
};

/* Scan from the byte after the opening quote. Fills *out and returns the byte after
 * the closing quote, or returns NULL with *bad at the offending byte and *why. */
const char *json_string_scan(const char *at, const char *end, struct json_string *out, const char **bad,
                             const char **why);

/* The decoded text: borrows the JSON text when nothing is escaped, else the arena.
 * NO_MEMORY: the arena is full. */
MUST_CHECK enum status json_string_decode(struct json_string s, struct arena *a, struct slice *out);
/* Append the decoded text; the buffer remembers a failure. */
void json_string_append(struct json_string s, struct buf *b);
/* Write the decoded text to out, which has s.raw.len bytes of room; its length. */
size_t json_string_decode_to(struct json_string s, char *out);

/* Compare the decoded text with a name of at most JSON_NAME_MAX bytes; the second
 * ignores the case of ASCII letters. */
#define JSON_NAME_MAX 64
bool json_string_eq(struct json_string s, struct slice name);
bool json_string_eq_nocase(struct json_string s, struct slice name);

#endif

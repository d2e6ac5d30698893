/* tags_filter: which publications a subscriber wants, by their tags: the member `tf`
 * of a subscribe command, checked and kept ready. Source: compatibility rows HI-47 to
 * HI-52 (Centrifugo publication filtering).
 *
 * Use: f = tags_filter_new(r->tf, &invalid); … tags_filter_match(f, tags, count);
 * Immutable after it was made. The text is hostile: depth, nodes and values are bounded. */
#ifndef XSHATHRA_ENGINE_TAGS_FILTER_H
#define XSHATHRA_ENGINE_TAGS_FILTER_H

#include "base/slice.h"
#include "base/status.h"
#include "broker/publication.h"

/* A filter is looked at for every publication and subscriber: these bound that work. */
#define TAGS_FILTER_DEPTH_MAX 16
#define TAGS_FILTER_NODES_MAX 128
#define TAGS_FILTER_BYTES_MAX ((size_t)16 * 1024) /* of the text, and of what it becomes, times four */

struct tags_filter; /* opaque */

/* json: an object of the protocol's FilterNode (op, key, cmp, val, vals, nodes), member
 * names in any letter case. NULL: *status is MALFORMED (not a valid filter), TOO_LARGE
 * (a limit above) or NO_MEMORY. */
MUST_CHECK struct tags_filter *tags_filter_new(struct slice json, enum status *status);
void tags_filter_free(struct tags_filter *f); /* accepts NULL */

bool tags_filter_match(const struct tags_filter *f, const struct publication_tag *tags, uint32_t tag_count);

#endif

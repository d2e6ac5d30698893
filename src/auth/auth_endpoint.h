/* auth_endpoint: the address of a key set, with {{name}} for parts that come from the
 * token's issuer or audience. Source: RFC 3986; the template as in Centrifugo v6.
 *
 * Use: s = auth_endpoint_resolve(text, value_of, context, arena, &url, &why);
 * Pure. The text is the operator's, the values come from a token that nobody has
 * checked yet: what they make must not climb out of the path that was meant. */
#ifndef XSHATHRA_AUTH_AUTH_ENDPOINT_H
#define XSHATHRA_AUTH_AUTH_ENDPOINT_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

#define AUTH_ENDPOINT_LEN_MAX 2048

/* The next placeholder of *rest: what stands before it, and its name; *rest goes on
 * behind it. False: there is none, and *before is all that is left. */
bool auth_endpoint_next(struct slice *rest, struct slice *before, struct slice *name);

/* NULL when text can be an endpoint: an http or https address with a host that is no
 * placeholder, of bounded length, each {{ with its }}. Otherwise a sentence that
 * continues "the value …". */
const char *auth_endpoint_trouble(struct slice text);

/* Is the path, with its %XX decoded, without empty, "." and ".." segments? */
bool auth_endpoint_path_is_clean(struct slice url);

/* Put the values in; one that is unknown is the empty slice. *url is in the arena.
 * Otherwise *why is a constant sentence, and
 * MALFORMED: the path is not clean, or a value has a byte that no address has;
 * TOO_LARGE: the limit above; NO_MEMORY. */
MUST_CHECK enum status auth_endpoint_resolve(struct slice text,
                                             struct slice (*value_of)(void *context, struct slice name), void *context,
                                             struct arena *arena, struct slice *url, const char **why);

#endif

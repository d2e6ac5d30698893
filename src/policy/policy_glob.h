/* policy_glob: what else there is to know of glob patterns; policy_glob_match() is in policy.h.
 *
 * Use: if (!policy_glob_valid(pattern)) -> refuse it where it is given.
 * Source of truth: the pattern language of github.com/gobwas/glob without separators,
 * which client.allowed_origins and the `pattern` of the API method `channels` use.
 * Wider than it in one thing: a class may hold several ranges ("[a-z0-9]").
 * Pure; any thread. Work is at most pattern length times text length. */
#ifndef XSHATHRA_POLICY_POLICY_GLOB_H
#define XSHATHRA_POLICY_POLICY_GLOB_H

#include "base/slice.h"

/* Longer patterns are malformed: a pattern may come with an API call, and its length
 * bounds the work for each of a hundred thousand channels. */
#define POLICY_GLOB_LEN_MAX 512

/* False: too long, an open class or alternative, an empty class, a trailing backslash. */
bool policy_glob_valid(struct slice pattern);

/* As policy_glob_match(), with the ASCII letters of text taken in lower case. */
bool policy_glob_match_lower(struct slice pattern, struct slice text);

#endif

/* console_space: the space in which the console's pages listen (POLICY_CONSOLE_SPACE). Nobody
 * comes in but with a token that console_token_sign() made: it names an account and one
 * project, and lets it subscribe to that project's events and overview, and to nothing else.
 * Such tokens begin with CONSOLE_TOKEN_PREFIX, are signed with a secret that only this
 * process has, and so are no tokens of the deployment's. */
#ifndef XSHATHRA_ENGINE_CONSOLE_SPACE_H
#define XSHATHRA_ENGINE_CONSOLE_SPACE_H

#include "auth/auth_verifier.h"
#include "engine/client.h"

#define CONSOLE_TOKEN_PREFIX "console."
#define CONSOLE_TOKEN_TTL_S  60
#define CONSOLE_SECRET_LEN   32

/* Append a token to out. Any thread. */
MUST_CHECK enum status console_token_sign(const uint8_t secret[static CONSOLE_SECRET_LEN], struct slice account,
                                          struct slice project, int64_t now_s, struct buf *out);
static inline bool console_token_is(struct slice token)
{
    return slice_starts_with(token, SLICE(CONSOLE_TOKEN_PREFIX));
}
/* As auth_verify(); claims.info is the project's id as a JSON string. */
MUST_CHECK enum auth_result console_token_verify(struct engine *e, struct slice token, struct claims *out,
                                                 const char **why);

/* Is it the events or the overview of the project that the client's token names? */
bool console_space_allows(const struct client *c, struct slice channel);
/* Has a token the same project as the one that the client came with? */
bool console_space_same(const struct client *c, const struct claims *claims);

/* A subscription begins or ends: the project's events are wanted, or no more. */
void console_space_joined(struct client *c, struct subscription *sub);
void console_space_left(struct client *c, struct subscription *sub);

#endif

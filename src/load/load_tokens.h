/* load_tokens: who the connections are: tokens made under the deployment's HMAC secret, or those of a file, one a
 * line, in turn; or none.
 *
 * Use: load_tokens_from_secret(&tokens, secret); or load_tokens_from_file(&tokens, path);
 *      load_tokens_append(&tokens, index, &out); … load_tokens_deinit(&tokens);
 * A zeroed one has no tokens. One thread. */
#ifndef XSHATHRA_LOAD_LOAD_TOKENS_H
#define XSHATHRA_LOAD_LOAD_TOKENS_H

#include "base/buf.h"

#define LOAD_TOKENS_FILE_LEN_MAX (256u << 20)

struct load_tokens {
    struct crypto_hmac *mac_; /* owned */
    char *text_;              /* of the file; owned */
    struct slice *lines_;     /* into text_; owned */
    size_t line_count;
};

/* The secret is copied into a key and not kept otherwise. NO_MEMORY. */
MUST_CHECK enum status load_tokens_from_secret(struct load_tokens *t, struct slice secret);
/* STATUS_IO: errno says why; STATUS_NOT_FOUND: there is no token in it; NO_MEMORY, TOO_LARGE. */
MUST_CHECK enum status load_tokens_from_file(struct load_tokens *t, const char *path);
/* Appends the token of connection index, for user "bench_<index>" when it is made here, valid for an hour. Nothing
 * without tokens. False: it could not be made. */
bool load_tokens_append(const struct load_tokens *t, uint32_t index, struct buf *out);
void load_tokens_deinit(struct load_tokens *t);

#endif

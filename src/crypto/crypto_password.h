/* crypto_password: hashes of passwords that people choose: argon2id (RFC 9106) by libsodium,
 * with its "interactive" costs (64 MB, some 50 ms). The text form carries salt and costs.
 *
 * Slow on purpose: call it from a thread that nobody waits for. Any thread. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_PASSWORD_H
#define XSHATHRA_CRYPTO_CRYPTO_PASSWORD_H

#include "base/slice.h"
#include "base/status.h"

#define CRYPTO_PASSWORD_TEXT_MAX 128 /* with NUL */

/* NO_MEMORY. */
MUST_CHECK enum status crypto_password_hash(struct slice password, char out[static CRYPTO_PASSWORD_TEXT_MAX]);
/* False also for a text that is no hash, and when memory is out. */
MUST_CHECK bool crypto_password_verify(const char *text, struct slice password);

#endif

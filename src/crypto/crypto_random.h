/* crypto_random: unpredictable bytes, and identifiers made of them.
 *
 * Use: uint8_t key[32]; crypto_random(key, sizeof key);
 * Any thread. Without a working generator no secret can be made, so a failure
 * stops the process instead of returning. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_RANDOM_H
#define XSHATHRA_CRYPTO_CRYPTO_RANDOM_H

#include "base/slice.h"

#define CRYPTO_UUID_LEN 36 /* without the NUL */

void crypto_random(void *out, size_t len);
/* So many random letters of base32 (RFC 4648 section 6, lower case), five bits each, and a NUL. */
void crypto_random_letters(char *out, size_t letters);
/* A random UUID, version 4 (RFC 9562 section 5.4), lower case, NUL-terminated. */
void crypto_uuid4(char out[static CRYPTO_UUID_LEN + 1]);

#endif

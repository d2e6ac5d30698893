/* crypto_secret: handling of bytes that an attacker must not learn. Any thread. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_SECRET_H
#define XSHATHRA_CRYPTO_CRYPTO_SECRET_H

#include "base/slice.h"

/* True when a and b hold the same bytes. The time depends on the lengths only:
 * unequal lengths return at once. */
bool crypto_equal(struct slice a, struct slice b);
/* Overwrite bytes in a way that the compiler may not leave out. */
void crypto_wipe(void *secret, size_t len);

#endif

/* hash: SipHash-1-3 with one random key per process, so that a peer who chooses
 * names cannot aim at one bucket. Source: the SipHash paper (Aumasson, Bernstein). */
#ifndef XSHATHRA_BASE_HASH_H
#define XSHATHRA_BASE_HASH_H

#include "base/slice.h"

/* Once, before other threads start. Without it the key is zero (tests). */
void hash_seed(const uint8_t key[static 16]);
/* salt separates tables and spaces that hold the same names. */
uint64_t hash_bytes(struct slice s, uint64_t salt);

#endif

/* account_throttle: how soon the next try may be after failed ones, counted by a key such as
 * an e-mail address or a network address. Some failures are free, then each doubles the wait.
 *
 * Use: wait_s = account_throttle_wait(t, key, now_s); if (wait_s) refuse …
 *      account_throttle_failed(t, key, now_s);   or   account_throttle_succeeded(t, key);
 * Who lets several tries run at once counts each as failed when it begins, and forgives what
 * was right: else all of them would pass before the first has failed.
 * Bounded: when it is full the entry with the fewest failures goes, the oldest of these. Only in memory: a restart
 * forgives. One thread. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_THROTTLE_H
#define XSHATHRA_ACCOUNT_ACCOUNT_THROTTLE_H

#include "base/slice.h"

#define ACCOUNT_THROTTLE_FREE   5
#define ACCOUNT_THROTTLE_MAX_S  900
#define ACCOUNT_THROTTLE_KEYS   4096
#define ACCOUNT_THROTTLE_FORGET 3600 /* seconds after which failures do not count any more */

struct account_throttle; /* opaque */

struct account_throttle *account_throttle_new(void);    /* never NULL */
void account_throttle_free(struct account_throttle *t); /* accepts NULL */

/* Seconds until a try is allowed; 0 = now. */
uint32_t account_throttle_wait(const struct account_throttle *t, struct slice key, int64_t now_s);
void account_throttle_failed(struct account_throttle *t, struct slice key, int64_t now_s);
/* Returns how many failures are forgotten by it. */
uint32_t account_throttle_succeeded(struct account_throttle *t, struct slice key);
/* So many failures were none, or were made good. */
void account_throttle_forgive(struct account_throttle *t, struct slice key, uint32_t failures);

#endif

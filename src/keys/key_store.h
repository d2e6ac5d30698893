/* key_store: the keys of all key sets (JWKS) that tokens have asked for, and who waits
 * for a set to be fetched. No I/O: key_fetcher asks it what to fetch. Shared by all
 * workers; every function is for any thread, and holds the one lock for a look-up.
 *
 * Use, on a worker: a = key_store_find(s, url, kid, now_ms, false, &key);
 *      on AUTH_KEY_WAIT: key_store_wait(s, url, client, operation, now_ms), and when the
 *      mail has come: key_store_find(s, url, kid, now_ms, true, &key).
 * Use, by the fetcher: while (key_store_next(s, now_ms, &fetch)) …;
 *      key_store_done(s, fetch, set, now_ms).
 *
 * One fetch of an address at a time serves all who wait for it, and begins no sooner
 * than KEY_FETCH_INTERVAL_MS after the one before: tokens with made-up kids cost the key
 * server no more than that. A key counts for KEY_TTL_MS after the last set that had it,
 * and, while its server does not answer, for KEY_STALE_MS more. Times are monotonic.
 * Source of behaviour: Centrifugo v6, and docs/decisions/0013-key-sets.md. */
#ifndef XSHATHRA_KEYS_KEY_STORE_H
#define XSHATHRA_KEYS_KEY_STORE_H

#include "auth/auth_jwks.h"
#include "auth/auth_verifier.h"
#include "base/list.h"
#include "mailbox/handle.h"
#include "mailbox/mailbox.h"

#define KEY_TTL_MS            ((uint64_t)3600 * 1000)
#define KEY_STALE_MS          ((uint64_t)3600 * 1000)
#define KEY_FETCH_INTERVAL_MS 1000
/* Parked tokens in all: each holds a message of its client. */
#define KEY_WAITS_MAX 4096
/* Addresses differ only where an endpoint has placeholders. The oldest that is idle goes. */
#define KEY_ENDPOINTS_MAX 256
/* Keys kept of one address, those of earlier sets included. */
#define KEY_ENTRIES_MAX (2 * AUTH_JWKS_KEYS_MAX)

struct key_store; /* opaque */
struct key_fetch; /* opaque: an address that is to be fetched */

/* The mail to a waiting client's worker, when the set was fetched or could not be. The
 * receiver frees it with mem_free(). */
struct key_wait {
    struct mail mail;
    struct list link_;
    struct handle client;
    uint32_t operation;
};

/* deliver: of struct key_wait. office is borrowed. Stops the program when memory is out. */
struct key_store *key_store_new(struct post_office *office, void (*deliver)(struct mail *mail, void *owner));
/* After all threads that use it; who still waits is forgotten. Accepts NULL. */
void key_store_free(struct key_store *s);
/* Called after something came to be fetched, without the lock. Once, before threads start. */
void key_store_set_waker(struct key_store *s, void (*wake)(void *context), void *context);

/* asked: the caller has waited for the set already. */
enum auth_key_answer key_store_find(struct key_store *s, struct slice url, struct slice key_id, uint64_t now_ms,
                                    bool asked, struct auth_jwk **out);
/* OK: one mail comes. OVERLOADED: a limit above; NO_MEMORY. */
MUST_CHECK enum status key_store_wait(struct key_store *s, struct slice url, struct handle client, uint32_t operation,
                                      uint64_t now_ms);

/* An address whose time has come; it is the caller's until key_store_done(). */
bool key_store_next(struct key_store *s, uint64_t now_ms, struct key_fetch **out);
/* When the next one's time comes: UINT64_MAX = nothing is to be fetched. */
uint64_t key_store_due(struct key_store *s);
/* Lives until key_store_done(). */
struct slice key_fetch_url(const struct key_fetch *f);
/* set: taken over; NULL = it could not be fetched. */
void key_store_done(struct key_store *s, struct key_fetch *f, struct auth_jwks *set, uint64_t now_ms);

#endif

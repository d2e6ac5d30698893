/* key_fetcher: the thread that fetches key sets over HTTP, with libcurl, for key_store.
 * A server without key sets has no such thread.
 *
 * Use: f = key_fetcher_new(store); ok = key_fetcher_start(f); … key_fetcher_stop(f); …
 *      key_fetcher_free(f);
 * All of it is the main thread's; what workers do reaches it through the store.
 *
 * A set is what a GET answers with status 200, at most AUTH_JWKS_BYTES_MAX long, within
 * KEY_FETCH_TIMEOUT_MS, redirects included; KEY_FETCH_TRIES times. Certificates are
 * checked against those of the system, or of SSL_CERT_FILE and SSL_CERT_DIR; a redirect never leaves https; no proxy of
 * the environment is used. Source of behaviour: Centrifugo v6, internal/jwks. */
#ifndef XSHATHRA_KEYS_KEY_FETCHER_H
#define XSHATHRA_KEYS_KEY_FETCHER_H

#include "keys/key_store.h"

#define KEY_FETCH_TIMEOUT_MS    1000
#define KEY_FETCH_TRIES         2
#define KEY_FETCH_REDIRECTS_MAX 10
/* More addresses wait their turn. */
#define KEY_FETCHES_MAX 16

struct key_fetcher; /* opaque */

/* Becomes the store's waker. Stops the program when memory is out. */
struct key_fetcher *key_fetcher_new(struct key_store *store);
/* Before tokens of a key set may come; does nothing when it runs already. False: no thread
 * or no memory is to be had. */
MUST_CHECK bool key_fetcher_start(struct key_fetcher *f);
/* Cuts what is under way, whose waiters get no answer, and joins the thread. */
void key_fetcher_stop(struct key_fetcher *f);
/* After key_fetcher_stop(); accepts NULL. */
void key_fetcher_free(struct key_fetcher *f);

#endif

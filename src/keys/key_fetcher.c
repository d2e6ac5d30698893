#include "keys/key_fetcher.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "auth/auth_endpoint.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/platform_clock.h"
#include "platform/platform_thread.h"

/* Without anything to fetch the thread sleeps until it is woken; this is only a bound. */
#define SLEEP_MAX_MS 60000

struct transfer {
    struct key_fetch *fetch; /* NULL = this place is free */
    CURL *easy;              /* kept for the next fetch, with its connections */
    struct buf body;
    unsigned tries;
    char error[CURL_ERROR_SIZE];
};

struct key_fetcher {
    struct key_store *store;
    pthread_mutex_t lock; /* of the four below */
    pthread_t thread;
    CURLM *multi; /* the thread's, but for curl_multi_wakeup(), which is for any */
    bool started, stopping;
    struct transfer transfers[KEY_FETCHES_MAX]; /* the thread's */
};

/* ---- one fetch ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    buf_append(&t->body, slice_of(bytes, size * count));
    return buf_ok(&t->body) ? size * count : 0;
}

/* The variables of OpenSSL, which libcurl would not look at: for a certificate authority
 * of the operator's own. */
static CURLcode set_authorities(CURL *easy)
{
    const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
    CURLcode failed = CURLE_OK;
    if (file && file[0]) failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    if (folder && folder[0]) failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
    return failed;
}

static bool set_up(struct transfer *t, struct slice url)
{
    char text[AUTH_ENDPOINT_LEN_MAX + 1];
    const bool secure = slice_eq_nocase(slice_head(url, 6), SLICE("https:"));
    CHECK(url.len < sizeof text);
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(url));
    if (!t->easy) t->easy = curl_easy_init();
    if (!t->easy) return false;
    curl_easy_reset(t->easy);
    CURLcode failed = curl_easy_setopt(t->easy, CURLOPT_URL, text);
    failed |= curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    failed |= curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 1L);
    failed |= curl_easy_setopt(t->easy, CURLOPT_MAXREDIRS, (long)KEY_FETCH_REDIRECTS_MAX);
    failed |= curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)KEY_FETCH_TIMEOUT_MS);
    failed |= curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L); /* signals are the main thread's */
    failed |= curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    failed |= curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "");
    failed |= curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "xshathra");
    failed |= curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)AUTH_JWKS_BYTES_MAX);
    failed |= curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    failed |= curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    failed |= curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    failed |= set_authorities(t->easy);
    return failed == CURLE_OK;
}

/* The address for the log: a name and password before the host, and a query, may be secret. */
static struct slice shown(struct slice url)
{
    const ptrdiff_t query = slice_index(url, '?');
    if (query >= 0) url = slice_head(url, (size_t)query);
    const ptrdiff_t at = slice_last_index(url, '@');
    return at >= 0 ? slice_from(url, (size_t)at + 1) : url;
}

/* Taken over by the store; the place is free again. */
static void settle(struct key_fetcher *f, struct transfer *t, const char *problem)
{
    struct auth_jwks set = { 0 };
    const char *why = problem;
    if (!problem && auth_jwks_parse(buf_slice(&t->body), &set, &why) == STATUS_OK) {
        why = set.count == 0 ? "it has no key that tokens can be signed with" : NULL;
        LOG_DEBUG("key set fetched", LOG_STR("url", shown(key_fetch_url(t->fetch))), LOG_U64("keys", set.count));
    }
    if (why)
        LOG_WARN("key set not usable: tokens of its keys are refused, unless the keys are known",
                 LOG_STR("url", shown(key_fetch_url(t->fetch))), LOG_CSTR("why", why));
    struct key_fetch *fetch = t->fetch;
    t->fetch = NULL;
    buf_deinit(&t->body);
    key_store_done(f->store, fetch, set.keys ? &set : NULL, platform_clock_ms());
}

/* Put on the wire, or settle as failed. */
static void start(struct key_fetcher *f, struct transfer *t)
{
    buf_clear(&t->body);
    t->error[0] = 0;
    t->tries++;
    if (!set_up(t, key_fetch_url(t->fetch)) || curl_multi_add_handle(f->multi, t->easy) != CURLM_OK)
        settle(f, t, "it cannot be asked for: memory was out");
}

static void finish(struct key_fetcher *f, struct transfer *t, CURLcode code)
{
    char text[64];
    const char *problem = NULL;
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(f->multi, t->easy);
    if (t->body.failed == STATUS_TOO_LARGE || code == CURLE_FILESIZE_EXCEEDED) {
        problem = "the answer is longer than 512 KB";
    } else if (code != CURLE_OK) {
        problem = t->error[0] ? t->error : curl_easy_strerror(code);
    } else if (status != 200) {
        snprintf(text, sizeof text, "the answer has status %ld", status);
        problem = text;
    }
    if (problem && t->tries < KEY_FETCH_TRIES)
        start(f, t);
    else
        settle(f, t, problem);
}

/* ---- the thread ---- */

static void start_due(struct key_fetcher *f)
{
    for (size_t i = 0; i < KEY_FETCHES_MAX; i++) {
        struct transfer *t = &f->transfers[i];
        if (t->fetch) continue;
        if (!key_store_next(f->store, platform_clock_ms(), &t->fetch)) return;
        buf_init(&t->body, AUTH_JWKS_BYTES_MAX);
        t->tries = 0;
        start(f, t);
    }
}

static void finish_done(struct key_fetcher *f)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        const CURLcode code = message->data.result; /* the message dies with the handle's removal */
        if (message->msg != CURLMSG_DONE) continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(f, t, code);
    }
}

static int sleep_ms(struct key_fetcher *f)
{
    const uint64_t due_ms = key_store_due(f->store), now_ms = platform_clock_ms();
    if (due_ms > now_ms) return due_ms - now_ms < SLEEP_MAX_MS ? (int)(due_ms - now_ms) : SLEEP_MAX_MS;
    for (size_t i = 0; i < KEY_FETCHES_MAX; i++)
        if (!f->transfers[i].fetch) return 0;
    return SLEEP_MAX_MS; /* all places are taken: the end of a transfer wakes us */
}

static bool is_stopping(struct key_fetcher *f)
{
    pthread_mutex_lock(&f->lock);
    const bool stopping = f->stopping;
    pthread_mutex_unlock(&f->lock);
    return stopping;
}

static void *run(void *context)
{
    struct key_fetcher *f = context;
    int running;
    platform_thread_name("key-fetcher");
    while (!is_stopping(f)) {
        start_due(f);
        (void)curl_multi_perform(f->multi, &running);
        finish_done(f);
        (void)curl_multi_poll(f->multi, NULL, 0, sleep_ms(f), NULL);
    }
    for (size_t i = 0; i < KEY_FETCHES_MAX; i++) {
        struct transfer *t = &f->transfers[i];
        if (t->fetch) curl_multi_remove_handle(f->multi, t->easy);
        curl_easy_cleanup(t->easy);
        buf_deinit(&t->body);
    }
    return NULL;
}

static void wake(void *context)
{
    struct key_fetcher *f = context;
    pthread_mutex_lock(&f->lock);
    if (f->started) (void)curl_multi_wakeup(f->multi);
    pthread_mutex_unlock(&f->lock);
}

/* ---- life ---- */

struct key_fetcher *key_fetcher_new(struct key_store *store)
{
    struct key_fetcher *f = mem_must_alloc_zero(sizeof *f);
    f->store = store;
    pthread_mutex_init(&f->lock, NULL);
    key_store_set_waker(store, wake, f);
    return f;
}

bool key_fetcher_start(struct key_fetcher *f)
{
    if (f->started) return true;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
    CURLM *multi = curl_multi_init();
    pthread_mutex_lock(&f->lock);
    f->multi = multi;
    f->started = multi && pthread_create(&f->thread, NULL, run, f) == 0;
    const bool started = f->started;
    pthread_mutex_unlock(&f->lock);
    if (started) return true;
    curl_multi_cleanup(multi);
    curl_global_cleanup();
    return false;
}

void key_fetcher_stop(struct key_fetcher *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    const bool was_started = f->started;
    if (was_started) (void)curl_multi_wakeup(f->multi);
    f->started = false; /* nobody wakes it any more */
    pthread_mutex_unlock(&f->lock);
    if (!was_started) return;
    pthread_join(f->thread, NULL);
    curl_multi_cleanup(f->multi);
    curl_global_cleanup();
}

void key_fetcher_free(struct key_fetcher *f)
{
    if (!f) return;
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

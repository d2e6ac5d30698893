#include "keys/key_store.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mem_part.h"

enum fetch_state {
    FETCH_IDLE,
    FETCH_DUE,   /* somebody waits; begins at due_ms */
    FETCH_GOING, /* with the fetcher */
};

struct entry {
    struct auth_jwk *key; /* one reference */
    uint64_t expires_ms;
};

struct key_fetch {
    struct list in_store; /* the one that was asked for last is at the end */
    struct list waits;    /* struct key_wait.link_ */
    struct entry *entries;
    size_t entry_count;
    uint64_t due_ms, fetched_ms; /* fetched_ms: end of the last fetch */
    enum fetch_state state;
    bool fetched, failed; /* ever; and the last time */
    size_t url_len;
    char url[];
};

struct key_store {
    pthread_mutex_t lock; /* of all below */
    struct post_office *office;
    void (*deliver)(struct mail *mail, void *owner);
    void (*wake)(void *context);
    void *wake_context;
    struct list fetches; /* struct key_fetch.in_store */
    size_t fetch_count, wait_count;
};

/* ---- life ---- */

struct key_store *key_store_new(struct post_office *office, void (*deliver)(struct mail *mail, void *owner))
{
    struct key_store *s = mem_must_alloc_zero(sizeof *s);
    s->office = office;
    s->deliver = deliver;
    list_init(&s->fetches);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void fetch_free(struct key_fetch *f)
{
    struct list *node;
    while ((node = list_pop_front(&f->waits)) != NULL) mem_free(LIST_ENTRY(node, struct key_wait, link_));
    for (size_t i = 0; i < f->entry_count; i++) auth_jwk_unref(f->entries[i].key);
    mem_part_free(MEM_KEYS, f->entries);
    list_remove(&f->in_store);
    mem_part_free(MEM_KEYS, f);
}

void key_store_free(struct key_store *s)
{
    if (!s) return;
    LIST_EACH(node, next, &s->fetches) fetch_free(LIST_ENTRY(node, struct key_fetch, in_store));
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

void key_store_set_waker(struct key_store *s, void (*wake)(void *context), void *context)
{
    s->wake = wake;
    s->wake_context = context;
}

/* ---- addresses, under the lock ---- */

struct slice key_fetch_url(const struct key_fetch *f)
{
    return slice_of(f->url, f->url_len);
}

static struct key_fetch *find_fetch(struct key_store *s, struct slice url)
{
    LIST_EACH(node, next, &s->fetches)
    {
        struct key_fetch *f = LIST_ENTRY(node, struct key_fetch, in_store);
        if (slice_eq(key_fetch_url(f), url)) return f;
    }
    return NULL;
}

static bool make_room(struct key_store *s)
{
    if (s->fetch_count < KEY_ENDPOINTS_MAX) return true;
    LIST_EACH(node, next, &s->fetches)
    {
        struct key_fetch *f = LIST_ENTRY(node, struct key_fetch, in_store);
        if (f->state != FETCH_IDLE) continue;
        fetch_free(f);
        s->fetch_count--;
        return true;
    }
    return false;
}

static struct key_fetch *add_fetch(struct key_store *s, struct slice url, enum status *status)
{
    *status = STATUS_OVERLOADED;
    if (!make_room(s)) return NULL;
    *status = STATUS_NO_MEMORY;
    struct key_fetch *f = mem_part_alloc(MEM_KEYS, sizeof *f + url.len);
    if (!f) return NULL;
    *f = (struct key_fetch){ .url_len = url.len };
    memcpy(f->url, url.ptr, url.len);
    list_init(&f->waits);
    list_push_back(&s->fetches, &f->in_store);
    s->fetch_count++;
    return f;
}

/* ---- the workers' side ---- */

static struct entry *find_entry(const struct key_fetch *f, struct slice key_id)
{
    for (size_t i = 0; i < f->entry_count; i++)
        if (slice_eq(auth_jwk_id(f->entries[i].key), key_id)) return &f->entries[i];
    return NULL;
}

/* A server that is out of order for a while must not lock everybody out. */
static bool may_be_stale(const struct key_fetch *f, bool asked)
{
    return asked && f->fetched && f->failed;
}

static enum auth_key_answer find_key(const struct key_fetch *f, struct slice key_id, uint64_t now_ms, bool asked,
                                     struct auth_jwk **out)
{
    const struct entry *entry = find_entry(f, key_id);
    if (entry && now_ms < entry->expires_ms + (may_be_stale(f, asked) ? KEY_STALE_MS : 0)) {
        *out = auth_jwk_ref(entry->key);
        return AUTH_KEY_FOUND;
    }
    return asked && f->fetched ? AUTH_KEY_NONE : AUTH_KEY_WAIT;
}

enum auth_key_answer key_store_find(struct key_store *s, struct slice url, struct slice key_id, uint64_t now_ms,
                                    bool asked, struct auth_jwk **out)
{
    enum auth_key_answer answer = AUTH_KEY_WAIT;
    pthread_mutex_lock(&s->lock);
    struct key_fetch *f = find_fetch(s, url);
    if (f) {
        list_remove(&f->in_store);
        list_push_back(&s->fetches, &f->in_store);
        answer = find_key(f, key_id, now_ms, asked, out);
    }
    pthread_mutex_unlock(&s->lock);
    return answer;
}

/* A fetch that is under way serves who comes meanwhile too. */
static void make_due(struct key_fetch *f, uint64_t now_ms)
{
    if (f->state != FETCH_IDLE) return;
    const uint64_t earliest_ms = f->fetched ? f->fetched_ms + KEY_FETCH_INTERVAL_MS : 0;
    f->state = FETCH_DUE;
    f->due_ms = now_ms > earliest_ms ? now_ms : earliest_ms;
}

static enum status add_wait(struct key_store *s, struct slice url, struct key_wait *wait, uint64_t now_ms)
{
    enum status status = STATUS_OK;
    if (s->wait_count >= KEY_WAITS_MAX) return STATUS_OVERLOADED;
    struct key_fetch *f = find_fetch(s, url);
    if (!f) f = add_fetch(s, url, &status);
    if (!f) return status;
    list_push_back(&f->waits, &wait->link_);
    s->wait_count++;
    make_due(f, now_ms);
    return STATUS_OK;
}

enum status key_store_wait(struct key_store *s, struct slice url, struct handle client, uint32_t operation,
                           uint64_t now_ms)
{
    struct key_wait *wait = mem_alloc(sizeof *wait);
    if (!wait) return STATUS_NO_MEMORY;
    *wait = (struct key_wait){ .mail = { .deliver = s->deliver }, .client = client, .operation = operation };
    list_init(&wait->link_);
    pthread_mutex_lock(&s->lock);
    const enum status status = add_wait(s, url, wait, now_ms);
    pthread_mutex_unlock(&s->lock);
    if (status != STATUS_OK)
        mem_free(wait);
    else if (s->wake)
        s->wake(s->wake_context);
    return status;
}

/* ---- the fetcher's side ---- */

bool key_store_next(struct key_store *s, uint64_t now_ms, struct key_fetch **out)
{
    bool found = false;
    pthread_mutex_lock(&s->lock);
    LIST_EACH(node, next, &s->fetches)
    {
        struct key_fetch *f = LIST_ENTRY(node, struct key_fetch, in_store);
        if (f->state != FETCH_DUE || f->due_ms > now_ms) continue;
        f->state = FETCH_GOING;
        *out = f;
        found = true;
        break;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

uint64_t key_store_due(struct key_store *s)
{
    uint64_t due_ms = UINT64_MAX;
    pthread_mutex_lock(&s->lock);
    LIST_EACH(node, next, &s->fetches)
    {
        const struct key_fetch *f = LIST_ENTRY(node, struct key_fetch, in_store);
        if (f->state == FETCH_DUE && f->due_ms < due_ms) due_ms = f->due_ms;
    }
    pthread_mutex_unlock(&s->lock);
    return due_ms;
}

/* Keys that no set has had for so long that nothing makes them count again. */
static void drop_expired(struct key_fetch *f, uint64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->entry_count; i++) {
        if (now_ms < f->entries[i].expires_ms + KEY_STALE_MS)
            f->entries[kept++] = f->entries[i];
        else
            auth_jwk_unref(f->entries[i].key);
    }
    f->entry_count = kept;
}

static struct entry *first_to_end(struct key_fetch *f)
{
    struct entry *first = &f->entries[0];
    for (size_t i = 1; i < f->entry_count; i++)
        if (f->entries[i].expires_ms < first->expires_ms) first = &f->entries[i];
    return first;
}

/* The place of a key in entries, which has room; the one that ends first gives way. */
static struct entry *place_for(struct key_fetch *f, struct slice key_id)
{
    struct entry *entry = find_entry(f, key_id);
    if (entry) return entry;
    if (f->entry_count == KEY_ENTRIES_MAX) return first_to_end(f);
    entry = &f->entries[f->entry_count++];
    *entry = (struct entry){ 0 };
    return entry;
}

/* Out of memory: the keys before stay, and the fetch counts as failed. */
static bool install(struct key_fetch *f, struct auth_jwks *set, uint64_t now_ms)
{
    const size_t wanted = f->entry_count + set->count;
    const size_t cap = wanted < KEY_ENTRIES_MAX ? wanted : KEY_ENTRIES_MAX;
    struct entry *entries = mem_part_realloc(MEM_KEYS, f->entries, (cap + 1) * sizeof *entries);
    if (!entries) return false;
    f->entries = entries;
    for (size_t i = 0; i < set->count; i++) {
        struct entry *entry = place_for(f, auth_jwk_id(set->keys[i]));
        auth_jwk_unref(entry->key);
        *entry = (struct entry){ .key = auth_jwk_ref(set->keys[i]), .expires_ms = now_ms + KEY_TTL_MS };
    }
    return true;
}

static void post(struct key_store *s, struct list *waits, uint64_t now_ms)
{
    struct mailbox_wakes wakes = { 0 };
    struct list *node;
    while ((node = list_pop_front(waits)) != NULL) {
        struct key_wait *wait = LIST_ENTRY(node, struct key_wait, link_);
        const uint32_t worker = wait->client.worker;
        mailbox_post(s->office->boxes[worker], MAILBOX_WORK, &wait->mail, now_ms);
        mailbox_wakes_add(&wakes, worker);
    }
    mailbox_wakes_send(&wakes, s->office);
}

void key_store_done(struct key_store *s, struct key_fetch *f, struct auth_jwks *set, uint64_t now_ms)
{
    struct list waits;
    list_init(&waits);
    pthread_mutex_lock(&s->lock);
    CHECK(f->state == FETCH_GOING);
    drop_expired(f, now_ms);
    f->failed = !set || !install(f, set, now_ms);
    f->fetched = true;
    f->fetched_ms = now_ms;
    f->state = FETCH_IDLE;
    LIST_EACH(node, next, &f->waits) s->wait_count--;
    list_splice(&waits, &f->waits);
    pthread_mutex_unlock(&s->lock);
    if (set) auth_jwks_deinit(set);
    post(s, &waits, now_ms);
}

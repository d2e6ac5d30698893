#include "broker/memory/memory_presence.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mem_part.h"

#define READ_BUCKETS 16 /* about 32 clients in a hold: the map's load is at most 2 */

struct memory_presence_user {
    struct map_node node;
    uint32_t clients, len;
    char name[];
};

static size_t info_len(const struct publication_info *info)
{
    return info->user.len + info->client.len + info->conn_info.len + info->chan_info.len;
}

static struct slice put(char **at, struct slice s)
{
    char *start = *at;
    if (s.len) memcpy(start, s.ptr, s.len);
    *at = start + s.len;
    return slice_of(start, s.len);
}

static struct publication_info put_info(char **at, const struct publication_info *info)
{
    return (struct publication_info){
        .user = put(at, info->user),
        .client = put(at, info->client),
        .conn_info = put(at, info->conn_info),
        .chan_info = put(at, info->chan_info),
        .not_json = info->not_json,
    };
}

struct memory_presence_client *memory_presence_client_new(const struct publication_info *info)
{
    struct memory_presence_client *c = mem_part_alloc(MEM_PRESENCE, sizeof *c + info_len(info));
    if (!c) return NULL;
    char *at = c->bytes;
    c->node = (struct map_node){ .hash = hash_bytes(info->client, 0) };
    atomic_init(&c->refs_, 1);
    c->user_ = NULL;
    c->info = put_info(&at, info);
    return c;
}

void memory_presence_client_unref(struct memory_presence_client *c)
{
    /* acq_rel: every holder's reads end before the free */
    if (c && atomic_fetch_sub_explicit(&c->refs_, 1, memory_order_acq_rel) == 1) mem_part_free(MEM_PRESENCE, c);
}

struct memory_presence *memory_presence_new(void)
{
    struct memory_presence *p = mem_part_alloc_zero(MEM_PRESENCE, sizeof *p);
    if (!p) return NULL;
    map_init(&p->clients);
    map_init(&p->users);
    return p;
}

static struct memory_presence_user *find_user(const struct memory_presence *p, uint64_t hash, struct slice name)
{
    for (struct map_node *n = map_first(&p->users, hash); n; n = map_next_same(n)) {
        struct memory_presence_user *user = container_of(n, struct memory_presence_user, node);
        if (slice_eq(slice_of(user->name, user->len), name)) return user;
    }
    return NULL;
}

/* One more client of this user; NULL when memory is out. */
static struct memory_presence_user *join_user(struct memory_presence *p, struct slice name)
{
    uint64_t hash = hash_bytes(name, 0);
    struct memory_presence_user *user = find_user(p, hash, name);
    if (!user) {
        user = mem_part_alloc(MEM_PRESENCE, sizeof *user + name.len);
        if (!user) return NULL;
        *user = (struct memory_presence_user){ .node.hash = hash, .len = (uint32_t)name.len };
        if (name.len) memcpy(user->name, name.ptr, name.len);
        if (map_insert(&p->users, &user->node) != STATUS_OK) {
            mem_part_free(MEM_PRESENCE, user);
            return NULL;
        }
    }
    user->clients++;
    return user;
}

static void leave_user(struct memory_presence *p, struct memory_presence_user *user)
{
    if (--user->clients) return;
    map_remove(&p->users, &user->node);
    mem_part_free(MEM_PRESENCE, user);
}

static struct memory_presence_client *find_client(const struct memory_presence *p, uint64_t hash, struct slice id)
{
    for (struct map_node *n = map_first(&p->clients, hash); n; n = map_next_same(n)) {
        struct memory_presence_client *c = container_of(n, struct memory_presence_client, node);
        if (slice_eq(c->info.client, id)) return c;
    }
    return NULL;
}

static void take_out(struct memory_presence *p, struct memory_presence_client *c, struct memory_garbage *garbage)
{
    map_remove(&p->clients, &c->node);
    leave_user(p, c->user_);
    CHECK(!garbage->client);
    garbage->client = c;
}

enum status memory_presence_add(struct memory_presence *p, struct memory_presence_client *c,
                                struct memory_garbage *garbage)
{
    struct memory_presence_client *before = find_client(p, c->node.hash, c->info.client);
    c->user_ = join_user(p, c->info.user);
    if (!c->user_) return STATUS_NO_MEMORY;
    enum status status = map_insert(&p->clients, &c->node);
    if (status != STATUS_OK)
        leave_user(p, c->user_);
    else if (before)
        take_out(p, before, garbage);
    return status;
}

void memory_presence_remove(struct memory_presence *p, struct slice client, struct memory_garbage *garbage)
{
    struct memory_presence_client *c = find_client(p, hash_bytes(client, 0), client);
    if (c) take_out(p, c, garbage);
}

static void free_client(struct map_node *node, void *context)
{
    struct memory_presence *p = context;
    struct memory_presence_client *c = container_of(node, struct memory_presence_client, node);
    map_remove(&p->clients, node);
    leave_user(p, c->user_);
    memory_presence_client_unref(c);
}

void memory_presence_free(struct memory_presence *p)
{
    uint64_t cursor = 0;
    while (map_scan(&p->clients, &cursor, MEMORY_HOLD_ITEMS, free_client, p)) continue;
    CHECK(p->clients.count == 0 && p->users.count == 0);
    map_deinit(&p->clients);
    map_deinit(&p->users);
    mem_part_free(MEM_PRESENCE, p);
}

static void read_client(struct map_node *node, void *context)
{
    struct memory_presence_reader *r = context;
    if (r->count == r->cap) {
        uint32_t cap = r->cap ? r->cap * 2 : MEMORY_HOLD_ITEMS;
        void *grown = mem_realloc(r->clients, cap * sizeof(struct memory_presence_client *));
        r->out_of_memory |= !grown;
        if (!grown) return;
        r->clients = grown;
        r->cap = cap;
    }
    struct memory_presence_client *c = container_of(node, struct memory_presence_client, node);
    atomic_fetch_add_explicit(&c->refs_, 1, memory_order_relaxed); /* relaxed: the map holds one */
    r->clients[r->count++] = c;
}

bool memory_presence_read(struct memory_presence *p, struct memory_presence_reader *r)
{
    return p && map_scan(&p->clients, &r->cursor, READ_BUCKETS, read_client, r) && !r->out_of_memory;
}

static int by_client(const void *a, const void *b)
{
    struct memory_presence_client *const *left = a, *const *right = b;
    return slice_compare((*left)->info.client, (*right)->info.client);
}

/* A table that was resized, or a client added anew between holds, is seen twice. */
static void drop_repeated(struct memory_presence_reader *r)
{
    if (r->count == 0) return;
    qsort(r->clients, r->count, sizeof *r->clients, by_client);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < r->count; i++) {
        if (slice_eq(r->clients[kept - 1]->info.client, r->clients[i]->info.client))
            memory_presence_client_unref(r->clients[i]);
        else
            r->clients[kept++] = r->clients[i];
    }
    r->count = kept;
}

enum status memory_presence_copy(struct memory_presence_reader *r, struct broker_presence_result *result)
{
    if (r->out_of_memory) return STATUS_NO_MEMORY;
    drop_repeated(r);
    size_t len = r->count * sizeof(struct broker_presence_entry);
    for (uint32_t i = 0; i < r->count; i++) len += info_len(&r->clients[i]->info);
    struct broker_presence_entry *entries = mem_alloc(len);
    if (!entries) return STATUS_NO_MEMORY;
    char *at = (char *)(entries + r->count);
    for (uint32_t i = 0; i < r->count; i++) entries[i].info = put_info(&at, &r->clients[i]->info);
    result->entries = entries;
    result->entry_count = result->client_count = r->count;
    return STATUS_OK;
}

void memory_presence_reader_deinit(struct memory_presence_reader *r)
{
    for (uint32_t i = 0; i < r->count; i++) memory_presence_client_unref(r->clients[i]);
    mem_free(r->clients);
    *r = (struct memory_presence_reader){ 0 };
}

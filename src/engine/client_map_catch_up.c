#include "engine/client_map.h"

#include "base/mem_part.h"

struct client_map *client_map_need(struct client *c)
{
    struct client_extra *extra = client_need_extra(c);
    if (extra && !extra->map) extra->map = mem_part_alloc_zero(MEM_SUBSCRIPTIONS, sizeof *extra->map);
    return extra ? extra->map : NULL;
}

static struct client_map *map_of(const struct client *c)
{
    return c->extra ? c->extra->map : NULL;
}

struct map_options client_map_options(const struct engine *e, const struct policy_channel_options *o)
{
    const struct policy_map_options *m = &o->map;
    return (struct map_options){
        .key_ttl_ms = m->key_ttl_ms,
        .stream = { .size = m->stream_size,
                    .ttl_ms = m->stream_ttl_ms,
                    .meta_ttl_ms = m->meta_ttl_ms ? m->meta_ttl_ms : BROKER_NEVER_MS,
                    .policy_version = e->policy->version },
    };
}

/* ---- the catch-ups of a client ---- */

struct map_catch_up *client_map_find(const struct client *c, struct slice channel)
{
    const struct client_map *m = map_of(c);
    struct map_catch_up *cu = m ? m->catch_ups : NULL;
    while (cu && !slice_eq(map_catch_up_channel(cu), channel)) cu = cu->next;
    return cu;
}

uint32_t client_map_count(const struct client *c)
{
    const struct client_map *m = map_of(c);
    uint32_t count = 0;
    for (const struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = cu->next) count += cu->sub == NULL;
    return count;
}

static void unlink_catch_up(struct client *c, struct map_catch_up *cu)
{
    struct map_catch_up **at = &c->extra->map->catch_ups;
    while (*at != cu) at = &(*at)->next;
    *at = cu->next;
    operation_forget_catch_up(c, cu);
}

static void free_catch_up(struct map_catch_up *cu)
{
    tags_filter_free(cu->filter);
    held_bytes_free(cu->chan_info);
    mem_part_free(MEM_SUBSCRIPTIONS, cu);
}

void client_map_drop(struct client *c, struct map_catch_up *cu)
{
    struct subscription *sub = cu->sub;
    cu->sub = NULL;
    unlink_catch_up(c, cu);
    free_catch_up(cu);
    if (sub) client_end_subscription(c, sub);
}

void client_map_forget(struct client *c, const struct subscription *sub)
{
    const struct client_map *m = map_of(c);
    for (struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = cu->next) {
        if (cu->sub != sub) continue;
        cu->sub = NULL;
        client_map_drop(c, cu);
        return;
    }
}

void client_map_free(struct client *c)
{
    struct client_map *m = map_of(c);
    while (m && m->catch_ups) client_map_drop(c, m->catch_ups);
    mem_part_free(MEM_SUBSCRIPTIONS, m);
    if (c->extra) c->extra->map = NULL;
}

/* ---- taking too long (row CH-59) ---- */

bool client_map_is_late(const struct client *c, const struct map_catch_up *cu)
{
    return cu->late || (cu->late_ms && cu->late_ms <= c->engine->now_ms);
}

void client_map_drop_late(struct client *c, const struct map_catch_up *but)
{
    const struct client_map *m = map_of(c);
    struct map_catch_up *next;
    for (struct map_catch_up *cu = m ? m->catch_ups : NULL; cu; cu = next) {
        next = cu->next;
        if (cu != but && client_map_is_late(c, cu)) client_map_drop(c, cu);
    }
}

/* What it keeps is not for it to hold any longer; its next request closes the client. */
static void let_go(struct client *c, struct map_catch_up *cu)
{
    struct subscription *sub = cu->sub;
    cu->late = true;
    cu->sub = NULL;
    client_end_subscription(c, sub);
}

void client_map_deadline(struct client *c)
{
    struct client_map *m = map_of(c);
    uint64_t now = c->engine->now_ms;
    if (!m) return;
    if (m->refresh_due_ms && m->refresh_due_ms <= now) client_map_keys_refresh(c);
    if (!m->late_due_ms || m->late_due_ms > now) return;
    m->late_due_ms = 0;
    for (struct map_catch_up *cu = m->catch_ups; cu; cu = cu->next) {
        if (!cu->sub || !cu->late_ms) continue;
        if (cu->late_ms <= now)
            let_go(c, cu);
        else
            client_map_watch(c, cu);
    }
}

void client_map_watch(struct client *c, const struct map_catch_up *cu)
{
    struct client_map *m = map_of(c);
    if (!cu->late_ms || (m->late_due_ms && m->late_due_ms <= cu->late_ms)) return;
    m->late_due_ms = cu->late_ms;
    client_arm(c);
}

uint64_t client_map_due_ms(const struct client *c)
{
    const struct client_map *m = map_of(c);
    if (!m) return 0;
    if (!m->refresh_due_ms || (m->late_due_ms && m->late_due_ms < m->refresh_due_ms)) return m->late_due_ms;
    return m->refresh_due_ms;
}

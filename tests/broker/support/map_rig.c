#include "broker/support/map_rig.h"

#include <stdio.h>

map_rig_maker map_contract_make;

int map_contract_run(const char *name, map_rig_maker make)
{
    map_contract_make = make;
    return map_contract_publish_run(name) + map_contract_state_run(name) + map_contract_subscribe_run(name) +
           map_contract_expiry_run(name);
}

void map_rig_open(struct rig *rig, struct rig_options options)
{
    rig_open_links(rig, options);
    rig->maps = map_contract_make(&rig->links, &options.memory);
}

#define CALL(name, ...)                                                                                                \
    struct broker_context context = rig_context(rig, worker);                                                          \
    struct broker_result result;                                                                                       \
    struct broker_ticket ticket = rig_ticket(rig, worker);                                                             \
    enum broker_answer answer = rig->maps->ops->name(rig->maps, &context, __VA_ARGS__, ticket, &result);               \
    return rig_wait(rig, worker, answer, &result)

struct broker_result map_rig_publish(struct rig *rig, uint32_t worker, const struct map_publish *r)
{
    CALL(publish, r);
}

struct broker_result map_rig_remove(struct rig *rig, uint32_t worker, const struct map_removal *r)
{
    CALL(remove, r);
}

struct broker_result map_rig_read_state(struct rig *rig, uint32_t worker, const struct map_read_state *r)
{
    CALL(read_state, r);
}

struct broker_result map_rig_read_stream(struct rig *rig, uint32_t worker, const struct broker_history *r)
{
    CALL(read_stream, r);
}

struct broker_result map_rig_subscribe(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    CALL(subscribe, r);
}

struct broker_result map_rig_regain(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    CALL(regain, r);
}

static struct broker_result clear(struct rig *rig, uint32_t worker)
{
    CALL(clear, RIG_SPACE, MAP);
}

static struct broker_result stats(struct rig *rig, uint32_t worker)
{
    CALL(stats, RIG_SPACE, MAP);
}

void map_rig_clear(struct rig *rig)
{
    assert_int_equal(clear(rig, 0).status, STATUS_OK);
}

uint64_t map_rig_count(struct rig *rig)
{
    struct broker_result result = stats(rig, 0);
    assert_int_equal(result.status, STATUS_OK);
    return result.map_stats.key_count;
}

void map_rig_unsubscribe(struct rig *rig, uint32_t worker)
{
    struct broker_context context = rig_context(rig, worker);
    rig->maps->ops->unsubscribe(rig->maps, &context, RIG_SPACE, MAP);
    map_rig_count(rig); /* calls of a channel keep their order */
}

void map_rig_sweep(struct rig *rig)
{
    for (uint32_t worker = 0; worker < rig->office.count; worker++) {
        struct broker_context context = rig_context(rig, worker);
        while (rig->maps->ops->sweep(rig->maps, &context)) continue;
    }
}

struct map_publish map_put(struct map_options options, const char *key, const char *data)
{
    return (struct map_publish){ .space = RIG_SPACE,
                                 .channel = MAP,
                                 .key = slice_from_cstr(key),
                                 .content.data = slice_from_cstr(data),
                                 .options = options };
}

struct map_removal map_drop(struct map_options options, const char *key)
{
    return (struct map_removal){ .space = RIG_SPACE, .channel = MAP, .key = slice_from_cstr(key), .options = options };
}

struct broker_subscribe map_join(struct map_options options)
{
    return (struct broker_subscribe){ .space = RIG_SPACE, .channel = MAP, .history = options.stream };
}

static struct broker_position changed(struct broker_result result)
{
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.map_update.suppress, MAP_SUPPRESS_NONE);
    assert_int_not_equal(result.map_update.position.epoch[0], '\0');
    return result.map_update.position;
}

struct broker_position map_rig_put(struct rig *rig, struct map_options options, const char *key, const char *data)
{
    struct map_publish put = map_put(options, key, data);
    return changed(map_rig_publish(rig, 0, &put));
}

struct broker_position map_rig_drop(struct rig *rig, struct map_options options, const char *key)
{
    struct map_removal drop = map_drop(options, key);
    return changed(map_rig_remove(rig, 0, &drop));
}

const char *map_text(struct publication *const *items, uint32_t count)
{
    static char text[1 << 16];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct publication *p = items[i];
        struct slice key = publication_key(p), data = p->content.data;
        if (i) len += (size_t)snprintf(text + len, sizeof text - len, " ");
        if (p->offset) len += (size_t)snprintf(text + len, sizeof text - len, "%llu:", (unsigned long long)p->offset);
        if (p->content.removed)
            len += (size_t)snprintf(text + len, sizeof text - len, "-%.*s", (int)key.len, key.ptr);
        else
            len += (size_t)snprintf(text + len, sizeof text - len, "%.*s=%.*s", (int)key.len, key.ptr, (int)data.len,
                                    data.ptr);
    }
    return text;
}

const char *map_rig_state(struct rig *rig)
{
    struct map_read_state r = { .space = RIG_SPACE, .channel = MAP, .limit = -1 };
    struct broker_result result = map_rig_read_state(rig, 0, &r);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.map_state.cursor.len, 0);
    const char *text = map_text(result.map_state.publications.items, result.map_state.publications.count);
    broker_result_deinit(&result);
    return text;
}

const char *map_rig_stream(struct rig *rig)
{
    struct broker_history r = { .space = RIG_SPACE, .channel = MAP, .limit = -1 };
    struct broker_result result = map_rig_read_stream(rig, 0, &r);
    assert_int_equal(result.status, STATUS_OK);
    const char *text = map_text(result.history.publications.items, result.history.publications.count);
    broker_result_deinit(&result);
    return text;
}

const char *map_rig_events(struct rig *rig, uint32_t worker)
{
    struct rig_worker *w = &rig->workers[worker];
    rig_drain(rig, worker);
    const char *text = map_text(w->events, w->event_count);
    rig_forget_events(rig, worker);
    return text;
}

#include "engine/events.h"

#include <stdio.h>

#include "base/hash.h"
#include "engine/client_parts.h"
#include "engine/survey.h"

/* ---- who listens ---- */

/* Two projects with one hash share a cell: the channel that an event goes to is right none the less. */
static uint64_t key_of(struct slice project)
{
    return (hash_bytes(project, 0) | UINT64_C(1) << 32) & ~(uint64_t)UINT32_MAX;
}

static uint64_t key_in(uint64_t listeners)
{
    return listeners & ~(uint64_t)UINT32_MAX;
}

static struct events_cell *cells_of(struct events *events, enum events_kind kind)
{
    return kind == EVENTS_OF_PROJECT ? events->events_ : events->overviews_;
}

/* NULL: nobody listens to it. */
static struct events_cell *find_cell(struct events_cell *cells, uint64_t key)
{
    for (size_t i = 0; i < EVENTS_LISTENED; i++)
        if (key_in(atomic_load_explicit(&cells[i].listeners_, memory_order_relaxed)) == key) return &cells[i];
    return NULL;
}

static bool join(struct events_cell *cell, uint64_t key)
{
    uint64_t now = atomic_load_explicit(&cell->listeners_, memory_order_relaxed);
    while (key_in(now) == key) {
        if (atomic_compare_exchange_weak_explicit(&cell->listeners_, &now, now + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static bool claim(struct events_cell *cell, uint64_t key)
{
    uint64_t none = 0;
    return atomic_compare_exchange_strong_explicit(&cell->listeners_, &none, key | 1, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* Two that begin at once may take two cells; each pays back one count of either. */
static bool enter(struct events_cell *cells, uint64_t key)
{
    struct events_cell *known = find_cell(cells, key);
    if (known && join(known, key)) return true;
    for (size_t i = 0; i < EVENTS_LISTENED; i++)
        if (claim(&cells[i], key)) return true;
    return false;
}

static bool leave(struct events_cell *cell, uint64_t key)
{
    uint64_t now = atomic_load_explicit(&cell->listeners_, memory_order_relaxed);
    while (key_in(now) == key) {
        const uint64_t after = now - 1 == key ? 0 : now - 1;
        if (atomic_compare_exchange_weak_explicit(&cell->listeners_, &now, after, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

bool events_listen(struct events *events, enum events_kind kind, struct slice project)
{
    if (!enter(cells_of(events, kind), key_of(project))) return false;
    if (kind == EVENTS_OF_PROJECT) atomic_fetch_add_explicit(&events->listeners, 1, memory_order_relaxed);
    return true;
}

void events_unlisten(struct events *events, enum events_kind kind, struct slice project)
{
    struct events_cell *cells = cells_of(events, kind);
    const uint64_t key = key_of(project);
    for (size_t i = 0; i < EVENTS_LISTENED; i++)
        if (leave(&cells[i], key)) break;
    if (kind == EVENTS_OF_PROJECT) atomic_fetch_sub_explicit(&events->listeners, 1, memory_order_relaxed);
}

/* ---- sending ---- */

static void publish(struct engine *e, const char *prefix, struct slice project, struct slice json)
{
    char name[sizeof OVERVIEW_PREFIX + POLICY_PROJECT_ID_MAX];
    const int len = snprintf(name, sizeof name, "%s%.*s", prefix, SLICE_ARG(project));
    const struct broker_publish request = {
        .space = POLICY_CONSOLE_SPACE,
        .channel = slice_of(name, (size_t)len),
        .content = { .kind = PUBLICATION_DATA, .data = json, .data_is_json = true },
        .skip_history = true,
    };
    const struct broker_context context = engine_broker_context(e);
    const struct broker_ticket nobody = { .handle = { .worker = e->index } };
    struct broker_result result = { 0 };
    if (e->shared->broker->ops->publish(e->shared->broker, &context, &request, nobody, &result) == BROKER_DONE)
        broker_result_deinit(&result);
}

/* One more in this second? */
static bool passes_rate(struct events_cell *cell, const struct engine *e)
{
    const uint64_t second = (e->now_ms / 1000) << 32;
    uint64_t now = atomic_load_explicit(&cell->window_, memory_order_relaxed), after;
    do {
        const bool is_new = (now & ~(uint64_t)UINT32_MAX) != second;
        if (!is_new && (uint32_t)now >= EVENTS_PER_SECOND) {
            atomic_fetch_add_explicit(&cell->dropped_, 1, memory_order_relaxed);
            return false;
        }
        after = is_new ? second | 1 : now + 1;
    } while (!atomic_compare_exchange_weak_explicit(&cell->window_, &now, after, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

bool event_begin(struct event *ev, struct engine *e, uint32_t space, const char *type)
{
    struct events *events = &e->shared->events;
    if (atomic_load_explicit(&events->listeners, memory_order_relaxed) == 0) return false;
    const struct policy_project *project = policy_project_by_space(e->policy, space);
    if (!project) return false;
    struct events_cell *cell = find_cell(events->events_, key_of(slice_from_cstr(project->id)));
    if (!cell || !passes_rate(cell, e)) return false;
    *ev = (struct event){ .engine = e, .project = slice_from_cstr(project->id) };
    buf_init(&ev->buf, EVENT_BYTES_MAX);
    ev->json = json_writer_to(&ev->buf);
    json_write_object_begin(&ev->json);
    event_text(ev, "type", slice_from_cstr(type));
    event_number(ev, "at_ms", (uint64_t)e->wall_ms);
    const unsigned dropped = atomic_exchange_explicit(&cell->dropped_, 0, memory_order_relaxed);
    if (dropped) event_number(ev, "dropped", dropped);
    return true;
}

void event_text(struct event *ev, const char *name, struct slice value)
{
    json_write_name(&ev->json, slice_from_cstr(name));
    json_write_string(&ev->json, slice_head(value, EVENT_TEXT_MAX));
}

void event_number(struct event *ev, const char *name, uint64_t value)
{
    json_write_name(&ev->json, slice_from_cstr(name));
    json_write_u64(&ev->json, value);
}

void event_flag(struct event *ev, const char *name, bool value)
{
    json_write_name(&ev->json, slice_from_cstr(name));
    json_write_bool(&ev->json, value);
}

void event_data(struct event *ev, struct slice data, bool is_json)
{
    event_number(ev, "bytes", data.len);
    if (!is_json || data.len == 0 || data.len > EVENT_DATA_MAX) return;
    json_write_name(&ev->json, SLICE("data"));
    json_write_raw(&ev->json, data);
}

void event_client(struct event *ev, const struct client *c)
{
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    event_text(ev, "client", slice_of(id, CLIENT_ID_LEN));
    if (c->user) event_text(ev, "user", client_user(c));
}

void event_send(struct event *ev)
{
    json_write_object_end(&ev->json);
    if (buf_ok(&ev->buf)) publish(ev->engine, EVENTS_PREFIX, ev->project, buf_slice(&ev->buf));
    buf_deinit(&ev->buf);
}

/* ---- numbers ---- */

void events_tick(struct engine *e)
{
    const struct policy *p = e->policy;
    struct events_cell *cells = e->shared->events.overviews_;
    bool listened = false;
    for (size_t i = 0; i < EVENTS_LISTENED && !listened; i++)
        listened = atomic_load_explicit(&cells[i].listeners_, memory_order_relaxed) != 0;
    for (size_t i = 0; i < p->project_count && listened; i++) {
        const struct policy_project *project = &p->projects[i];
        if (!find_cell(cells, key_of(slice_from_cstr(project->id)))) continue;
        const struct survey_request request = { .kind = SURVEY_OVERVIEW, .space = project->space, .publish = true };
        struct survey *s = survey_start(e, &request, (struct handle){ .worker = e->index }, 0);
        survey_release(s);
    }
}

void events_send_overview(struct engine *e, uint32_t space, struct slice json)
{
    const struct policy_project *project = policy_project_by_space(e->policy, space);
    if (project) publish(e, OVERVIEW_PREFIX, slice_from_cstr(project->id), json);
}

#include "api/api_map.h"

uint32_t api_map_channel(struct api_call *call, struct slice channel, struct rules_channel *out)
{
    uint32_t code = api_channel(call, channel, out);
    if (code) return code;
    return out->options->subscription_type == POLICY_STREAM ? API_ERROR_BAD_REQUEST : 0;
}

uint32_t api_map_key(struct api_call *call, struct slice channel, struct slice key, struct rules_channel *out)
{
    if (key.len == 0 || key.len > PUBLICATION_KEY_MAX) return API_ERROR_BAD_REQUEST;
    return api_map_channel(call, channel, out);
}

struct map_broker *api_map_broker(const struct api_call *call)
{
    return call->engine->shared->map_broker;
}

void api_map_count(const struct api_call *call, unsigned action)
{
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, action), 1);
}

/* Members that are zero are left out, as everywhere. */
static void write_position(struct json_writer *w, const struct broker_position *p)
{
    struct slice epoch = slice_of(p->epoch, strnlen(p->epoch, sizeof p->epoch));
    if (p->offset > 0) {
        json_write_name(w, SLICE("offset"));
        json_write_u64(w, p->offset);
    }
    if (epoch.len > 0) {
        json_write_name(w, SLICE("epoch"));
        json_write_string(w, epoch);
    }
}

enum api_outcome api_map_update(struct api_call *call, struct broker_result *result)
{
    /* row OB-06: what an ephemeral map cannot do is an error of the server */
    if (result->status == STATUS_MALFORMED) return api_error(call, API_ERROR_INTERNAL);
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    enum map_suppress suppress = result->map_update.suppress;
    struct json_writer w = api_result_begin(call);
    write_position(&w, &result->map_update.position);
    if (suppress != MAP_SUPPRESS_NONE) {
        json_write_name(&w, SLICE("suppressed"));
        json_write_bool(&w, true);
        json_write_name(&w, SLICE("suppress_reason"));
        json_write_string(&w, map_suppress_name(suppress));
    }
    return api_result_end(call, &w);
}

/* ---- entries ---- */

/* Entries written in one turn of the loop. */
#define SLICE_COUNT 256u

struct entries_state {
    struct broker_result result; /* owned */
    struct json_writer writer;
    uint32_t next; /* index of the entry to write */
};

static struct entries_state *state_of(struct api_call *call)
{
    return (struct entries_state *)(void *)call->state_;
}

static void drop(struct api_call *call)
{
    broker_result_deinit(&state_of(call)->result);
}

static const struct broker_publications *publications_of(const struct broker_result *r)
{
    return r->owns_ == BROKER_RESULT_MAP_STATE ? &r->map_state.publications : &r->history.publications;
}

static void write_entry(struct json_writer *w, const struct publication *p)
{
    json_write_object_begin(w);
    json_write_name(w, SLICE("key"));
    json_write_string(w, publication_key(p));
    if (p->content.data.len > 0) {
        json_write_name(w, SLICE("data"));
        json_write_raw(w, p->content.data);
    }
    if (p->content.tag_count > 0) api_write_tags(w, &p->content);
    if (p->offset > 0) {
        json_write_name(w, SLICE("offset"));
        json_write_u64(w, p->offset);
    }
    if (p->content.removed) {
        json_write_name(w, SLICE("removed"));
        json_write_bool(w, true);
    }
    json_write_name(w, SLICE("time"));
    json_write_i64(w, p->time_ms);
    json_write_object_end(w);
}

static enum api_outcome finish(struct api_call *call)
{
    struct entries_state *s = state_of(call);
    bool is_state = s->result.owns_ == BROKER_RESULT_MAP_STATE;
    if (s->next > 0) json_write_array_end(&s->writer);
    write_position(&s->writer, is_state ? &s->result.map_state.top : &s->result.history.top);
    if (is_state && s->result.map_state.cursor.len > 0) {
        json_write_name(&s->writer, SLICE("cursor"));
        json_write_string(&s->writer, s->result.map_state.cursor);
    }
    return api_result_end(call, &s->writer);
}

static enum api_outcome go_on(struct api_call *call)
{
    struct entries_state *s = state_of(call);
    const struct broker_publications *publications = publications_of(&s->result);
    for (uint32_t i = 0; i < SLICE_COUNT && s->next < publications->count; i++, s->next++) {
        const struct publication *p = publications->items[s->next];
        /* row OB-06: JSON has no place for it */
        if (!publication_fits_json(p)) return api_plain(call, 500, SLICE("Internal Server Error"));
        write_entry(&s->writer, p);
    }
    return s->next < publications->count ? api_again(call, go_on) : finish(call);
}

enum api_outcome api_map_entries(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct entries_state *s = api_state_new(call, sizeof *s);
    if (!s) return api_error(call, API_ERROR_INTERNAL);
    s->result = *result;
    result->owns_ = BROKER_RESULT_PLAIN;
    call->drop_ = drop;
    s->writer = api_result_begin(call);
    if (publications_of(&s->result)->count == 0) return finish(call);
    json_write_name(&s->writer, SLICE("entries"));
    json_write_array_begin(&s->writer);
    return go_on(call);
}

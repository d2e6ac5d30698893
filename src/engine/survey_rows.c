#include "engine/survey_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem_part.h"

static void write_text(struct json_writer *w, struct slice name, struct slice value)
{
    json_write_name(w, name);
    json_write_string(w, value);
}

static void write_u64(struct json_writer *w, struct slice name, uint64_t value)
{
    json_write_name(w, name);
    json_write_u64(w, value);
}

static void write_flag(struct json_writer *w, struct slice name, bool value)
{
    json_write_name(w, name);
    json_write_bool(w, value);
}

/* ---- which ---- */

static struct slice address_of(const struct client *c, char out[static CLIENT_PEER_MAX])
{
    return c->port->peer ? slice_of(out, c->port->peer(c, out)) : (struct slice){ 0 };
}

static bool has_sdk(const struct client *c, struct slice wanted)
{
    const struct slice name = sdk_names_name(&c->engine->sdks, c->sdk);
    return name.len >= wanted.len && slice_eq_nocase(slice_head(name, wanted.len), wanted);
}

/* The address last: it is a system call. */
bool survey_wants(const struct survey *s, const struct client *c)
{
    const struct survey_request *r = &s->request;
    char id[CLIENT_ID_LEN + 1], address[CLIENT_PEER_MAX];
    if (c->space != r->space || !c->user || c->state == CLIENT_CLOSING) return false;
    if (r->user.len > 0 && !slice_eq(client_user(c), r->user)) return false;
    if (r->client.len > 0) {
        client_id_text(c, id);
        if (!slice_eq(slice_of(id, CLIENT_ID_LEN), r->client)) return false;
    }
    if (r->sdk.len > 0 && !has_sdk(c, r->sdk)) return false;
    if (r->channel.len > 0 && !client_find_subscription(c, r->channel)) return false;
    return r->address.len == 0 || slice_eq(address_of(c, address), r->address);
}

/* ---- a connection ---- */

static struct slice transport_name(const struct client *c)
{
    return c->port->metric_transport == METRIC_TRANSPORT_WEBSOCKET ? SLICE("websocket") : SLICE("other");
}

static void write_sdk(struct json_writer *w, const struct client *c)
{
    const struct slice name = sdk_names_name(&c->engine->sdks, c->sdk);
    const struct slice version = sdk_names_version(&c->engine->sdks, c->sdk);
    char both[2 * SDK_TEXT_MAX + 2];
    const int len = snprintf(both, sizeof both, "%.*s%s%.*s", SLICE_ARG(name), version.len && name.len ? " " : "",
                             SLICE_ARG(version));
    write_text(w, SLICE("sdk"), slice_of(both, (size_t)len));
    write_text(w, SLICE("sdk_name"), name);
    write_text(w, SLICE("sdk_version"), version);
}

static void write_identity(struct json_writer *w, const struct client *c)
{
    char id[CLIENT_ID_LEN + 1], address[CLIENT_PEER_MAX];
    client_id_text(c, id);
    write_text(w, SLICE("client"), slice_of(id, CLIENT_ID_LEN));
    write_text(w, SLICE("user"), client_user(c));
    write_text(w, SLICE("address"), address_of(c, address));
    write_text(w, SLICE("transport"), transport_name(c));
    write_text(w, SLICE("encoding"), c->port->encoding == PROTOCOL_PROTOBUF ? SLICE("protobuf") : SLICE("json"));
    write_sdk(w, c);
    write_u64(w, SLICE("connected_at"), c->connected_at_s);
}

static void write_subscription(struct json_writer *w, const struct subscription *sub)
{
    json_write_object_begin(w);
    write_text(w, SLICE("channel"), hub_channel_name(sub->channel));
    write_flag(w, SLICE("server_side"), sub->flags & SUB_SERVER_SIDE);
    write_flag(w, SLICE("from_token"), sub->flags & SUB_FROM_TOKEN);
    write_flag(w, SLICE("positioned"), sub->flags & SUB_POSITIONED);
    write_flag(w, SLICE("recoverable"), sub->flags & SUB_RECOVERABLE);
    write_flag(w, SLICE("presence"), sub->flags & SUB_PRESENCE);
    write_flag(w, SLICE("join_leave"), sub->flags & SUB_JOIN_LEAVE);
    write_flag(w, SLICE("delta"), sub->flags & SUB_DELTA);
    write_flag(w, SLICE("filtered"), sub->filter != NULL);
    write_flag(w, SLICE("map"), sub->flags & SUB_MAP);
    write_flag(w, SLICE("pending"), sub->pending);
    write_u64(w, SLICE("expires_at"), sub->flags & SUB_EXPIRES ? sub->expire_at_s : 0);
    json_write_object_end(w);
}

/* When the connection's token ends; its grace was put on top. */
static uint64_t token_end_s(const struct client *c)
{
    const struct engine *e = c->engine;
    if (!c->expires || c->stale_or_expire_ms == 0) return 0;
    const int64_t left_ms =
        (int64_t)(c->stale_or_expire_ms - e->policy->deployment->limits.expired_close_delay_ms) - (int64_t)e->now_ms;
    const int64_t end_ms = e->wall_ms + left_ms;
    return end_ms > 0 ? (uint64_t)end_ms / 1000 : 0;
}

/* meta is what a backend keeps from the client: only that it is there is shown. */
static void write_claims(struct json_writer *w, const struct client *c)
{
    const struct held_bytes *info = c->extra ? c->extra->conn_info : NULL;
    json_write_name(w, SLICE("claims"));
    json_write_object_begin(w);
    write_u64(w, SLICE("expires_at"), token_end_s(c));
    json_write_name(w, SLICE("info"));
    if (info && held_bytes_fit_json(info))
        json_write_raw(w, held_bytes_slice(info));
    else
        json_write_null(w);
    write_flag(w, SLICE("has_info"), info != NULL);
    write_flag(w, SLICE("has_meta"), c->extra && c->extra->meta);
    write_flag(w, SLICE("client_key"), c->extra && c->extra->has_client_key);
    json_write_object_end(w);
}

static void write_subscriptions(struct json_writer *w, const struct client *c)
{
    json_write_name(w, SLICE("subscriptions"));
    json_write_array_begin(w);
    LIST_EACH(node, next, &c->subscriptions)
    {
        write_subscription(w, LIST_ENTRY(node, struct subscription, in_client));
    }
    json_write_array_end(w);
}

void survey_write_client(struct survey *s, const struct client *c)
{
    struct json_writer *w = &s->json;
    json_write_object_begin(w);
    write_identity(w, c);
    if (s->request.kind == SURVEY_CONNECTION) {
        write_subscriptions(w, c);
        write_claims(w, c);
        write_u64(w, SLICE("queued_bytes"), c->port->queued(c));
    } else {
        write_u64(w, SLICE("subscriptions"), c->subscription_count);
    }
    json_write_object_end(w);
}

/* ---- a channel ---- */

/* What is before the boundary, when the space has such a namespace. */
static struct slice namespace_of(const struct engine *e, uint32_t space, struct slice name)
{
    struct slice rest = { 0 };
    bool is_private = false;
    const struct slice boundary = slice_from_cstr(e->policy->deployment->namespace_boundary);
    const struct slice prefix = slice_from_cstr(e->policy->deployment->private_prefix);
    if (!policy_channel_resolve(e->policy, space, name, &is_private, &rest) || rest.len == name.len)
        return (struct slice){ 0 };
    const size_t start = is_private ? prefix.len : 0;
    return slice_of(name.ptr + start, name.len - rest.len - boundary.len - start);
}

void survey_write_channel(struct survey *s, struct engine *e, struct slice name, uint32_t subscribers, bool is_map)
{
    struct json_writer *w = &s->json;
    json_write_object_begin(w);
    write_text(w, SLICE("name"), name);
    write_u64(w, SLICE("subscribers"), subscribers);
    write_text(w, SLICE("namespace"), namespace_of(e, s->request.space, name));
    write_flag(w, SLICE("map"), is_map);
    json_write_object_end(w);
}

/* ---- numbers ---- */

void survey_add_counts(struct survey *s, struct engine *e)
{
    const struct space_counts *here = space_counts_of(&e->spaces, s->request.space);
    struct space_counts *sums = &s->sums;
    sums->connections += here->connections;
    sums->users += here->users;
    sums->subscriptions += here->subscriptions;
    sums->connection_bytes += here->connection_bytes;
    sums->publications += here->publications;
    sums->deliveries += here->deliveries;
    sums->errors += here->errors;
}

/* Workers were asked one after the other: who moved meanwhile may be missing. */
static uint64_t no_less_than_none(int64_t count)
{
    return count > 0 ? (uint64_t)count : 0;
}

static void write_overview(struct survey *s, struct engine *e)
{
    struct json_writer *w = &s->json;
    const struct space_counts *sums = &s->sums;
    struct broker_space_usage usage;
    e->shared->broker->ops->space_usage(e->shared->broker, s->request.space, &usage);
    write_u64(w, SLICE("at_ms"), (uint64_t)e->wall_ms);
    write_u64(w, SLICE("connections"), no_less_than_none(sums->connections));
    write_u64(w, SLICE("users"), no_less_than_none(sums->users));
    write_u64(w, SLICE("channels"), usage.channels);
    write_u64(w, SLICE("subscriptions"), no_less_than_none(sums->subscriptions));
    write_u64(w, SLICE("publications"), sums->publications);
    write_u64(w, SLICE("deliveries"), sums->deliveries);
    write_u64(w, SLICE("errors"), sums->errors);
    json_write_name(w, SLICE("memory"));
    json_write_object_begin(w);
    write_u64(w, SLICE("connections"), sums->connection_bytes);
    write_u64(w, SLICE("subscriptions"), no_less_than_none(sums->subscriptions) * sizeof(struct subscription));
    write_u64(w, SLICE("history"), usage.history_bytes);
    json_write_object_end(w);
}

static int64_t gauge(const struct engine_shared *shared, unsigned slot)
{
    return metrics_sum((const struct metrics *const *)shared->metrics, shared->worker_count, slot);
}

/* Of the process, in bytes; 0 = the system does not say. */
static uint64_t resident_bytes(void)
{
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%*u %" SCNu64, &pages) != 1) pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of the whole process. */
static void write_parts(struct json_writer *w)
{
    struct mem_part_sum sums[MEM_PART_COUNT];
    mem_part_sums(sums);
    json_write_name(w, SLICE("memory"));
    json_write_object_begin(w);
    for (enum mem_part part = 0; part < MEM_PART_COUNT; part++)
        write_u64(w, slice_from_cstr(mem_part_label(part)), sums[part].bytes);
    json_write_object_end(w);
}

void survey_write_node(struct survey *s, struct engine *e)
{
    struct engine_shared *shared = e->shared;
    struct json_writer *w = &s->json;
    json_write_object_begin(w);
    write_text(w, SLICE("uid"), slice_from_cstr(shared->node.uid));
    write_text(w, SLICE("name"), slice_from_cstr(shared->node.name));
    write_text(w, SLICE("version"), slice_from_cstr(shared->node.version));
    write_u64(w, SLICE("uptime_seconds"), (e->now_ms - shared->node.started_ms) / 1000);
    write_u64(w, SLICE("workers"), shared->worker_count);
    write_u64(w, SLICE("connections"), no_less_than_none(gauge(shared, METRIC_NODE_NUM_CLIENTS)));
    write_u64(w, SLICE("users"), registry_user_count(shared->registry));
    write_u64(w, SLICE("channels"), shared->broker->ops->channel_count(shared->broker));
    write_u64(w, SLICE("subscriptions"), no_less_than_none(gauge(shared, METRIC_NODE_NUM_SUBSCRIPTIONS)));
    write_u64(w, SLICE("memory_bytes"), resident_bytes());
    write_parts(w);
    json_write_object_end(w);
}

/* ---- the frame ---- */

void survey_write_begin(struct survey *s)
{
    static const struct {
        const char *name;
    } lists[] = {
        [SURVEY_CONNECTIONS] = { "connections" },
        [SURVEY_CONNECTION] = { NULL },
        [SURVEY_CHANNELS] = { "channels" },
        [SURVEY_OVERVIEW] = { NULL },
        [SURVEY_NODES] = { "nodes" },
    };
    const char *list = lists[s->request.kind].name;
    if (s->request.kind == SURVEY_CONNECTION) return; /* the row is the answer */
    json_write_object_begin(&s->json);
    if (!list) return;
    json_write_name(&s->json, slice_from_cstr(list));
    json_write_array_begin(&s->json);
}

static void write_cursor(struct survey *s)
{
    char text[SURVEY_CURSOR_MAX];
    json_write_name(&s->json, SLICE("cursor"));
    if (!s->has_more) {
        json_write_null(&s->json);
        return;
    }
    const int len = snprintf(text, sizeof text, "%" PRIu32 ".%" PRIu64 ".%" PRIu32, s->at.worker, s->at.at, s->at.skip);
    json_write_string(&s->json, slice_of(text, (size_t)len));
}

void survey_write_end(struct survey *s, struct engine *e)
{
    if (s->request.kind == SURVEY_CONNECTION) return;
    if (s->request.kind == SURVEY_OVERVIEW) {
        write_overview(s, e);
    } else {
        json_write_array_end(&s->json);
        if (s->request.kind != SURVEY_NODES) write_cursor(s);
    }
    json_write_object_end(&s->json);
}

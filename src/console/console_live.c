/* What is there now: connections, channels, numbers and nodes. The control thread sees who may
 * ask; the workers are then surveyed. */
#include <stdio.h>

#include "base/check.h"
#include "console/console_query.h"
#include "console/console_route.h"
#include "engine/console_space.h"

#define LIMIT_DEFAULT 50

/* NULL: refused. */
static struct survey_request *new_request(struct console_call *call, enum survey_kind kind)
{
    struct survey_request *request = arena_alloc(&call->arena, sizeof *request);
    if (!request) {
        console_refuse(call, 503, "unavailable", NULL, "the server is out of memory; try again later");
        return NULL;
    }
    *request = (struct survey_request){ .kind = kind, .space = call->space, .limit = LIMIT_DEFAULT };
    return request;
}

static void send_off(struct console_call *call, const struct survey_request *request)
{
    call->errand.survey = request;
    control_job_finish(&call->job);
}

/* The parameters of every list; false: refused. */
static bool read_page(struct console_call *call, struct survey_request *request)
{
    struct slice cursor = { 0 };
    uint64_t limit = LIMIT_DEFAULT;
    if (!console_query_number(call, "limit", 1, SURVEY_LIMIT_MAX, &limit)) return false;
    if (!console_query_text(call, "cursor", &cursor)) return false;
    request->limit = (uint32_t)limit;
    if (cursor.len == 0 || survey_place_read(cursor, &request->from)) return true;
    console_refuse(call, 422, "invalid_value", "cursor",
                   "the parameter cursor is \"%.*s\": what the page before gave as \"cursor\" is allowed",
                   SLICE_ARG(slice_head(cursor, SURVEY_CURSOR_MAX)));
    return false;
}

static void connections(struct console_call *call)
{
    struct survey_request *r = new_request(call, SURVEY_CONNECTIONS);
    if (r && read_page(call, r) && console_query_text(call, "user", &r->user) &&
        console_query_text(call, "client", &r->client) && console_query_text(call, "channel", &r->channel) &&
        console_query_text(call, "address", &r->address) && console_query_text(call, "sdk", &r->sdk))
        send_off(call, r);
}

static void connection(struct console_call *call)
{
    struct survey_request *r = new_request(call, SURVEY_CONNECTION);
    if (!r) return;
    r->client = call->params[1];
    send_off(call, r);
}

static void channels(struct console_call *call)
{
    struct survey_request *r = new_request(call, SURVEY_CHANNELS);
    if (r && read_page(call, r) && console_query_text(call, "prefix", &r->prefix)) send_off(call, r);
}

static void overview(struct console_call *call)
{
    struct survey_request *r = new_request(call, SURVEY_OVERVIEW);
    if (r) send_off(call, r);
}

static void nodes(struct console_call *call)
{
    struct survey_request *r = new_request(call, SURVEY_NODES);
    if (r) send_off(call, r);
}

/* A minute's leave to hear the project's events. */
static void live_token(struct console_call *call)
{
    struct buf token;
    char channel[sizeof OVERVIEW_PREFIX + STORE_PROJECT_ID_MAX];
    if (!call->home->live_path) {
        console_refuse(call, 409, "not_configured", NULL,
                       "live views need the WebSocket transport, which is switched off (websocket.disabled)");
        return;
    }
    buf_init(&token, CONSOLE_BODY_BYTES_MAX);
    if (console_token_sign(call->home->live_secret, slice_from_cstr(call->who.account.id), call->params[0],
                           call->accounts.now_s, &token) == STATUS_OK) {
        struct json_writer *w = console_begin(call, 200);
        json_write_name(w, SLICE("token"));
        json_write_string(w, buf_slice(&token));
        char url[256];
        snprintf(url, sizeof url, "/realtime%s?console=1", call->home->live_path);
        console_write_text(w, "url", url);
        console_write_i64(w, "expires_in_seconds", CONSOLE_TOKEN_TTL_S);
        json_write_name(w, SLICE("channels"));
        json_write_object_begin(w);
        snprintf(channel, sizeof channel, EVENTS_PREFIX "%.*s", SLICE_ARG(call->params[0]));
        console_write_text(w, "events", channel);
        snprintf(channel, sizeof channel, OVERVIEW_PREFIX "%.*s", SLICE_ARG(call->params[0]));
        console_write_text(w, "overview", channel);
        json_write_object_end(w);
        console_done(call);
    } else {
        console_refuse(call, 503, "unavailable", NULL, "the server is out of memory; try again later");
    }
    buf_deinit(&token);
}

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects/*/connections", CONSOLE_VIEWER, connections, NULL, 0 },
    { HTTP_METHOD_GET, "/projects/*/connections/*", CONSOLE_VIEWER, connection, NULL, 0 },
    { HTTP_METHOD_GET, "/projects/*/channels", CONSOLE_VIEWER, channels, NULL, 0 },
    { HTTP_METHOD_GET, "/projects/*/overview", CONSOLE_VIEWER, overview, NULL, 0 },
    { HTTP_METHOD_POST, "/projects/*/live-token", CONSOLE_VIEWER, live_token, NULL, 0 },
    { HTTP_METHOD_GET, "/nodes", CONSOLE_ACCOUNT, nodes, NULL, 0 },
};

const struct console_routes console_live_routes = { routes, ARRAY_COUNT(routes) };

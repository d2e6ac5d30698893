#include "cli/project_view.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "cli/cli.h"
#include "json/json_reader.h"

/* Each string is decoded into the arena; a list may be long. */
#define ARENA_BYTES_MAX (32u << 20)

struct view {
    FILE *out;
    const char *bold, *faint, *plain;
    struct json_reader r;
    struct arena arena;
};

/* What is known of one project or of one key; members that are not there stay empty. */
struct fields {
    struct slice id, name, kind, state;
    struct slice server_api_key, server_key_id, client_api_key, client_key_id;
    int64_t space, created_at, archived_at, valid_until, revoked_at;
    struct slice keys, origins; /* raw JSON */
};

static void take_text(struct view *v, struct slice *out)
{
    struct json_string s;
    if (json_string(&v->r, &s) && json_string_decode(s, &v->arena, out) != STATUS_OK)
        json_fail(&v->r, "the result is too large");
}

static void take_member(struct view *v, struct json_string key, struct fields *f)
{
    const struct {
        struct slice name;
        struct slice *text;
        int64_t *number;
        struct slice *raw;
    } members[] = {
        { SLICE("id"), .text = &f->id },
        { SLICE("key_id"), .text = &f->id },
        { SLICE("name"), .text = &f->name },
        { SLICE("kind"), .text = &f->kind },
        { SLICE("state"), .text = &f->state },
        { SLICE("server_api_key"), .text = &f->server_api_key },
        { SLICE("server_key_id"), .text = &f->server_key_id },
        { SLICE("client_api_key"), .text = &f->client_api_key },
        { SLICE("client_key_id"), .text = &f->client_key_id },
        { SLICE("space"), .number = &f->space },
        { SLICE("created_at"), .number = &f->created_at },
        { SLICE("archived_at"), .number = &f->archived_at },
        { SLICE("valid_until"), .number = &f->valid_until },
        { SLICE("revoked_at"), .number = &f->revoked_at },
        { SLICE("keys"), .raw = &f->keys },
        { SLICE("allowed_origins"), .raw = &f->origins },
    };
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (!json_string_eq(key, members[i].name)) continue;
        if (members[i].text)
            take_text(v, members[i].text);
        else if (members[i].number)
            json_i64(&v->r, members[i].number);
        else
            json_raw(&v->r, members[i].raw);
        return;
    }
    json_skip(&v->r);
}

static bool take_fields(struct view *v, struct fields *out)
{
    struct json_string key;
    *out = (struct fields){ 0 };
    if (!json_object_begin(&v->r)) return false;
    while (json_object_next(&v->r, &key)) take_member(v, key, out);
    return json_ok(&v->r);
}

static void format_time(int64_t at_s, char out[static 32])
{
    time_t at = (time_t)at_s;
    struct tm utc;
    if (at_s == 0 || !gmtime_r(&at, &utc) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &utc) == 0) strcpy(out, "-");
}

static void print_label(const struct view *v, const char *label, struct slice value)
{
    fprintf(v->out, "  %s%-15s%s %.*s\n", v->faint, label, v->plain, SLICE_ARG(value));
}

static void print_new_keys(const struct view *v, const struct fields *f)
{
    print_label(v, "project id", f->id);
    if (f->server_api_key.len) {
        print_label(v, "server key", f->server_api_key);
        print_label(v, "server key id", f->server_key_id);
    }
    if (f->client_api_key.len) {
        print_label(v, "client key", f->client_api_key);
        print_label(v, "client key id", f->client_key_id);
    }
    fprintf(v->out, "\n%sKeys are shown only this once: put them where they belong now.%s\n", v->bold, v->plain);
}

static bool print_created(struct view *v)
{
    struct fields f;
    if (!take_fields(v, &f)) return false;
    fprintf(v->out, "Project \"%.*s\" is ready.\n\n", SLICE_ARG(f.name));
    print_new_keys(v, &f);
    fprintf(v->out,
            "Next: give the server key to your backend (never to a page or an app), and let it ask for a token:\n"
            "  curl -H \"Authorization: apikey $SERVER_KEY\" -H \"Content-Type: application/json\" \\\n"
            "       -d '{\"userId\":\"42\"}' http://localhost:3001/api/realtime/token\n");
    return true;
}

static void print_grace(const struct view *v, const struct project_request *request)
{
    const char *kind = request->which == STORE_KEY_SERVER ? "server" : "client";
    char until[32];
    format_time((int64_t)time(NULL) + (int64_t)request->grace_s, until);
    if (request->grace_s == 0)
        fprintf(v->out, "Next: use the new %s key; the old one is revoked.\n", kind);
    else
        fprintf(v->out, "Next: use the new %s key everywhere before %s, when the old one ends.\n", kind, until);
}

static bool print_rotated(struct view *v, const struct project_request *request)
{
    struct fields f;
    if (!take_fields(v, &f)) return false;
    fprintf(v->out, "Project \"%.*s\" has a new key.\n\n", SLICE_ARG(f.name));
    print_new_keys(v, &f);
    print_grace(v, request);
    return true;
}

static bool print_list(struct view *v)
{
    struct json_string key;
    struct fields f;
    char created[32];
    if (!json_object_begin(&v->r) || !json_object_next(&v->r, &key) || !json_array_begin(&v->r)) return false;
    fprintf(v->out, "%s%-22s %-6s %-9s %-21s %s%s\n", v->bold, "ID", "SPACE", "STATE", "CREATED", "NAME", v->plain);
    while (json_array_next(&v->r) && take_fields(v, &f)) { /* the name last: its width is not its length */
        format_time(f.created_at, created);
        fprintf(v->out, "%-22.*s %-6lld %-9s %-21s %.*s\n", SLICE_ARG(f.id), (long long)f.space,
                f.archived_at ? "archived" : "in use", created, SLICE_ARG(f.name));
    }
    return json_ok(&v->r);
}

static bool print_keys(struct view *v, struct slice keys, bool *server_usable, bool *client_usable)
{
    struct fields f;
    char created[32], until[32];
    json_reader_init(&v->r, keys, JSON_DEPTH_DEFAULT);
    if (!json_array_begin(&v->r)) return false;
    fprintf(v->out, "\n%s%-13s %-7s %-8s %-21s %s%s\n", v->bold, "KEY ID", "KIND", "STATE", "CREATED", "ENDS",
            v->plain);
    while (json_array_next(&v->r) && take_fields(v, &f)) {
        bool usable = slice_eq(f.state, SLICE("active")) || slice_eq(f.state, SLICE("ending"));
        *(slice_eq(f.kind, SLICE("server")) ? server_usable : client_usable) |= usable;
        format_time(f.created_at, created);
        format_time(f.revoked_at ? f.revoked_at : f.valid_until, until);
        fprintf(v->out, "%-13.*s %-7.*s %-8.*s %-21s %s\n", SLICE_ARG(f.id), SLICE_ARG(f.kind), SLICE_ARG(f.state),
                created, until);
    }
    return json_ok(&v->r);
}

static void print_rotate_hint(const struct view *v, struct slice id, const char *kind)
{
    fprintf(v->out, "\nNo %s key is usable. Next: " CLI_NAME " project rotate %.*s --which %s\n", kind, SLICE_ARG(id),
            kind);
}

static bool print_project(struct view *v)
{
    struct fields f;
    char created[32], archived[32], space[24];
    bool server = false, client = false;
    if (!take_fields(v, &f)) return false;
    format_time(f.created_at, created);
    format_time(f.archived_at, archived);
    snprintf(space, sizeof space, "%lld", (long long)f.space);
    fprintf(v->out, "Project \"%.*s\"\n\n", SLICE_ARG(f.name));
    print_label(v, "id", f.id);
    print_label(v, "space", slice_from_cstr(space));
    print_label(v, "created", slice_from_cstr(created));
    if (f.archived_at) print_label(v, "archived", slice_from_cstr(archived));
    if (f.origins.len > 2) print_label(v, "origins", f.origins);
    if (!print_keys(v, f.keys, &server, &client)) return false;
    if (!server && !f.archived_at) print_rotate_hint(v, f.id, "server");
    if (!client && !f.archived_at) print_rotate_hint(v, f.id, "client");
    return true;
}

static bool print_result(struct view *v, const struct project_request *request)
{
    switch (request->command) {
    case PROJECT_CREATE: return print_created(v);
    case PROJECT_LIST: return print_list(v);
    case PROJECT_SHOW: return print_project(v);
    case PROJECT_ROTATE: return print_rotated(v, request);
    case PROJECT_REVOKE:
        fprintf(v->out, "The key %.*s is revoked: requests with it are refused from now on.\n",
                SLICE_ARG(request->key_id));
        return true;
    case PROJECT_ARCHIVE:
        fprintf(v->out, "The project %.*s is archived: its keys and tokens are refused from now on.\n",
                SLICE_ARG(request->id));
        return true;
    case PROJECT_COMMAND_COUNT: break;
    }
    return false;
}

bool project_view_print(const struct project_request *request, struct slice result, FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    int fd = fileno(out);
    bool color = fd >= 0 && isatty(fd) && !(no_color && no_color[0]);
    struct view v = { .out = out, .bold = "", .faint = "", .plain = "" };
    if (color) v.bold = "\x1b[1m", v.faint = "\x1b[2m", v.plain = "\x1b[0m";
    arena_init(&v.arena, ARENA_BYTES_MAX);
    json_reader_init(&v.r, result, JSON_DEPTH_DEFAULT);
    bool good = print_result(&v, request);
    arena_deinit(&v.arena);
    return good;
}

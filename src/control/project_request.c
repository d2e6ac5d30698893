#include "control/project_request.h"

#include <stdio.h>

#include "base/check.h"
#include "control/project_service.h"
#include "json/json_reader.h"
#include "json/json_writer.h"

/* A request is flat. */
#define DEPTH_MAX 4

enum field { FIELD_COMMAND, FIELD_NAME, FIELD_ID, FIELD_KEY_ID, FIELD_WHICH, FIELD_GRACE, FIELD_COUNT };
#define BIT(field) (1u << (field))

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_COMMAND] = "command", [FIELD_NAME] = "name",   [FIELD_ID] = "id",
    [FIELD_KEY_ID] = "key_id",   [FIELD_WHICH] = "which", [FIELD_GRACE] = "grace_seconds",
};

static const struct {
    const char *name;
    unsigned required, optional;
} commands[PROJECT_COMMAND_COUNT] = {
    [PROJECT_CREATE] = { "create", BIT(FIELD_NAME), 0 },
    [PROJECT_LIST] = { "list", 0, 0 },
    [PROJECT_SHOW] = { "show", BIT(FIELD_ID), 0 },
    [PROJECT_ROTATE] = { "rotate", BIT(FIELD_ID) | BIT(FIELD_WHICH), BIT(FIELD_GRACE) },
    [PROJECT_REVOKE] = { "revoke", BIT(FIELD_ID) | BIT(FIELD_KEY_ID), 0 },
    [PROJECT_ARCHIVE] = { "archive", BIT(FIELD_ID), 0 },
};

const char *project_command_name(enum project_command command)
{
    return commands[command].name;
}

static void write_field(struct json_writer *w, enum field field, struct slice value)
{
    json_write_name(w, slice_from_cstr(field_names[field]));
    json_write_string(w, value);
}

void project_request_write(const struct project_request *request, struct buf *out)
{
    struct json_writer w = json_writer_to(out);
    unsigned fields = commands[request->command].required;
    json_write_object_begin(&w);
    write_field(&w, FIELD_COMMAND, slice_from_cstr(commands[request->command].name));
    if (fields & BIT(FIELD_NAME)) write_field(&w, FIELD_NAME, request->name);
    if (fields & BIT(FIELD_ID)) write_field(&w, FIELD_ID, request->id);
    if (fields & BIT(FIELD_KEY_ID)) write_field(&w, FIELD_KEY_ID, request->key_id);
    if (fields & BIT(FIELD_WHICH)) {
        write_field(&w, FIELD_WHICH, slice_from_cstr(store_key_kind_name(request->which)));
        json_write_name(&w, slice_from_cstr(field_names[FIELD_GRACE]));
        json_write_u64(&w, request->grace_s);
    }
    json_write_object_end(&w);
}

struct parse {
    struct json_reader r;
    struct arena *arena;
    struct project_error *error;
    struct project_request out;
    unsigned seen;
};

static bool field_of(struct json_string key, enum field *out)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (!json_string_eq(key, slice_from_cstr(field_names[i]))) continue;
        *out = (enum field)i;
        return true;
    }
    return false;
}

static bool take_string(struct parse *p, enum field field, struct slice *out)
{
    struct json_string s;
    if (json_peek(&p->r) != JSON_STRING)
        return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"%s\" is not a string",
                              field_names[field]);
    if (!json_string(&p->r, &s)) return false;
    if (json_string_decode(s, p->arena, out) == STATUS_OK) return true;
    return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"%s\" is too long", field_names[field]);
}

static bool take_command(struct parse *p)
{
    struct slice name;
    char quoted[PROJECT_QUOTED_MAX];
    if (!take_string(p, FIELD_COMMAND, &name)) return false;
    for (int i = 0; i < PROJECT_COMMAND_COUNT; i++) {
        if (!slice_eq(name, slice_from_cstr(commands[i].name))) continue;
        p->out.command = (enum project_command)i;
        return true;
    }
    return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST,
                          "the command %s is unknown: create, list, show, rotate, revoke and archive are allowed",
                          project_quoted(name, quoted));
}

static bool take_which(struct parse *p)
{
    struct slice name;
    char quoted[PROJECT_QUOTED_MAX];
    if (!take_string(p, FIELD_WHICH, &name)) return false;
    p->out.which = slice_eq(name, SLICE("server")) ? STORE_KEY_SERVER : STORE_KEY_CLIENT;
    if (slice_eq(name, slice_from_cstr(store_key_kind_name(p->out.which)))) return true;
    return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "which is %s: \"server\" and \"client\" are allowed",
                          project_quoted(name, quoted));
}

static bool take_grace(struct parse *p)
{
    struct slice number = { 0 };
    char quoted[PROJECT_QUOTED_MAX];
    if (json_raw(&p->r, &number) && slice_to_u64(number, &p->out.grace_s)) return true;
    if (!json_ok(&p->r)) return false;
    return project_refuse(p->error, PROJECT_ERROR_INVALID_GRACE,
                          "grace_seconds is %s: an integer from 0 to %d is allowed", project_quoted(number, quoted),
                          PROJECT_GRACE_MAX_S);
}

static bool take_field(struct parse *p, enum field field)
{
    if (p->seen & BIT(field))
        return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"%s\" is given twice",
                              field_names[field]);
    p->seen |= BIT(field);
    switch (field) {
    case FIELD_COMMAND: return take_command(p);
    case FIELD_NAME: return take_string(p, field, &p->out.name);
    case FIELD_ID: return take_string(p, field, &p->out.id);
    case FIELD_KEY_ID: return take_string(p, field, &p->out.key_id);
    case FIELD_WHICH: return take_which(p);
    case FIELD_GRACE: return take_grace(p);
    case FIELD_COUNT: break;
    }
    CHECK(false);
}

/* The members fit the command: none is missing, none is foreign to it. */
static bool fields_fit(const struct parse *p)
{
    if (!(p->seen & BIT(FIELD_COMMAND)))
        return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"command\" is missing");
    const char *name = commands[p->out.command].name;
    unsigned required = commands[p->out.command].required;
    unsigned allowed = required | commands[p->out.command].optional | BIT(FIELD_COMMAND);
    for (int i = 0; i < FIELD_COUNT; i++) {
        if ((required & BIT(i)) && !(p->seen & BIT(i)))
            return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"%s\" is missing: \"%s\" needs it",
                                  field_names[i], name);
        if ((p->seen & BIT(i)) && !(allowed & BIT(i)))
            return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member \"%s\" is not allowed with \"%s\"",
                                  field_names[i], name);
    }
    return true;
}

/* False with p->error filled, or with the reader's own failure. */
static bool take_members(struct parse *p)
{
    struct json_string key;
    enum field field;
    char quoted[PROJECT_QUOTED_MAX];
    if (!json_object_begin(&p->r)) return false;
    while (json_object_next(&p->r, &key)) {
        if (!field_of(key, &field))
            return project_refuse(p->error, PROJECT_ERROR_BAD_REQUEST, "the member %s is unknown",
                                  project_quoted(key.raw, quoted));
        if (!take_field(p, field)) return false;
    }
    return json_ok(&p->r);
}

bool project_request_read(struct slice line, struct arena *arena, struct project_request *out,
                          struct project_error *error)
{
    struct parse p = { .arena = arena, .error = error, .out = { .grace_s = PROJECT_GRACE_DEFAULT_S } };
    json_reader_init(&p.r, line, DEPTH_MAX);
    bool good = take_members(&p);
    if (!json_ok(&p.r))
        return project_refuse(error, PROJECT_ERROR_BAD_REQUEST, "the request is not a JSON object: %s at byte %zu",
                              p.r.error.text, p.r.error.position);
    if (!good) return false;
    if (!json_at_end(&p.r))
        return project_refuse(error, PROJECT_ERROR_BAD_REQUEST, "the request is not one JSON object: more follows it");
    if (!fields_fit(&p)) return false;
    *out = p.out;
    return true;
}

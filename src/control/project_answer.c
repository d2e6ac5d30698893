#include "control/project_answer.h"

#include "json/json_reader.h"
#include "json/json_writer.h"

void project_answer_write(struct buf *out, struct slice result)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("ok"));
    json_write_bool(&w, true);
    json_write_name(&w, SLICE("result"));
    json_write_raw(&w, result);
    json_write_object_end(&w);
}

static void write_text(struct json_writer *w, const char *name, const char *text)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_string(w, slice_from_cstr(text));
}

static void write_number(struct json_writer *w, const char *name, int64_t number)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_i64(w, number);
}

void project_answer_write_error(struct buf *out, const struct project_error *error, struct slice result)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("ok"));
    json_write_bool(&w, false);
    json_write_name(&w, SLICE("error"));
    json_write_object_begin(&w);
    write_text(&w, "code", project_error_name(error->code));
    write_text(&w, "message", error->text);
    json_write_object_end(&w);
    if (result.len) {
        json_write_name(&w, SLICE("result"));
        json_write_raw(&w, result);
    }
    json_write_object_end(&w);
}

void project_answer_write_keys(struct buf *out, const struct project_new_keys *keys)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    write_text(&w, "id", keys->id);
    write_text(&w, "name", keys->name);
    if (keys->server.text[0]) {
        write_text(&w, "server_api_key", keys->server.text);
        write_text(&w, "server_key_id", keys->server.id);
    }
    if (keys->client.text[0]) {
        write_text(&w, "client_api_key", keys->client.text);
        write_text(&w, "client_key_id", keys->client.id);
    }
    json_write_object_end(&w);
}

const char *project_answer_key_state(const struct store_key *key, int64_t now_s)
{
    if (key->revoked_at_s != 0) return "revoked";
    if (key->valid_until_s == 0) return "active";
    return key->valid_until_s > now_s ? "ending" : "expired";
}

static void write_key(struct json_writer *w, const struct store_key *key, int64_t now_s)
{
    json_write_object_begin(w);
    write_text(w, "key_id", key->id);
    write_text(w, "kind", store_key_kind_name(key->kind));
    write_text(w, "state", project_answer_key_state(key, now_s));
    write_number(w, "created_at", key->created_at_s);
    write_number(w, "valid_until", key->valid_until_s);
    write_number(w, "revoked_at", key->revoked_at_s);
    json_write_object_end(w);
}

void project_answer_write_project(struct buf *out, const struct store_project *project, const struct store_key *keys,
                                  size_t key_count, int64_t now_s)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    write_text(&w, "id", project->id);
    write_text(&w, "name", project->name);
    write_number(&w, "space", project->space);
    write_number(&w, "created_at", project->created_at_s);
    write_number(&w, "archived_at", project->archived_at_s);
    json_write_name(&w, SLICE("allowed_origins"));
    json_write_raw(&w, slice_from_cstr(project->allowed_origins_json));
    if (keys) {
        json_write_name(&w, SLICE("keys"));
        json_write_array_begin(&w);
        for (size_t i = 0; i < key_count; i++) write_key(&w, &keys[i], now_s);
        json_write_array_end(&w);
    }
    json_write_object_end(&w);
}

static bool read_text(struct json_reader *r, struct arena *arena, struct slice *out)
{
    struct json_string s;
    return json_string(r, &s) && json_string_decode(s, arena, out) == STATUS_OK;
}

static void read_error(struct json_reader *r, struct arena *arena, struct project_answer *out)
{
    struct json_string key;
    if (!json_object_begin(r)) return;
    while (json_object_next(r, &key)) {
        if (json_string_eq(key, SLICE("code")))
            read_text(r, arena, &out->error_code);
        else if (json_string_eq(key, SLICE("message")))
            read_text(r, arena, &out->message);
        else
            json_skip(r);
    }
}

bool project_answer_read(struct slice line, struct arena *arena, struct project_answer *out)
{
    struct json_reader r;
    struct json_string key;
    struct project_answer answer = { 0 };
    json_reader_init(&r, line, JSON_DEPTH_DEFAULT);
    if (json_object_begin(&r)) {
        while (json_object_next(&r, &key)) {
            if (json_string_eq(key, SLICE("ok")))
                json_bool(&r, &answer.ok);
            else if (json_string_eq(key, SLICE("result")))
                json_raw(&r, &answer.result);
            else if (json_string_eq(key, SLICE("error")))
                read_error(&r, arena, &answer);
            else
                json_skip(&r);
        }
    }
    if (!json_ok(&r) || !json_at_end(&r)) return false;
    if (!answer.ok && answer.message.len == 0) return false;
    *out = answer;
    return true;
}

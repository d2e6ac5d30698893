#include "control/project_run.h"

#include "base/mem.h"
#include "control/project_answer.h"
#include "control/project_request.h"
#include "crypto/crypto_secret.h"
#include "json/json_writer.h"

static bool run_list(const struct project_service *service, struct buf *result, struct project_error *error)
{
    struct store_project *projects;
    size_t count;
    if (!project_service_list(service, &projects, &count, error)) return false;
    buf_append(result, SLICE("{\"projects\":["));
    for (size_t i = 0; i < count; i++) {
        if (i) buf_append_char(result, ',');
        project_answer_write_project(result, &projects[i], NULL, 0, service->now_s);
    }
    buf_append(result, SLICE("]}"));
    store_project_list_free(projects, count);
    return true;
}

static bool run_show(const struct project_service *service, struct slice id, struct buf *result,
                     struct project_error *error)
{
    struct store_project project;
    struct store_key *keys = NULL;
    size_t count = 0;
    if (!project_service_find(service, id, &project, error)) return false;
    bool good = project_service_keys(service, id, &keys, &count, error);
    struct store_key none = { 0 };
    if (good) project_answer_write_project(result, &project, keys ? keys : &none, count, service->now_s);
    mem_free(keys);
    store_project_deinit(&project);
    return good;
}

static bool run_keys(const struct project_service *service, const struct project_request *request, struct buf *result,
                     struct project_error *error)
{
    struct project_new_keys keys = { 0 };
    bool good = request->command == PROJECT_CREATE
                    ? project_service_create(service, request->name, &keys, error)
                    : project_service_rotate(service, request->id, request->which, request->grace_s, &keys, error);
    if (good) project_answer_write_keys(result, &keys);
    crypto_wipe(&keys, sizeof keys);
    return good;
}

/* The result must not read the database: the change is made, and cannot fail any more. */
static bool run_revoke(const struct project_service *service, const struct project_request *request, struct buf *result,
                       struct project_error *error)
{
    if (!project_service_revoke(service, request->id, request->key_id, error)) return false;
    struct json_writer w = json_writer_to(result);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("id"));
    json_write_string(&w, request->id);
    json_write_name(&w, SLICE("revoked_key_id"));
    json_write_string(&w, request->key_id);
    json_write_object_end(&w);
    return true;
}

static bool run_archive(const struct project_service *service, const struct project_request *request,
                        struct buf *result, struct project_error *error)
{
    if (!project_service_archive(service, request->id, error)) return false;
    struct json_writer w = json_writer_to(result);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("id"));
    json_write_string(&w, request->id);
    json_write_name(&w, SLICE("archived"));
    json_write_bool(&w, true);
    json_write_object_end(&w);
    return true;
}

static bool dispatch(const struct project_service *service, const struct project_request *request, struct buf *result,
                     struct project_error *error)
{
    switch (request->command) {
    case PROJECT_LIST: return run_list(service, result, error);
    case PROJECT_SHOW: return run_show(service, request->id, result, error);
    case PROJECT_CREATE:
    case PROJECT_ROTATE: return run_keys(service, request, result, error);
    case PROJECT_REVOKE: return run_revoke(service, request, result, error);
    case PROJECT_ARCHIVE: return run_archive(service, request, result, error);
    case PROJECT_COMMAND_COUNT: break;
    }
    return project_refuse(error, PROJECT_ERROR_BAD_REQUEST, "the command is unknown");
}

bool project_run(const struct project_service *service, struct slice line, struct buf *result, bool *changed,
                 struct project_error *error)
{
    struct arena arena;
    struct project_request request;
    arena_init(&arena, 2 * PROJECT_REQUEST_BYTES_MAX);
    bool good = project_request_read(line, &arena, &request, error) && dispatch(service, &request, result, error);
    arena_deinit(&arena);
    if (!good) return false;
    if (!buf_ok(result))
        return project_refuse(error, PROJECT_ERROR_STORAGE_FAILED, "the result is too large: %s",
                              status_text(result->failed));
    *changed = request.command != PROJECT_LIST && request.command != PROJECT_SHOW;
    return true;
}

void project_result_wipe(struct buf *b)
{
    if (b->cap) crypto_wipe(b->ptr, b->cap);
    buf_deinit(b);
}

#include "control/control_policy.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config_namespaces.h"
#include "json/json_reader.h"
#include "store/store_key.h"
#include "store/store_project.h"

_Static_assert(POLICY_PROJECT_ID_MAX >= STORE_PROJECT_ID_MAX, "a project's id fits");
_Static_assert(POLICY_KEY_ID_MAX >= STORE_KEY_ID_MAX, "a key's id fits");
_Static_assert(sizeof((struct policy_key *)0)->channel_prefix >= STORE_KEY_PREFIX_MAX, "a key's prefix fits");
_Static_assert((int)POLICY_KEY_PUBLISH == STORE_KEY_PUBLISH && (int)POLICY_KEY_TOKENS == STORE_KEY_TOKENS &&
                   (int)POLICY_KEY_READ == STORE_KEY_READ,
               "scopes are the same bits");
_Static_assert(POLICY_KEY_HASH_LEN == STORE_KEY_HASH_LEN, "a key's hash fits");

static char *decoded_copy(struct json_string s)
{
    char *out = mem_must_alloc(s.raw.len + 1);
    out[json_string_decode_to(s, out)] = '\0';
    return out;
}

static void string_list_clear(struct policy_string_list *list)
{
    for (size_t i = 0; i < list->count; i++) mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct policy_string_list){ 0 };
}

static bool read_origins(struct slice json, struct policy_string_list *out)
{
    struct json_reader r;
    struct json_string s;
    struct policy_string_list list = { 0 };
    json_reader_init(&r, json, JSON_DEPTH_DEFAULT);
    if (json_array_begin(&r)) {
        while (json_array_next(&r) && json_string(&r, &s)) {
            char **moved = mem_realloc(list.items, (list.count + 1) * sizeof *moved);
            CHECK(moved);
            list.items = moved;
            list.items[list.count++] = decoded_copy(s);
        }
    }
    if (!json_ok(&r) || !json_at_end(&r)) {
        string_list_clear(&list);
        return false;
    }
    *out = list;
    return true;
}

/* They were checked when they were set, but perhaps by another version of the program. Without
 * them the project's channels might be open to more people: it is out of use instead. */
static bool read_namespaces(const struct store_project *row, const struct policy_deployment *deployment,
                            struct policy_namespaces *out)
{
    struct config_report report;
    const struct slice json = slice_from_cstr(row->namespaces_json);
    if (slice_eq(json, SLICE("[]"))) return true;
    config_report_init(&report);
    const bool good = config_namespaces_read(json, deployment, out, &report);
    if (!good)
        LOG_ERROR("a project is out of use: its namespaces cannot be read", LOG_CSTR("project", row->id),
                  LOG_CSTR("why", report.count ? report.items[0].sentence : ""));
    config_report_deinit(&report);
    return good;
}

static enum status fill_projects(const struct store_project *rows, size_t count,
                                 const struct policy_deployment *deployment, struct policy_project *out)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out[i].id, rows[i].id, sizeof rows[i].id);
        out[i].space = rows[i].space;
        out[i].archived = rows[i].archived_at_s != 0;
        if (!read_origins(slice_from_cstr(rows[i].allowed_origins_json), &out[i].allowed_origins))
            return STATUS_MALFORMED;
        if (!read_namespaces(&rows[i], deployment, &out[i].namespaces)) out[i].archived = true;
    }
    return STATUS_OK;
}

struct project_place {
    const char *id;
    uint32_t index;
};

static int compare_places(const void *a, const void *b)
{
    return strcmp(((const struct project_place *)a)->id, ((const struct project_place *)b)->id);
}

static struct project_place *sorted_places(const struct store_project *rows, size_t count)
{
    struct project_place *places = mem_must_alloc((count + 1) * sizeof *places);
    for (size_t i = 0; i < count; i++) places[i] = (struct project_place){ rows[i].id, (uint32_t)i };
    qsort(places, count, sizeof *places, compare_places);
    return places;
}

static void fill_keys(const struct store_key *rows, size_t count, const struct project_place *places,
                      size_t place_count, struct policy_key *out)
{
    for (size_t i = 0; i < count; i++) {
        struct project_place wanted = { .id = rows[i].project };
        const struct project_place *place = bsearch(&wanted, places, place_count, sizeof *places, compare_places);
        CHECK(place); /* the foreign key and one transaction for both lists */
        memcpy(out[i].hash, rows[i].hash, sizeof out[i].hash);
        memcpy(out[i].id, rows[i].id, sizeof rows[i].id);
        out[i].kind = rows[i].kind == STORE_KEY_SERVER ? POLICY_KEY_SERVER : POLICY_KEY_CLIENT;
        out[i].project = place->index;
        out[i].valid_until_s = rows[i].valid_until_s;
        out[i].revoked = rows[i].revoked_at_s != 0;
        out[i].scopes = (uint8_t)rows[i].scopes;
        memcpy(out[i].channel_prefix, rows[i].channel_prefix, sizeof rows[i].channel_prefix);
    }
}

static enum status join(const struct store_project *projects, size_t project_count, const struct store_key *keys,
                        size_t key_count, uint64_t version, struct policy_deployment *deployment, struct policy **out)
{
    struct policy_project *to_projects = mem_must_alloc_zero((project_count + 1) * sizeof *to_projects);
    enum status status = fill_projects(projects, project_count, deployment, to_projects);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < project_count; i++) {
            string_list_clear(&to_projects[i].allowed_origins);
            policy_namespaces_free(&to_projects[i].namespaces);
        }
        mem_free(to_projects);
        return status;
    }
    struct policy_key *to_keys = mem_must_alloc_zero((key_count + 1) * sizeof *to_keys);
    struct project_place *places = sorted_places(projects, project_count);
    fill_keys(keys, key_count, places, project_count, to_keys);
    mem_free(places);
    *out = policy_new(version, policy_deployment_ref(deployment), to_projects, project_count, to_keys, key_count);
    return STATUS_OK;
}

enum status control_policy_make(struct store *store, uint64_t version, struct policy_deployment *deployment,
                                struct policy **out)
{
    struct store_project *projects = NULL;
    struct store_key *keys = NULL;
    size_t project_count = 0, key_count = 0;
    enum status status = store_begin(store); /* both lists from one moment */
    if (status != STATUS_OK) return status;
    status = store_project_list(store, &projects, &project_count);
    if (status == STATUS_OK) status = store_key_list(store, (struct slice){ 0 }, &keys, &key_count);
    store_rollback(store);
    if (status == STATUS_OK) status = join(projects, project_count, keys, key_count, version, deployment, out);
    store_project_list_free(projects, project_count);
    mem_free(keys);
    return status;
}

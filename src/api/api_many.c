#include "api/api_many.h"

#include "api/api_answer.h"

/* Commands begun in one turn of the loop, unless so much has been written before. A
 * broadcast or a history takes turns of its own beyond its first slice. */
#define SLICE_COUNT      16u
#define SLICE_BYTES      ((size_t)64 << 10)
#define COMMANDS_AT_ONCE 16u

struct api_many {
    const struct api_many_form *form;
    struct api_commands list;
    uint32_t next; /* index of the command to begin */
    bool is_running;
    bool spoiled; /* an answer has no place in JSON: there is none for the whole */
    unsigned metric;
    uint64_t started_ns; /* of the whole */
};

enum status api_commands_add(struct api_call *call, struct api_commands *list, const struct api_command *command)
{
    if (list->count == API_COMMANDS_MAX) return STATUS_TOO_LARGE;
    /* full at each power of two from COMMANDS_AT_ONCE on */
    bool is_full = list->count == 0 || (list->count >= COMMANDS_AT_ONCE && (list->count & (list->count - 1)) == 0);
    if (is_full) {
        size_t cap = list->count ? (size_t)list->count * 2 : COMMANDS_AT_ONCE;
        struct api_command *items = arena_alloc(&call->arena, cap * sizeof *items);
        if (!items) return STATUS_NO_MEMORY;
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = *command;
    return STATUS_OK;
}

enum api_outcome api_many_refuse(struct api_call *call, enum status status)
{
    switch (status) {
    case STATUS_NO_MEMORY: return api_error(call, API_ERROR_INTERNAL);
    case STATUS_TOO_LARGE: return api_error_with(call, 413, API_ERROR_BAD_REQUEST, SLICE("too many commands"));
    default: return api_plain(call, 400, SLICE("Bad Request"));
    }
}

enum api_outcome api_many_start(struct api_call *call, const struct api_many_form *form,
                                const struct api_commands *list)
{
    struct api_many *m = arena_alloc(&call->arena, sizeof *m);
    if (!m) return api_error(call, API_ERROR_INTERNAL);
    *m = (struct api_many){
        .form = form, .list = *list, .metric = call->metric_method_, .started_ns = call->started_ns_
    };
    call->many_ = m;
    call->errors_as_status_ = false; /* one status cannot tell of many errors (row API-07) */
    call->place_.among_others = true;
    buf_clear(&call->body);
    buf_append(&call->body, form->open);
    return api_many_next(call);
}

static enum api_outcome begin_command(struct api_call *call, const struct api_command *command)
{
    struct api_many *m = call->many_;
    if (m->next++ > 0) buf_append(&call->body, m->form->between);
    call->place_.start = call->body.len;
    call->place_.id = command->id;
    call->place_.result_name = m->form->result_name.len > 0 ? m->form->result_name
                               : command->method            ? command->method->name
                                                            : SLICE("");
    m->is_running = true;
    api_command_begin(call, command->method ? command->method->metric : METRIC_API_METHOD_OTHER);
    return command->refusal ? api_error(call, command->refusal) : command->method->run(call, command->request);
}

static void end_command(struct api_call *call)
{
    struct api_many *m = call->many_;
    m->is_running = false;
    api_command_end(call);
    if (slice_eq(call->content_type, API_JSON)) return;
    m->spoiled = true;
    call->body.len = call->place_.start;
}

static enum api_outcome finish(struct api_call *call)
{
    struct api_many *m = call->many_;
    call->metric_method_ = m->metric;
    call->started_ns_ = m->started_ns;
    call->many_ = NULL;
    call->place_ = (struct api_place){ 0 };
    if (m->spoiled) return api_plain(call, 500, SLICE("Internal Server Error"));
    buf_append(&call->body, m->form->close);
    return api_json_end(call);
}

enum api_outcome api_many_next(struct api_call *call)
{
    struct api_many *m = call->many_;
    if (m->is_running) end_command(call);
    size_t before = call->body.len;
    for (uint32_t i = 0; m->next < m->list.count; i++) {
        if (i == SLICE_COUNT || call->body.len - before > SLICE_BYTES) return api_again(call, api_many_next);
        enum api_outcome outcome = begin_command(call, &m->list.items[m->next]);
        if (outcome != API_ANSWERED) return outcome;
        end_command(call);
    }
    return finish(call);
}

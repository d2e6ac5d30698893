#include "api/api.h"

#include "api/api_answer.h"
#include "api/api_family.h"
#include "api/api_many.h"

/* Room for a body, its decoded parts and a list of channels. */
#define ARENA_BYTES_MAX ((size_t)256 << 20)
/* The largest answer: a long history of large publications. */
#define ANSWER_BYTES_MAX ((size_t)256 << 20)
/* A call that waits for its next request keeps no more than this. */
#define BODY_KEEP_MAX ((size_t)16 << 10)
/* A broadcast to a hundred thousand channels fits. */
#define ENGINE_BODY_MAX ((size_t)16 << 20)
/* A publication of half an output queue fits, also as base64 or with escapes. */
#define PROJECT_BODY_MAX ((size_t)4 << 20)

size_t api_body_max(enum api_family family)
{
    return family == API_ENGINE ? ENGINE_BODY_MAX : PROJECT_BODY_MAX;
}

void api_call_init(struct api_call *call, struct engine *engine)
{
    *call = (struct api_call){ .engine = engine };
    arena_init(&call->arena, ARENA_BYTES_MAX);
    buf_init(&call->body, ANSWER_BYTES_MAX);
}

/* The commands of a batch too. */
static void forget_all(struct api_call *call)
{
    api_forget(call);
    call->many_ = NULL;
    call->place_ = (struct api_place){ 0 };
}

void api_call_deinit(struct api_call *call)
{
    forget_all(call);
    arena_deinit(&call->arena);
    buf_deinit(&call->body);
}

void api_call_reset(struct api_call *call)
{
    forget_all(call);
    arena_reset(&call->arena);
    if (call->body.cap > BODY_KEEP_MAX) buf_deinit(&call->body);
    buf_clear(&call->body);
    call->status = 0;
    call->content_type = (struct slice){ 0 };
    call->header_count = 0;
    call->admission_ = (struct api_admission){ 0 };
    call->errors_as_status_ = false;
    call->command_ = (struct slice){ 0 };
    call->key_id_[0] = '\0';
    call->granted_ = false;
    call->space_ = 0;
}

/* To the people of the project, and their numbers. */
static void tell(struct api_call *call)
{
    struct event ev;
    const struct slice body = buf_slice(&call->body);
    const bool refused = call->status >= 400 || slice_starts_with(body, SLICE("{\"error\":"));
    if (refused) space_counts_of(&call->engine->spaces, call->space_)->errors++;
    if (!event_begin(&ev, call->engine, call->space_, refused ? "api_refused" : "api_call")) return;
    event_text(&ev, "api", call->family_ == API_ENGINE ? SLICE("engine") : SLICE("project"));
    event_text(&ev, "method", call->command_);
    event_text(&ev, "by", call->granted_ ? SLICE("console") : SLICE("key"));
    if (call->key_id_[0]) event_text(&ev, "key_id", slice_from_cstr(call->key_id_));
    event_number(&ev, "status", (uint64_t)call->status);
    if (refused && body.len > 0 && body.len <= EVENT_DATA_MAX && body.ptr[0] == '{') {
        json_write_name(&ev.json, SLICE("answer"));
        json_write_raw(&ev.json, body);
    }
    event_send(&ev);
}

/* A command has come this far; in a batch the others follow. */
static enum api_outcome finish(struct api_call *call, enum api_outcome outcome)
{
    if (outcome == API_ANSWERED && call->many_) outcome = api_many_next(call);
    if (outcome == API_ANSWERED) {
        api_command_end(call);
        tell(call);
    }
    return outcome;
}

/* False: answered. */
static bool admit(struct api_call *call, const struct api_request *request)
{
    api_call_reset(call);
    api_command_begin(call, METRIC_API_METHOD_OTHER);
    call->handle = request->handle;
    call->family_ = request->family;
    call->granted_ = request->granted.ptr != NULL;
    call->admission_.policy_version = call->engine->policy->version;
    return request->family == API_ENGINE ? api_engine_admit(call, request) : api_project_admit(call, request);
}

/* A version is one immutable policy. A key whose time ends while the body comes was
 * good when the request began. */
static bool was_admitted(const struct api_call *call, const struct api_request *request)
{
    const struct api_admission *a = &call->admission_;
    return a->name.ptr && a->policy_version == call->engine->policy->version && call->family_ == request->family &&
           slice_eq(a->name, request->name) && call->handle.slot == request->handle.slot &&
           call->handle.generation == request->handle.generation && call->handle.worker == request->handle.worker;
}

bool api_refuse(struct api_call *call, const struct api_request *request)
{
    if (admit(call, request)) return false;
    (void)finish(call, API_ANSWERED);
    return true;
}

enum api_outcome api_start(struct api_call *call, const struct api_request *request)
{
    if (was_admitted(call, request))
        api_command_begin(call, call->metric_method_); /* the time that the body took is the peer's */
    else if (!admit(call, request))
        return finish(call, API_ANSWERED);
    call->admission_.name = (struct slice){ 0 }; /* good for one request */
    bool is_engine = request->family == API_ENGINE;
    return finish(call, is_engine ? api_engine_start(call, request->body) : api_project_start(call, request->body));
}

enum api_outcome api_completed(struct api_call *call, struct broker_completion *completion)
{
    enum api_outcome (*completed)(struct api_call *, struct broker_result *) = call->completed_;
    enum api_outcome outcome = API_PENDING;
    if (completed && call->operation_ == completion->ticket.operation) {
        call->completed_ = NULL;
        call->operation_ = 0;
        outcome = finish(call, completed(call, &completion->result));
    }
    broker_completion_free(completion);
    return outcome;
}

enum api_outcome api_effect_done(struct api_call *call, uint32_t operation, uint32_t affected)
{
    enum api_outcome (*effect_done)(struct api_call *, uint32_t) = call->effect_done_;
    if (!effect_done || call->operation_ != operation) return API_PENDING;
    call->effect_done_ = NULL;
    call->operation_ = 0;
    return finish(call, effect_done(call, affected));
}

enum api_outcome api_continue(struct api_call *call)
{
    enum api_outcome (*next)(struct api_call *) = call->continue_;
    if (!next) return API_PENDING;
    call->continue_ = NULL;
    return finish(call, next(call));
}

void api_timed_out(struct api_call *call)
{
    forget_all(call);
    (void)finish(call, call->family_ == API_ENGINE ? api_error(call, API_ERROR_INTERNAL) : api_project_timed_out(call));
}

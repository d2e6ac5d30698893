#include "engine/engine.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/client_parts.h"
#include "engine/console_space.h"
#include "engine/position_check.h"

/* What one message may make us hold while it is worked on: a hostile `subs` of a
 * token, decoded strings, 300 publications of a recovery. */
#define ARENA_BYTES_MAX ((size_t)4 << 20)
/* One reply: history of 300 publications with large payloads. */
#define SCRATCH_BYTES_MAX ((size_t)64 << 20)
/* Clients looked at in one turn after a change of policy. */
#define RESOLVE_PER_TURN 256

/* ---- verifiers ---- */

static bool regex_matches(const void *context, struct slice value)
{
    return policy_regex_match(context, value);
}

static bool regex_group(const void *context, struct slice value, struct slice name, struct slice *out)
{
    return policy_regex_group(context, value, name, out);
}

static enum auth_key_answer find_key(void *context, struct slice url, struct slice key_id, struct auth_jwk **out)
{
    const struct engine *e = context;
    return key_store_find(e->shared->keys, url, key_id, e->now_ms, e->keys_were_asked_for, out);
}

static struct auth_verifier *make_verifier(struct engine *e, const struct policy_deployment *d,
                                           const struct policy_token_options *o)
{
    struct auth_options options = {
        .hmac_key = slice_from_cstr(o->hmac_secret_key),
        .hmac_previous_key = slice_from_cstr(o->hmac_previous_secret_key),
        .hmac_previous_valid_until_s = o->hmac_previous_valid_until_s,
        .rsa_public_key = slice_from_cstr(o->rsa_public_key),
        .ecdsa_public_key = slice_from_cstr(o->ecdsa_public_key),
        .jwks_endpoint = slice_from_cstr(o->jwks_public_endpoint),
        .key_source = { find_key, e },
        .audience = slice_from_cstr(o->audience),
        .issuer = slice_from_cstr(o->issuer),
        .user_id_claim = slice_from_cstr(o->user_id_claim),
        .insecure_skip_signature = d->insecure_skip_signature,
    };
    if (o->audience_matcher)
        options.audience_matcher = (struct auth_matcher){ regex_matches, o->audience_matcher, regex_group };
    if (o->issuer_matcher)
        options.issuer_matcher = (struct auth_matcher){ regex_matches, o->issuer_matcher, regex_group };
    return auth_verifier_new(&options);
}

static enum status use_policy(struct engine *e, struct policy *policy)
{
    const struct policy_deployment *d = policy->deployment;
    if (!e->policy || e->policy->deployment != d) {
        struct auth_verifier *verifier = make_verifier(e, d, &d->token);
        struct auth_verifier *sub =
            d->subscription_token_enabled ? make_verifier(e, d, &d->subscription_token) : auth_verifier_ref(verifier);
        if (!verifier || !sub) {
            auth_verifier_unref(verifier);
            auth_verifier_unref(sub);
            return STATUS_NO_MEMORY;
        }
        auth_verifier_unref(e->verifier);
        auth_verifier_unref(e->subscription_verifier);
        e->verifier = verifier;
        e->subscription_verifier = sub;
    }
    policy_unref(e->policy);
    e->policy = policy;
    return STATUS_OK;
}

/* ---- life ---- */

enum status engine_init(struct engine *e, struct engine_shared *shared, uint32_t index,
                        const struct engine_worker *worker, struct policy *policy, struct mailbox_wakes *wakes)
{
    *e = (struct engine){
        .shared = shared, .worker = *worker, .index = index, .metrics = shared->metrics[index], .wakes = wakes
    };
    list_init(&e->tasks);
    list_init(&e->orphans);
    list_init(&e->position_questions);
    hub_init(&e->hub);
    sdk_names_init(&e->sdks);
    space_table_init(&e->spaces);
    arena_init(&e->arena, ARENA_BYTES_MAX);
    buf_init(&e->scratch, SCRATCH_BYTES_MAX);
    e->auth_scratch = auth_scratch_new();
    if (!e->auth_scratch) return STATUS_NO_MEMORY;
    if (shared->console_secret) {
        const struct auth_options options = { .hmac_key = slice_of(shared->console_secret, CONSOLE_SECRET_LEN) };
        e->console_verifier = auth_verifier_new(&options);
        if (!e->console_verifier) return STATUS_NO_MEMORY;
    }
    return use_policy(e, policy);
}

void engine_deinit(struct engine *e)
{
    LIST_EACH(node, next, &e->orphans)
    {
        operation_free(LIST_ENTRY(node, struct operation, in_client));
    }
    position_check_deinit(e);
    for (size_t i = 0; i < ARRAY_COUNT(e->pings); i++) blob_unref(e->pings[i]);
    auth_verifier_unref(e->verifier);
    auth_verifier_unref(e->subscription_verifier);
    auth_verifier_unref(e->console_verifier);
    auth_scratch_free(e->auth_scratch);
    policy_unref(e->policy);
    arena_deinit(&e->arena);
    buf_deinit(&e->scratch);
    hub_deinit(&e->hub);
    sdk_names_deinit(&e->sdks);
    space_table_deinit(&e->spaces);
}

/* ---- tasks ---- */

void engine_task_start(struct engine *e, struct engine_task *task)
{
    list_push_back(&e->tasks, &task->link_);
}

bool engine_turn(struct engine *e)
{
    LIST_EACH(node, next, &e->tasks)
    {
        struct engine_task *task = LIST_ENTRY(node, struct engine_task, link_);
        arena_reset(&e->arena);
        list_remove(node);
        if (task->step(e, task)) list_insert_before(next, node);
    }
    return !list_empty(&e->tasks);
}

/* ---- a new policy ---- */

struct resolve_task {
    struct engine_task task;
    struct countdown *done;
    uint32_t slot;
};

/* May this client stay? Its space's project must be there and not archived, and the
 * key that let it in must not be revoked. */
static void resolve_client(struct engine *e, struct client *c)
{
    const struct policy_project *project = policy_project_by_space(e->policy, c->space);
    if (c->space == POLICY_CONSOLE_SPACE) return; /* its token ends soon, and the next one is asked for */
    if (c->space != 0 && (!project || project->archived)) {
        client_disconnect(c, DISCONNECT_INVALID_TOKEN);
    } else if (c->extra && c->extra->has_client_key) {
        const struct policy_key *key = policy_key_by_hash(e->policy, c->extra->client_key);
        if (!key || key->revoked) client_disconnect(c, DISCONNECT_FORCE_NO_RECONNECT);
    }
}

static bool resolve_step(struct engine *e, struct engine_task *base)
{
    struct resolve_task *task = container_of(base, struct resolve_task, task);
    for (int i = 0; i < RESOLVE_PER_TURN; i++) {
        struct client *c = e->worker.client_next(e->worker.context, &task->slot);
        if (!c) {
            if (task->done) countdown_done(task->done, 0, e->now_ms);
            mem_free(task);
            return false;
        }
        if (c->state == CLIENT_CLOSING) continue;
        resolve_client(e, c);
        if (c->state == CLIENT_CLOSING) client_gone(c);
    }
    return true;
}

void engine_set_policy(struct engine *e, struct policy *policy, struct countdown *done)
{
    if (e->policy && policy->version <= e->policy->version) {
        policy_unref(policy);
        if (done) countdown_done(done, 0, e->now_ms);
        return;
    }
    if (use_policy(e, policy) != STATUS_OK) {
        LOG_ERROR("out of memory: the policy before stays in force", LOG_U64("version", policy->version));
        policy_unref(policy);
        return; /* not counted down: whoever waits sees a time-out, and says so */
    }
    struct resolve_task *task = mem_must_alloc_zero(sizeof *task);
    task->task.step = resolve_step;
    task->done = done;
    engine_task_start(e, &task->task);
}

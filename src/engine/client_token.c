#include "base/mem.h"
#include "engine/client_parts.h"

static void finish_keys(struct client *c, struct operation *op, struct broker_result *result)
{
    (void)op;
    (void)result;
    c->keys = CLIENT_KEYS_ASKED;
}

/* Park the client until the key set at url was fetched, or could not be. */
static enum status await_keys(struct client *c, struct slice url)
{
    struct engine *e = c->engine;
    struct operation *op = operation_new(c, (struct slice){ 0 }, finish_keys);
    if (!op) return STATUS_NO_MEMORY;
    enum status status = key_store_wait(e->shared->keys, url, client_handle(c), op->number, e->now_ms);
    if (status != STATUS_OK) {
        mem_free(op);
        return status;
    }
    op->parks = true;
    operation_settle(op, BROKER_PENDING, NULL);
    c->keys = CLIENT_KEYS_WAIT;
    return STATUS_OK;
}

enum auth_result client_verify(struct client *c, enum auth_kind kind, struct slice token, struct claims *claims,
                               const char **why)
{
    struct engine *e = c->engine;
    const struct auth_verifier *verifier = kind == AUTH_CONNECTION ? e->verifier : e->subscription_verifier;
    e->keys_were_asked_for = c->keys == CLIENT_KEYS_ASKED;
    enum auth_result result =
        auth_verify(verifier, e->auth_scratch, token, e->wall_ms / 1000, kind, &e->arena, claims, why);
    if (result != AUTH_PENDING) return result;
    switch (await_keys(c, auth_scratch_wanted(e->auth_scratch))) {
    case STATUS_OK: return AUTH_PENDING;
    case STATUS_OVERLOADED: *why = "too many tokens wait for key sets already"; return AUTH_ERROR;
    default: *why = "memory was out for the token's key set"; return AUTH_ERROR;
    }
}

void engine_deliver_keys(struct mail *mail, void *worker_context)
{
    struct engine *e = engine_of_worker(worker_context);
    struct key_wait *wait = container_of(mail, struct key_wait, mail);
    struct client *c = e->worker.client_of(e->worker.context, wait->client);
    struct broker_result nothing = { 0 };
    if (c) operation_answer(e, c, wait->operation, &nothing);
    mem_free(wait);
}

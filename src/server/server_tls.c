#include "server/server_tls.h"

#include <stdio.h>

#include "base/mem.h"
#include "platform/platform_clock.h"

static enum status make_one(const struct config_tls *tls, const char *block, struct net_tls_context **out,
                            char error[static SERVER_TLS_ERROR_MAX])
{
    char why[NET_TLS_ERROR_MAX];
    const struct net_tls_options options = { .cert_pem = slice_from_cstr(tls->cert_pem),
                                             .key_pem = slice_from_cstr(tls->key_pem),
                                             .client_ca_pem = slice_from_cstr(tls->client_ca_pem) };
    const enum status status = net_tls_context_new(&options, out, why);
    if (status != STATUS_OK) snprintf(error, SERVER_TLS_ERROR_MAX, "option \"%s\": %s", block, why);
    return status;
}

enum status server_tls_make(const struct config *c, struct net_tls_context *contexts[WORKER_LISTENER_COUNT],
                            char error[static SERVER_TLS_ERROR_MAX])
{
    struct net_tls_context *made[WORKER_LISTENER_COUNT] = { NULL };
    enum status status = STATUS_OK;
    if (c->tls.enabled) status = make_one(&c->tls, "http_server.tls", &made[WORKER_LISTENER_PUBLIC], error);
    if (status == STATUS_OK && c->internal_tls.enabled)
        status = make_one(&c->internal_tls, "http_server.internal_tls", &made[WORKER_LISTENER_INTERNAL], error);
    else if (status == STATUS_OK && !c->tls_external)
        made[WORKER_LISTENER_INTERNAL] = net_tls_context_ref(made[WORKER_LISTENER_PUBLIC]);
    if (status != STATUS_OK) {
        server_tls_free(made);
        return status;
    }
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) contexts[i] = made[i];
    return STATUS_OK;
}

void server_tls_free(struct net_tls_context *contexts[WORKER_LISTENER_COUNT])
{
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) {
        net_tls_context_unref(contexts[i]);
        contexts[i] = NULL;
    }
}

bool server_tls_same(struct net_tls_context *const a[WORKER_LISTENER_COUNT],
                     struct net_tls_context *const b[WORKER_LISTENER_COUNT])
{
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++)
        if (!a[i] != !b[i]) return false;
    return true;
}

struct tls_mail {
    struct mail mail;
    struct net_tls_context *contexts[WORKER_LISTENER_COUNT];
};

static void deliver(struct mail *mail, void *owner)
{
    struct tls_mail *m = container_of(mail, struct tls_mail, mail);
    struct worker *w = owner;
    worker_set_tls(w, m->contexts);
    server_tls_free(m->contexts);
    mem_free(m);
}

void server_tls_post(struct worker *w, struct net_tls_context *const contexts[WORKER_LISTENER_COUNT])
{
    struct tls_mail *m = mem_must_alloc_zero(sizeof *m);
    m->mail.deliver = deliver;
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) m->contexts[i] = net_tls_context_ref(contexts[i]);
    mailbox_post(&w->mailbox, MAILBOX_CONTROL, &m->mail, platform_clock_ms());
    mailbox_wake(&w->mailbox);
}

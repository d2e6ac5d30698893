#include "control/control_key_use.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/control_internal.h"

struct key_use_mail {
    struct mail mail;
    size_t count;
    struct control_key_use uses[];
};

static enum status write_all(struct store *store, const struct key_use_mail *m)
{
    enum status status = store_begin(store);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < m->count && status == STATUS_OK; i++) {
        status = store_key_set_last_used(store, slice_from_cstr(m->uses[i].id), m->uses[i].at_s);
        if (status == STATUS_NOT_FOUND) status = STATUS_OK; /* deleted with its project meanwhile */
    }
    if (status == STATUS_OK) return store_commit(store);
    store_rollback(store);
    return status;
}

static void on_uses(struct mail *mail, void *owner)
{
    struct control *c = owner;
    struct key_use_mail *m = container_of(mail, struct key_use_mail, mail);
    if (!c->thread_ended) {
        const enum status status = write_all(c->store, m);
        if (status != STATUS_OK)
            LOG_WARN("the last use of keys was not stored", LOG_CSTR("status", status_text(status)),
                     LOG_U64("keys", m->count));
    }
    mem_free(m);
}

void control_post_key_uses(struct control *c, const struct control_key_use *uses, size_t count)
{
    struct key_use_mail *m = mem_alloc(sizeof *m + count * sizeof m->uses[0]);
    if (!m) return;
    *m = (struct key_use_mail){ .mail.deliver = on_uses, .count = count };
    memcpy(m->uses, uses, count * sizeof m->uses[0]);
    mailbox_post(&c->mailbox, MAILBOX_CONTROL, &m->mail, control_now_ms());
    mailbox_wake(&c->mailbox);
}

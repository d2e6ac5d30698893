/* connect_plan: what a connect command asks for, understood before anything is
 * changed: who the client is, and which server-side subscriptions it gets. Private to
 * the engine. Slices borrow the message, the arena and the token. */
#ifndef XSHATHRA_ENGINE_CONNECT_PLAN_H
#define XSHATHRA_ENGINE_CONNECT_PLAN_H

#include "engine/client_parts.h"

/* Who the client turned out to be. */
struct identity {
    struct slice user;
    struct slice info; /* raw JSON */
    struct slice meta;
    int64_t expire_at_s; /* 0 = never */
    uint32_t space;
    const struct claims_sub *subs; /* of the token */
    size_t sub_count;
    bool may_ask; /* channels of the request are considered, and the personal one */
};

enum refusal_kind {
    REFUSE_NOT,
    REFUSE_ERROR,
    REFUSE_DISCONNECT,
    REFUSE_LATER, /* not known yet: the token's key set is being fetched */
};
struct refusal {
    enum refusal_kind kind;
    uint32_t code;
    const char *why; /* for the log */
};
#define NOT_REFUSED ((struct refusal){ 0 })

static inline struct refusal refuse_error(uint32_t code, const char *why)
{
    return (struct refusal){ REFUSE_ERROR, code, why };
}

static inline struct refusal refuse_close(uint32_t code, const char *why)
{
    return (struct refusal){ REFUSE_DISCONNECT, code, why };
}

struct wanted_sub {
    struct subscription_plan plan;
    struct slice data;
};

struct wanted_list {
    struct wanted_sub *items; /* in the arena */
    size_t count, cap;
};

/* connect_identity.c */
struct refusal connect_identify(struct client *c, const struct connect_request *r, struct identity *out);
/* connect_subs.c: the channels of the token, the personal one, and those the client asks for. */
struct refusal connect_collect_subs(struct client *c, const struct connect_request *r, const struct identity *who,
                                    struct wanted_list *list);

#endif

/* effects: what the server API does to connections, on whichever workers they are.
 *
 * engine_effect_start() looks up which workers have connections of the user and
 * posts the effect to each of them. When the last one has carried it out, mail comes
 * back to the asking worker, which calls engine_worker.effect_done(handle, operation).
 * So an answer given then is true for every request begun after it. */
#ifndef XSHATHRA_ENGINE_EFFECTS_H
#define XSHATHRA_ENGINE_EFFECTS_H

#include "auth/claims.h"
#include "engine/engine.h"

enum effect_kind { EFFECT_SUBSCRIBE, EFFECT_UNSUBSCRIBE, EFFECT_DISCONNECT, EFFECT_REFRESH };

/* Slices are borrowed during engine_effect_start(). */
struct effect_request {
    enum effect_kind kind;
    uint32_t space;
    struct slice user;
    struct slice client;  /* only this connection id; empty = all of the user */
    struct slice session; /* only this session; no transport of today has one: matches none when set */
    struct slice channel; /* subscribe, unsubscribe */
    /* subscribe */
    struct slice info, data; /* any bytes; clients of JSON cannot have what is not JSON */
    int64_t expire_at_s;     /* 0 = never; refresh: the new expiry */
    struct claims_override override;
    bool has_recover_since;
    struct broker_position recover_since;
    /* disconnect */
    uint32_t code;
    struct slice reason;
    const struct slice *whitelist; /* client ids to keep */
    size_t whitelist_count;
    uint64_t before; /* only connections with a lower connect_number; 0 = all */
    /* refresh */
    bool expired;
};

/* DONE: nobody is concerned, nothing to wait for. PENDING: effect_done comes.
 * *status is NO_MEMORY when it could not be started (then DONE). */
enum broker_answer engine_effect_start(struct engine *e, const struct effect_request *request, struct handle handle,
                                       uint32_t operation, enum status *status);

#endif

/* claims: what a token says, as a plain struct. Sources: RFC 7519 section 4, and
 * for everything beyond it the claims that Centrifugo v6 reads.
 *
 * Use: s = claims_parse(payload, &options, arena, &claims, &why);
 * Pure: no clock, no keys. Whether a claim is true is the verifier's question; here
 * its type is checked. The payload is hostile until its signature was checked. */
#ifndef XSHATHRA_AUTH_CLAIMS_H
#define XSHATHRA_AUTH_CLAIMS_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

/* Nesting of arrays and objects in a payload, `info` and `meta` included. */
#define CLAIMS_DEPTH_MAX 64
/* Entries in `channels`, `subs` or `aud`: bounds the work that one token can ask for. */
#define CLAIMS_ENTRIES_MAX 4096
/* Times are cut to this many seconds either side of 1970, the integers that a double
 * holds exactly: differences never overflow. */
#define CLAIMS_TIME_MAX ((int64_t)1 << 53)

/* Which claims count: a connection token has channels, subs and meta; a subscription
 * token has channel, client, data and override. A claim of the other kind may hold
 * anything, as in Centrifugo, but for `channel`, which the verifier refuses in a
 * connection token so that a subscription token never opens a connection. */
enum auth_kind { AUTH_CONNECTION, AUTH_SUBSCRIPTION };

/* {"value": bool}; a missing or null option leaves the namespace's value. */
enum claims_option { CLAIMS_UNSET, CLAIMS_FALSE, CLAIMS_TRUE };

struct claims_override {
    enum claims_option presence, join_leave, force_push_join_leave, force_positioning, force_recovery;
};

/* One server-side subscription, from `subs` or `channels`. */
struct claims_sub {
    struct slice channel;
    struct slice info, data; /* JSON text, or the bytes of b64info and b64data; empty = none */
    struct claims_override override;
};

/* A point in Unix time: whole seconds rounded down, and whether a fraction follows. */
struct claims_time {
    int64_t s;
    bool is_set, has_fraction;
};

struct claims {
    struct slice user; /* sub, or the claim named by user_id_claim; empty = anonymous */
    struct claims_time exp, nbf, iat;
    bool has_expire_at;
    int64_t expire_at_s; /* at most 0: the connection or subscription never expires */
    struct slice jti, iss;
    const struct slice *aud;
    size_t aud_count;
    struct slice info;   /* JSON text, or the bytes of b64info, which wins; empty = none */
    bool info_is_broken; /* b64info is not base64, and info is empty */
    bool has_project_id; /* the claim is a string, perhaps an empty one that names no project */
    struct slice project_id;
    struct slice channel; /* both kinds, see enum auth_kind */

    /* connection only */
    const struct claims_sub *subs; /* from `subs`, or if that is empty from `channels`; no channel twice */
    size_t sub_count;
    struct slice meta; /* JSON text; empty = none */

    /* subscription only */
    struct slice client;
    struct slice data; /* as info, from data and b64data */
    struct claims_override override;
};

struct claims_options {
    enum auth_kind kind;
    struct slice user_id_claim; /* empty = sub; otherwise matched letter for letter */
};

/* Read a payload. Member names are taken in any letter case, as in Centrifugo, but
 * for projectId and the user_id_claim; of a repeated member the last counts; `null`
 * means absent, also for the whole payload, but not for `aud`.
 * All of *out borrows the payload or the arena.
 * OK: *out is filled. Otherwise *why is a constant sentence, and
 * MALFORMED: not JSON, or a claim of the wrong type; TOO_LARGE: a limit above;
 * NO_MEMORY: the arena is full. */
MUST_CHECK enum status claims_parse(struct slice payload, const struct claims_options *options, struct arena *arena,
                                    struct claims *out, const char **why);

/* Has t come at the whole second now_s? False when t is not set. */
bool claims_time_reached(struct claims_time t, int64_t now_s);
/* When a good token's connection or subscription ends, in Unix seconds; 0 = never. */
int64_t claims_expire_at(const struct claims *claims);

#endif

/* rules: which channel a name means and whether somebody may use it: the chains of
 * rows CH-13 to CH-19, as pure functions over a policy. */
#ifndef XSHATHRA_ENGINE_RULES_H
#define XSHATHRA_ENGINE_RULES_H

#include "policy/policy.h"
#include "protocol/protocol_codes.h"

/* A channel name understood. */
struct rules_channel {
    const struct policy_channel_options *options; /* borrows the policy */
    struct slice rest;                            /* the part after the namespace */
    bool is_private;                              /* has the private prefix */
    bool is_user_limited;                         /* names users, and the namespace honours that */
};

/* Who asks. */
struct rules_identity {
    struct slice user; /* "" = anonymous */
    bool subscribed;   /* has a live subscription on the channel */
};

enum rules_operation { RULES_PUBLISH, RULES_HISTORY, RULES_PRESENCE, RULES_MAP_PUBLISH, RULES_MAP_REMOVE };

/* 0, CLIENT_ERROR_UNKNOWN_CHANNEL, or (checked for clients only) CLIENT_ERROR_BAD_REQUEST
 * for a name that is not ASCII or does not match the namespace's channel_regex. */
uint32_t rules_resolve(const struct policy *p, uint32_t space, struct slice channel, bool check_name,
                       struct rules_channel *out);
/* Subscribing without a token: 0 or CLIENT_ERROR_PERMISSION_DENIED. */
uint32_t rules_subscribe(const struct policy *p, const struct rules_channel *c, struct slice channel,
                         const struct rules_identity *who);
/* 0, CLIENT_ERROR_NOT_AVAILABLE (feature off) or CLIENT_ERROR_PERMISSION_DENIED. */
uint32_t rules_allow(const struct policy *p, const struct rules_channel *c, enum rules_operation operation,
                     const struct rules_identity *who);
/* Whether the identity has the permission itself, without the feature check. */
bool rules_has_access(const struct policy *p, const struct policy_permission *permission,
                      const struct rules_identity *who);
/* publication_data_format: true when data may be published. is_json: data is known to be one JSON value. */
bool rules_data_fits(const struct policy_channel_options *o, struct slice data, bool is_json);

#endif

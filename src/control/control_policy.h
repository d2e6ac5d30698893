/* control_policy: the policy that follows from a deployment and the database. The
 * thread of the store. */
#ifndef XSHATHRA_CONTROL_CONTROL_POLICY_H
#define XSHATHRA_CONTROL_CONTROL_POLICY_H

#include "policy/policy.h"
#include "store/store.h"

/* One reference for the caller in *out; takes a reference of deployment of its own.
 * Otherwise as the store, or MALFORMED when a row's list of origins is not JSON. */
MUST_CHECK enum status control_policy_make(struct store *store, uint64_t version, struct policy_deployment *deployment,
                                           struct policy **out);

#endif

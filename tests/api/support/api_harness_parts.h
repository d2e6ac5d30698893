/* api_harness_parts: what api_harness.c is put together from. */
#ifndef XSHATHRA_TESTS_API_HARNESS_PARTS_H
#define XSHATHRA_TESTS_API_HARNESS_PARTS_H

#include "api_harness.h"

/* Namespaces public and binary (with history), plain (no presence), json, object, map
 * (persistent) and eph (clients, ephemeral), news; projects Default, shop and an archived one, with keys of every kind.
 */
struct policy *harness_policy(harness_policy_fn *change);

/* Answers h->fail_with to everything. */
struct broker *harness_failing_broker(struct harness *h);
struct map_broker *harness_failing_map_broker(struct harness *h);

#endif

/* contract_parts: what the files of the contract suite share. */
#ifndef XSHATHRA_TESTS_CONTRACT_PARTS_H
#define XSHATHRA_TESTS_CONTRACT_PARTS_H

#include "broker/support/broker_rig.h"

/* The broker under test, set by broker_contract_run(). */
extern rig_maker contract_make;

#define CONTRACT_OPEN(rig_, ...)                                                                                       \
    struct rig rig_;                                                                                                   \
    rig_open(&rig_, contract_make, (struct rig_options){ __VA_ARGS__ })

#define CHANNEL ((struct slice){ "public:room", 11 })

struct broker_subscribe plain_subscribe(struct slice channel);
/* of CHANNEL */
struct broker_subscribe recovery(uint64_t offset, const char *epoch, uint32_t max);
/* Must be OK; only the numbers of the result survive. */
struct broker_subscribe_result subscribe_ok(struct rig *rig, uint32_t worker, const struct broker_subscribe *r);
void subscribe_plain(struct rig *rig, uint32_t worker);
/* The offsets as text, e.g. "3 4 5"; valid until the next call. */
const char *offsets(const struct broker_publications *publications);

/* Each runs one group of tests and returns the number of failed ones. */
int contract_publish_run(const char *name);
int contract_history_run(const char *name);
int contract_subscribe_run(const char *name);
int contract_pressure_run(const char *name);
int contract_presence_run(const char *name);

#endif

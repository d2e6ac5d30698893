#include "broker/support/broker_contract.h"

#include <stdio.h>

#include "broker/support/contract_parts.h"

rig_maker contract_make;

struct broker_subscribe plain_subscribe(struct slice channel)
{
    return (struct broker_subscribe){ .space = RIG_SPACE, .channel = channel, .history = RIG_HISTORY(10) };
}

struct broker_subscribe recovery(uint64_t offset, const char *epoch, uint32_t max)
{
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    r.recover = true;
    r.recover_max = max;
    r.since.offset = offset;
    snprintf(r.since.epoch, sizeof r.since.epoch, "%s", epoch);
    return r;
}

struct broker_subscribe_result subscribe_ok(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    struct broker_result result = rig_subscribe(rig, worker, r);
    assert_int_equal(result.status, STATUS_OK);
    struct broker_subscribe_result s = result.subscribe;
    assert_true(result.owns_ == BROKER_RESULT_SUBSCRIBE || s.missed.count == 0);
    s.missed.items = NULL; /* only the numbers survive */
    broker_result_deinit(&result);
    return s;
}

void subscribe_plain(struct rig *rig, uint32_t worker)
{
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    subscribe_ok(rig, worker, &r);
}

const char *offsets(const struct broker_publications *publications)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < publications->count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu", i ? " " : "",
                                (unsigned long long)publications->items[i]->offset);
    return text;
}

int broker_contract_run(const char *name, rig_maker make)
{
    contract_make = make;
    return contract_publish_run(name) + contract_history_run(name) + contract_subscribe_run(name) +
           contract_pressure_run(name) + contract_presence_run(name);
}

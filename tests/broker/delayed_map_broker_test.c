/* The delayed map broker passes the contract of every map broker. */
#include "broker/support/map_rig.h"

#include "broker/delayed/delayed_map_broker.h"

static struct map_broker *make(const struct broker_links *links, const struct memory_broker_options *options)
{
    return delayed_map_broker_new(memory_map_broker_new(links, options), links, 0);
}

int main(void)
{
    return map_contract_run("delayed map broker", make);
}

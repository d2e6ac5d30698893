/* The delayed broker passes the contract of every broker. */
#include "broker/support/broker_contract.h"

#include "broker/delayed/delayed_broker.h"

static struct broker *make(const struct broker_links *links, const struct memory_broker_options *options)
{
    return delayed_broker_new(memory_broker_new(links, options), links, 0);
}

int main(void)
{
    return broker_contract_run("delayed broker", make);
}

#include "broker/support/broker_contract.h"

int main(void)
{
    return broker_contract_run("memory broker", memory_broker_new);
}

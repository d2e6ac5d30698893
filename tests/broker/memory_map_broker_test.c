#include "broker/support/map_rig.h"

int main(void)
{
    return map_contract_run("memory map broker", memory_map_broker_new);
}

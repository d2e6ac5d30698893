/* broker_contract: what every broker promises, run against one that `make` makes.
 * Returns the number of failed tests. */
#ifndef XSHATHRA_TESTS_BROKER_CONTRACT_H
#define XSHATHRA_TESTS_BROKER_CONTRACT_H

#include "broker/support/broker_rig.h"

int broker_contract_run(const char *name, rig_maker make);

#endif

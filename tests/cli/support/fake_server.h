/* fake_server: stands in for server_run() and keeps what it was asked. */
#ifndef XSHATHRA_TESTS_CLI_FAKE_SERVER_H
#define XSHATHRA_TESTS_CLI_FAKE_SERVER_H

#include "server/server.h"

extern struct server_options fake_server_asked; /* borrows the arguments of the last run */
extern int fake_server_runs;
extern int fake_server_status; /* what server_run() returns */

#endif

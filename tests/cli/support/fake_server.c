#include "cli/support/fake_server.h"

struct server_options fake_server_asked;
int fake_server_runs;
int fake_server_status;

/* This object is linked before the library that has the real one. */
int server_run(const struct server_options *options)
{
    fake_server_asked = *options;
    fake_server_runs++;
    return fake_server_status;
}

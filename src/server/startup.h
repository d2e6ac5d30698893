/* startup: what happens once before workers run: configuration with its secrets, and
 * what the person who starts the server is told. Main thread. */
#ifndef XSHATHRA_SERVER_STARTUP_H
#define XSHATHRA_SERVER_STARTUP_H

#include "config/config.h"
#include "control/control.h"
#include "server/server.h"

/* The configuration with the data folder's secrets where none are given. Prints
 * errors and warnings to stderr; NULL when the start is refused. Used again, quietly
 * over the log, for a reload: then secrets are not NULL and only read. */
struct config *startup_load_config(const struct server_options *options, struct control_secrets *secrets);
struct config *startup_reload_config(const struct server_options *options, const struct control_secrets *secrets);

/* URLs and, at the first start, the keys: on the terminal only; without one the keys
 * go to DIR/first-run.txt and the log says so. */
void startup_greet(const struct server_options *options, const struct config *config,
                   const struct control_first_run *first_run);

/* DIR of the options, made when missing; a sentence on stderr when it cannot be. */
bool startup_make_data_dir(const char *data_dir);

#endif

/* cli: the program's commands. main() hands its arguments to cli_run().
 *
 * Each command is one row of the table in cli.c and one file cmd_<name>.c. It writes
 * results to out, everything else to err, and returns an exit status. */
#ifndef XSHATHRA_CLI_CLI_H
#define XSHATHRA_CLI_CLI_H

#include <stdio.h>

#define CLI_NAME "xshathra"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* it was understood, and did not work out */
    CLI_USAGE = 2,  /* it was not understood */
};

struct cli_io {
    FILE *out, *err;
};

struct cli_command {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    /* argv[0] is the command's own name. */
    int (*run)(int argc, char **argv, const struct cli_io *io);
};

/* argv as main() gets it. */
int cli_run(int argc, char **argv, const struct cli_io *io);

int cmd_serve(int argc, char **argv, const struct cli_io *io);
int cmd_check(int argc, char **argv, const struct cli_io *io);
int cmd_project(int argc, char **argv, const struct cli_io *io);
int cmd_bench(int argc, char **argv, const struct cli_io *io);
int cmd_doctor(int argc, char **argv, const struct cli_io *io);
int cmd_version(int argc, char **argv, const struct cli_io *io);

#endif

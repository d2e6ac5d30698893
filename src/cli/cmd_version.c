#include "cli/cli.h"
#include "cli/cli_args.h"

#define COMMAND CLI_NAME " version"

int cmd_version(int argc, char **argv, const struct cli_io *io)
{
    struct cli_args args;
    if (!cli_parse(COMMAND, argc, argv, NULL, 0, &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fputs("Usage: " COMMAND "\n\nPrints the name and version of the program, as \"xshathra 1.2.3\".\n", io->out);
        return CLI_OK;
    }
    if (!cli_want_operands(COMMAND, &args, 0, NULL, "Usage: " COMMAND, io->err)) return CLI_USAGE;
    fputs(CLI_NAME " " XSH_VERSION "\n", io->out);
    return CLI_OK;
}

#include "cli/cli.h"

#include <string.h>

#include "base/check.h"
#include "cli/cli_args.h"

static const struct cli_command commands[] = {
    { "serve", "Run the server", cmd_serve },
    { "check", "Say whether a configuration file is right, without starting anything", cmd_check },
    { "project", "Make and manage projects and their keys", cmd_project },
    { "bench", "Load a server and tell how it stands it", cmd_bench },
    { "doctor", "Ask a running server where its memory is", cmd_doctor },
    { "version", "Print the version", cmd_version },
};

static void print_help(FILE *out)
{
    fputs("Xshathra Realtime: a self-hosted real-time messaging server, compatible with Centrifugo clients.\n"
          "\n"
          "Usage: " CLI_NAME " COMMAND [OPTION]...\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "Examples:\n"
          "  " CLI_NAME " serve -c centrifugo/config.json    run with that configuration\n"
          "  " CLI_NAME " project create \"Staging\"           make a project and show its keys\n"
          "  " CLI_NAME " check -c config.json --strict      find misspelt options before a deployment does\n"
          "\n"
          "\"" CLI_NAME " COMMAND --help\" tells more. Exit status: 0 done, 1 failed, 2 not understood.\n",
          out);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int unknown_command(const char *word, const struct cli_io *io)
{
    const char *names[ARRAY_COUNT(commands)];
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) names[i] = commands[i].name;
    cli_unknown(io->err, word[0] == '-' ? "option" : "command", word, names, ARRAY_COUNT(names), CLI_NAME);
    return CLI_USAGE;
}

int cli_run(int argc, char **argv, const struct cli_io *io)
{
    if (argc < 2) {
        print_help(io->err);
        return CLI_USAGE;
    }
    if (is_help(argv[1])) {
        print_help(io->out);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) return cmd_version(1, argv + 1, io);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1, io);
    return unknown_command(argv[1], io);
}

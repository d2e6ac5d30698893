/* cli_args: options and operands of one command.
 *
 * Use: struct cli_option options[] = { { 'd', "data", .value = &data }, { 0, "json", .flag = &json } };
 *      if (!cli_parse("xshathra serve", argc, argv, options, count, &args, io->err)) return CLI_USAGE;
 *      if (args.help) …
 * Understood: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, and "--", after which all
 * words are operands. The last of several equal options counts. Pure but for err. */
#ifndef XSHATHRA_CLI_CLI_ARGS_H
#define XSHATHRA_CLI_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_OPERANDS_MAX 8

struct cli_option {
    char letter;        /* 0 = none */
    const char *name;   /* without the dashes */
    const char **value; /* set to the argument; NULL when the option takes none */
    bool *flag;         /* set to true; NULL when the option takes a value */
};

struct cli_args {
    const char *operands[CLI_OPERANDS_MAX];
    size_t operand_count;
    bool help; /* -h or --help was among the words */
};

/* argv[0] is skipped. False: err has a sentence. command is as it is typed, for
 * 'See "xshathra serve --help"'. */
bool cli_parse(const char *command, int argc, char **argv, const struct cli_option *options, size_t option_count,
               struct cli_args *out, FILE *err);
/* Operands are there in the number expected, else a sentence that names the first missing
 * one (names has count of them) and shows the usage. */
bool cli_want_operands(const char *command, const struct cli_args *args, size_t count, const char *const names[],
                       const char *usage, FILE *err);
/* A decimal number from low to high; else a sentence with the option and the value. */
bool cli_want_number(const char *command, const char *option, const char *text, uint64_t low, uint64_t high,
                     uint64_t *out, FILE *err);

/* 'xshathra: <sentence>' and where to read more. */
void cli_complain(FILE *err, const char *command, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The word is none of names: say so, and name the nearest when one is near. */
void cli_unknown(FILE *err, const char *what, const char *word, const char *const *names, size_t count,
                 const char *command);
/* NULL when nothing is near. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);

#endif

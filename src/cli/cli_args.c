#include "cli/cli_args.h"

#include <stdarg.h>
#include <string.h>

#include "base/slice.h"
#include "cli/cli.h"

#define WORD_MAX    32 /* longer words are not compared: no name is that long */
#define OPTIONS_MAX 16
/* Two slips of the fingers, and not most of a short word. */
#define DISTANCE_MAX 2

void cli_complain(FILE *err, const char *command, const char *format, ...)
{
    va_list args;
    fputs(CLI_NAME ": ", err);
    va_start(args, format);
    vfprintf(err, format, args);
    va_end(args);
    fprintf(err, "\nSee \"%s --help\".\n", command);
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance; both words at most WORD_MAX long. */
static size_t distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b), row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

const char *cli_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = DISTANCE_MAX + 1;
    if (strlen(word) < 2 || strlen(word) > WORD_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        bool begins = strncmp(word, names[i], strlen(word)) == 0; /* "proj" */
        size_t d = begins ? 0 : distance(word, names[i]);
        if (d >= best_distance || d >= strlen(names[i])) continue;
        best = names[i];
        best_distance = d;
    }
    return best;
}

void cli_unknown(FILE *err, const char *what, const char *word, const char *const *names, size_t count,
                 const char *command)
{
    const char *dashes = strncmp(word, "--", 2) == 0 ? "--" : "";
    const char *near = cli_nearest(word + strlen(dashes), names, count);
    if (near)
        cli_complain(err, command, "unknown %s \"%s\": did you mean \"%s%s\"?", what, word, dashes, near);
    else
        cli_complain(err, command, "unknown %s \"%s\"", what, word);
}

struct parse {
    const char *command;
    int argc, at;
    char **argv;
    const struct cli_option *options;
    size_t option_count;
    FILE *err;
};

/* The argument that is part of the word, or the next word. */
static bool take_value(struct parse *p, const struct cli_option *option, const char *attached)
{
    if (!attached && p->at + 1 < p->argc) attached = p->argv[++p->at];
    if (!attached) {
        cli_complain(p->err, p->command, "the option \"--%s\" needs a value", option->name);
        return false;
    }
    *option->value = attached;
    return true;
}

static bool take_option(struct parse *p, const struct cli_option *option, const char *attached)
{
    if (option->value) return take_value(p, option, attached);
    if (attached) {
        cli_complain(p->err, p->command, "the option \"--%s\" takes no value", option->name);
        return false;
    }
    *option->flag = true;
    return true;
}

static bool unknown_option(struct parse *p, const char *word, size_t len)
{
    const char *names[OPTIONS_MAX];
    char typed[WORD_MAX * 2];
    size_t count = 0;
    for (size_t i = 0; i < p->option_count && count < OPTIONS_MAX; i++) names[count++] = p->options[i].name;
    snprintf(typed, sizeof typed, "%.*s", (int)len, word);
    cli_unknown(p->err, "option", typed, names, count, p->command);
    return false;
}

static bool take_long(struct parse *p, const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    for (size_t i = 0; i < p->option_count; i++)
        if (strlen(p->options[i].name) == len && strncmp(p->options[i].name, name, len) == 0)
            return take_option(p, &p->options[i], equals ? equals + 1 : NULL);
    return unknown_option(p, word, len + 2);
}

static bool take_short(struct parse *p, const char *word)
{
    for (size_t i = 0; i < p->option_count; i++)
        if (p->options[i].letter && p->options[i].letter == word[1])
            return take_option(p, &p->options[i], word[2] ? word + 2 : NULL);
    return unknown_option(p, word, strlen(word));
}

static bool take_operand(struct parse *p, const char *word, struct cli_args *out)
{
    if (out->operand_count == CLI_OPERANDS_MAX) {
        cli_complain(p->err, p->command, "too many words: \"%s\" is one too many", word);
        return false;
    }
    out->operands[out->operand_count++] = word;
    return true;
}

bool cli_parse(const char *command, int argc, char **argv, const struct cli_option *options, size_t option_count,
               struct cli_args *out, FILE *err)
{
    struct parse p = { command, argc, 1, argv, options, option_count, err };
    bool only_operands = false;
    *out = (struct cli_args){ 0 };
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];
        bool good = true;
        if (only_operands || word[0] != '-' || !word[1])
            good = take_operand(&p, word, out);
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            out->help = true;
        else
            good = word[1] == '-' ? take_long(&p, word) : take_short(&p, word);
        if (!good) return false;
    }
    return true;
}

bool cli_want_operands(const char *command, const struct cli_args *args, size_t count, const char *const names[],
                       const char *usage, FILE *err)
{
    if (args->operand_count == count) return true;
    if (args->operand_count > count)
        cli_complain(err, command, "\"%s\" is one word too many: %s", args->operands[count], usage);
    else
        cli_complain(err, command, "%s is missing: %s", names[args->operand_count], usage);
    return false;
}

bool cli_want_number(const char *command, const char *option, const char *text, uint64_t low, uint64_t high,
                     uint64_t *out, FILE *err)
{
    uint64_t value;
    if (slice_to_u64(slice_from_cstr(text), &value) && value >= low && value <= high) {
        *out = value;
        return true;
    }
    cli_complain(err, command, "the option \"%s\" is \"%s\": a number from %llu to %llu is allowed", option, text,
                 (unsigned long long)low, (unsigned long long)high);
    return false;
}

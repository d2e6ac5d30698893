#include <unistd.h>

#include "base/check.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "config/config.h"
#include "server/server_tls.h"

#define COMMAND CLI_NAME " check"
#define USAGE   "Usage: " COMMAND " [-c] FILE [--strict] [--json]"
/* A report is bounded by itself; this is far above. */
#define REPORT_BYTES_MAX (4u << 20)

static const char help[] = USAGE
    "\n"
    "\n"
    "Reads a configuration, and the variables CENTRIFUGO_... over it, as \"serve\" would, and says what is wrong.\n"
    "Nothing is started. Exit status 0: it would start (there may be warnings); 1: it would not.\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE     the configuration in JSON\n"
    "      --strict          an option that nobody knows is an error, not a warning\n"
    "      --json            {\"ok\",\"errors\":[{\"option\",\"message\",\"source\"}],\"warnings\":[...]}\n"
    "  -h, --help            this text\n"
    "\n"
    "Example:\n"
    "  " COMMAND " -c centrifugo/config.json --strict\n";

static void print_report(const struct config_report *report, const char *file, bool json, FILE *out)
{
    struct buf text;
    buf_init(&text, REPORT_BYTES_MAX);
    config_report_write(report, &text, json);
    fwrite(text.ptr ? text.ptr : "", 1, text.len, out);
    buf_deinit(&text);
    if (json) return;
    if (report->error_count)
        fprintf(out, "%s: errors: %zu, warnings: %zu\n", file, report->error_count, report->warning_count);
    else if (report->warning_count)
        fprintf(out, "%s: good, warnings: %zu\n", file, report->warning_count);
    else
        fprintf(out, "%s: good\n", file);
}

/* The certificates, too: "serve" would refuse them. */
static bool check_tls(const struct config *config, struct config_report *report)
{
    char error[SERVER_TLS_ERROR_MAX];
    struct net_tls_context *contexts[WORKER_LISTENER_COUNT];
    if (server_tls_make(config, contexts, error) != STATUS_OK) {
        config_report_add(report, CONFIG_SEVERITY_ERROR, "http_server", (struct config_origin){ 0 }, "%s", error);
        return false;
    }
    server_tls_free(contexts);
    return true;
}

static int check(const char *file, bool strict, bool json, FILE *out)
{
    struct config_report report;
    struct config_source source = { .file = file, .file_required = true, .strict = strict, .environ = environ };
    config_report_init(&report);
    struct config *config = config_load(&source, &report);
    bool good = config && check_tls(config, &report);
    config_free(config);
    print_report(&report, file, json, out);
    config_report_deinit(&report);
    return good ? CLI_OK : CLI_FAILED;
}

int cmd_check(int argc, char **argv, const struct cli_io *io)
{
    const char *file = NULL;
    bool strict = false, json = false;
    struct cli_args args;
    const struct cli_option options[] = {
        { 'c', "config", .value = &file },
        { 0, "strict", .flag = &strict },
        { 0, "json", .flag = &json },
    };
    if (!cli_parse(COMMAND, argc, argv, options, ARRAY_COUNT(options), &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fputs(help, io->out);
        return CLI_OK;
    }
    /* the file by itself is what everybody types */
    if (!file && args.operand_count == 1) {
        file = args.operands[0];
    } else if (!cli_want_operands(COMMAND, &args, 0, NULL, USAGE, io->err)) {
        return CLI_USAGE;
    }
    if (!file) {
        cli_complain(io->err, COMMAND, "the option \"--config\" is missing: %s", USAGE);
        return CLI_USAGE;
    }
    return check(file, strict, json, io->out);
}

#include "base/check.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "cli/cli_data.h"
#include "server/server.h"

#define COMMAND CLI_NAME " serve"
#define USAGE   "Usage: " COMMAND " [-c FILE] [--data DIR] [-p PORT] [--address ADDR] [--workers N]"
/* Each worker has a mailbox, and the control thread one; a set of them is a 64-bit word. */
#define WORKERS_MAX 62

static const char help[] = USAGE
    "\n"
    "\n"
    "Runs the server until it gets SIGINT or SIGTERM. SIGHUP reads the configuration again.\n"
    "At the first start it makes the data folder, the secrets and the project \"Default\", and shows its keys\n"
    "once: on the terminal, or without one in DIR/first-run.txt.\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE     configuration in JSON, as Centrifugo's; variables CENTRIFUGO_... go over it\n"
    "      --data DIR        where projects, keys and secrets are kept; else $" CLI_DATA_VARIABLE ", else \"data\"\n"
    "  -p, --port PORT       1 to 65535; else CENTRIFUGO_HTTP_SERVER_PORT, else the configuration's, else 3001\n"
    "      --address ADDR    address to listen on; else the configuration's, else all interfaces\n"
    "      --workers N       threads that serve clients, 1 to 62; else one per processor\n"
    "  -h, --help            this text\n"
    "\n"
    "Examples:\n"
    "  " COMMAND " -c centrifugo/config.json --address 127.0.0.1\n"
    "  CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=... " COMMAND " --data /var/lib/xshathra\n";

struct words {
    const char *config, *data, *port, *address, *workers;
};

static bool to_options(const struct words *w, struct server_options *out, FILE *err)
{
    uint64_t port = 0, workers = 0;
    if (w->port && !cli_want_number(COMMAND, "--port", w->port, 1, 65535, &port, err)) return false;
    if (w->workers && !cli_want_number(COMMAND, "--workers", w->workers, 1, WORKERS_MAX, &workers, err)) return false;
    *out = (struct server_options){
        .config_file = w->config,
        .data_dir = cli_data_dir(w->data),
        .port = (uint16_t)port,
        .address = w->address,
        .workers = (uint32_t)workers,
    };
    return true;
}

int cmd_serve(int argc, char **argv, const struct cli_io *io)
{
    struct words w = { 0 };
    struct cli_args args;
    struct server_options server;
    const struct cli_option options[] = {
        { 'c', "config", .value = &w.config }, { 0, "data", .value = &w.data },       { 'p', "port", .value = &w.port },
        { 0, "address", .value = &w.address }, { 0, "workers", .value = &w.workers },
    };
    if (!cli_parse(COMMAND, argc, argv, options, ARRAY_COUNT(options), &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fputs(help, io->out);
        return CLI_OK;
    }
    if (!cli_want_operands(COMMAND, &args, 0, NULL, USAGE, io->err)) return CLI_USAGE;
    if (!to_options(&w, &server, io->err)) return CLI_USAGE;
    return server_run(&server);
}

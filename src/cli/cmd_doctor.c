#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "cli/http_get.h"
#include "cli/memory_view.h"

#define COMMAND       CLI_NAME " doctor"
#define USAGE         "Usage: " COMMAND " memory [--url URL] [--json]"
#define PORT_VARIABLE "CENTRIFUGO_HTTP_SERVER_PORT"
#define PORT_DEFAULT  "3001"
#define URL_LEN_MAX   2048
/* Metrics are some hundred lines; this is far above. */
#define METRICS_BYTES_MAX (16u << 20)

static const char help[] = USAGE
    "\n"
    "\n"
    "Asks a running server how it is.\n"
    "\n"
    "  memory                where its memory is: connections, subscriptions, channels, history, output queues, …,\n"
    "                        what the C library keeps free, and what the kernel counts\n"
    "\n"
    "The server must have \"prometheus.enabled\".\n"
    "\n"
    "Options:\n"
    "      --url URL         of the server, or of its metrics; default http://127.0.0.1:PORT, with the port of\n"
    "                        $" PORT_VARIABLE ", else " PORT_DEFAULT "\n"
    "      --json            "
    "{\"resident\",\"sum\",\"parts\":[{\"part\",\"bytes\",\"share\",\"objects\",\"bytes_each\"}]}\n"
    "  -h, --help            this text\n"
    "\n"
    "Example:\n"
    "  " COMMAND " memory --url http://127.0.0.1:9000\n";

/* "http://host:port" and the same with a slash are the server; with more of a path, the metrics themselves. */
static bool has_path(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = strchr(host ? host + 3 : url, '/');
    return path && path[1];
}

static void metrics_url(const char *url, char out[static URL_LEN_MAX])
{
    const char *port = getenv(PORT_VARIABLE);
    if (!url) {
        snprintf(out, URL_LEN_MAX, "http://127.0.0.1:%s/metrics", port && port[0] ? port : PORT_DEFAULT);
        return;
    }
    size_t len = strlen(url);
    bool slash = len > 0 && url[len - 1] == '/';
    snprintf(out, URL_LEN_MAX, "%s%s", url, has_path(url) ? "" : slash ? "metrics" : "/metrics");
}

static int show_memory(const char *url, bool json, const struct cli_io *io)
{
    char address[URL_LEN_MAX], error[HTTP_GET_ERROR_MAX];
    struct memory_view view;
    struct buf metrics;
    long status;
    int result = CLI_FAILED;
    metrics_url(url, address);
    buf_init(&metrics, METRICS_BYTES_MAX);
    if (!http_get(address, &metrics, &status, error)) {
        fprintf(io->err, CLI_NAME ": %s%s\n", error,
                status == 404 ? "; the server tells when its configuration has \"prometheus\": {\"enabled\": true}"
                              : "");
    } else if (!memory_view_read(buf_slice(&metrics), &view)) {
        fprintf(io->err, CLI_NAME ": \"%s\" tells nothing of memory; is it a server of this version?\n", address);
    } else {
        if (json)
            memory_view_print_json(&view, io->out);
        else
            memory_view_print(&view, io->out);
        result = CLI_OK;
    }
    buf_deinit(&metrics);
    return result;
}

int cmd_doctor(int argc, char **argv, const struct cli_io *io)
{
    static const char *const names[] = { "memory" };
    const char *url = NULL;
    bool json = false;
    struct cli_args args;
    const struct cli_option options[] = { { 0, "url", .value = &url }, { 0, "json", .flag = &json } };
    if (!cli_parse(COMMAND, argc, argv, options, ARRAY_COUNT(options), &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fputs(help, io->out);
        return CLI_OK;
    }
    if (!cli_want_operands(COMMAND, &args, 1, (const char *const[]){ "memory" }, USAGE, io->err)) return CLI_USAGE;
    if (strcmp(args.operands[0], "memory") != 0) {
        cli_unknown(io->err, "command", args.operands[0], names, ARRAY_COUNT(names), COMMAND);
        return CLI_USAGE;
    }
    return show_memory(url, json, io);
}

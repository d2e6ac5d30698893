#include "server/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/data_dir.h"

extern char **environ;

bool startup_make_data_dir(const char *data_dir)
{
    char error[DATA_DIR_ERROR_MAX];
    if (data_dir_make(data_dir, error) == STATUS_OK) return true;
    fprintf(stderr, "xshathra: %s\n", error);
    return false;
}

/* One load; the report is handed back filled. */
static struct config *load(const struct server_options *options, const struct control_secrets *secrets,
                           struct config_report *report)
{
    char port[8];
    struct config_preset flags[2], fallbacks[2];
    size_t flag_count = 0, fallback_count = 0;
    if (options->port) {
        snprintf(port, sizeof port, "%u", options->port);
        flags[flag_count++] = (struct config_preset){ "http_server.port", port, "--port" };
    }
    if (options->address)
        flags[flag_count++] = (struct config_preset){ "http_server.address", options->address, "--address" };
    if (secrets) {
        fallbacks[fallback_count++] = (struct config_preset){ "client.token.hmac_secret_key",
                                                              secrets->token_hmac_secret_key, CONTROL_SECRETS_FILE };
        fallbacks[fallback_count++] = (struct config_preset){ "http_api.key", secrets->api_key, CONTROL_SECRETS_FILE };
    }
    struct config_source source = { .file = options->config_file,
                                    .file_required = options->config_file != NULL,
                                    .environ = environ,
                                    .dotenv_file = ".env",
                                    .flags = flags,
                                    .flag_count = flag_count,
                                    .fallbacks = fallbacks,
                                    .fallback_count = fallback_count };
    config_report_init(report);
    return config_load(&source, report);
}

static void print_report(const struct config_report *report)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    config_report_write(report, &text, false);
    if (text.len) (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_deinit(&text);
}

struct config *startup_load_config(const struct server_options *options, struct control_secrets *secrets)
{
    struct config_report report;
    struct config *given = load(options, NULL, &report);
    if (!given) {
        print_report(&report);
        config_report_deinit(&report);
        fprintf(stderr, "xshathra: the configuration is refused; nothing was started\n");
        return NULL;
    }
    config_report_deinit(&report);
    char error[DATA_DIR_ERROR_MAX];
    const struct policy_deployment *d = given->deployment;
    enum status status = control_secrets_load(options->data_dir, d->token.hmac_secret_key, d->api_key, secrets, error);
    config_free(given);
    if (status != STATUS_OK) {
        fprintf(stderr, "xshathra: %s\n", error);
        return NULL;
    }
    struct config *config = load(options, secrets, &report);
    print_report(&report);
    config_report_deinit(&report);
    return config;
}

static void log_report(const struct config_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct config_report_item *item = &report->items[i];
        enum log_level level = item->severity == CONFIG_SEVERITY_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
        LOG_AT(level, "configuration", LOG_CSTR("option", item->path), LOG_CSTR("problem", item->sentence),
               LOG_CSTR("source", item->origin));
    }
}

struct config *startup_reload_config(const struct server_options *options, const struct control_secrets *secrets)
{
    struct config_report report;
    struct config *config = load(options, secrets, &report);
    log_report(&report);
    config_report_deinit(&report);
    return config;
}

/* ---- the greeting ---- */

static void write_keys(struct buf *out, const char *scheme, const char *host, uint16_t port,
                       const struct project_new_keys *keys)
{
    buf_printf(out, "The Default project (these keys are shown once; make new ones with `xshathra project rotate`):\n");
    buf_printf(out, "  project id      %s\n", keys->id);
    buf_printf(out, "  server_api_key  %s\n", keys->server.text);
    buf_printf(out, "  client_api_key  %s\n\n", keys->client.text);
    buf_printf(out, "Paste these: a token for a client, a message to a channel, a token for one private channel.\n");
    buf_printf(out,
               "  curl -sw '\\n' %s://%s:%u/api/realtime/token -H 'Authorization: apikey %s' --json "
               "'{\"userId\":\"alice\"}'\n",
               scheme, host, port, keys->server.text);
    buf_printf(out,
               "  curl -sw '\\n' %s://%s:%u/api/realtime/publish -H 'Authorization: apikey %s' --json "
               "'{\"channel\":\"public:room_1\",\"data\":{\"text\":\"hello\"}}'\n",
               scheme, host, port, keys->server.text);
    buf_printf(out,
               "  curl -sw '\\n' %s://%s:%u/api/realtime/subscription-token -H 'Authorization: apikey %s' --json "
               "'{\"userId\":\"alice\",\"channel\":\"private:room_1\"}'\n",
               scheme, host, port, keys->server.text);
}

void startup_greet(const struct server_options *options, const struct config *config,
                   const struct control_first_run *first_run)
{
    const char *host =
        config->http_address[0] && strcmp(config->http_address, "0.0.0.0") != 0 ? config->http_address : "localhost";
    bool terminal = isatty(STDOUT_FILENO);
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    buf_printf(&text, "\nXshathra Realtime listens. Clients connect to\n  %s://%s:%u/realtime/connection/websocket\n\n",
               config->tls.enabled ? "wss" : "ws", host, config->http_port);
    if (first_run->happened)
        write_keys(&text, config->tls.enabled ? "https" : "http", host, config->http_port, &first_run->keys);
    if (first_run->setup.text[0])
        buf_printf(&text,
                   "The console waits for its owner; this link makes the account and works once:\n"
                   "  %s://%s:%u/setup#%s\n\n",
                   config->tls.enabled ? "https" : "http", host, config->http_port, first_run->setup.text);
    if (terminal && buf_ok(&text)) {
        if (!first_run->happened)
            buf_printf(&text, "Its keys were shown at the first start. `xshathra project list` names the projects,\n"
                              "`xshathra project rotate ID --which server` makes a new key (./dev run builds "
                              "build/release/xshathra).\n\n");
        buf_printf(&text, "Ctrl-C stops.\n");
        (void)fwrite(text.ptr, 1, text.len, stdout);
        fflush(stdout);
    } else if (first_run->happened || first_run->setup.text[0]) {
        char error[DATA_DIR_ERROR_MAX];
        if (control_first_run_write(options->data_dir, buf_slice(&text), error) == STATUS_OK) {
            LOG_INFO("what is shown once, keys or the console's set-up link, is in a file",
                     LOG_CSTR("folder", options->data_dir), LOG_CSTR("file", CONTROL_FIRST_RUN_FILE));
        } else {
            LOG_ERROR("the keys of the Default project could not be written; make new ones with project rotate",
                      LOG_CSTR("error", error));
        }
    }
    if (text.ptr) memset(text.ptr, 0, text.len);
    buf_deinit(&text);
}

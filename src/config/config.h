/* config: the Centrifugo v6 configuration (JSON file, environment, flags) as one
 * validated, immutable struct.
 *
 * Use: struct config_source source = { .file = "centrifugo/config.json", .environ = environ };
 *      config_report_init(&report); struct config *c = config_load(&source, &report);
 *      config_report_write(&report, &buf, false);  ... c is NULL when there are errors
 * For a reload load again, take config->deployment by policy_deployment_ref() and free
 * the rest. Precedence: flags, environment, file, fallbacks, defaults.
 * Source of truth: Centrifugo v6 configuration and what its start refuses. A value that
 * is wrong, and an option that is set, not built and decides who may do what, about
 * encryption or about storage, is an error; other options that are not built warn.
 * One thread, at start or reload; stops when memory is out. */
#ifndef XSHATHRA_CONFIG_CONFIG_H
#define XSHATHRA_CONFIG_CONFIG_H

#include "base/log.h"
#include "config/config_report.h"
#include "policy/policy.h"

enum config_log_format {
    CONFIG_LOG_AUTO, /* text on a terminal, JSON elsewhere */
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON,
};

/* A listener's certificate and rules, as PEM text. Of a block that is not enabled nothing is read. */
struct config_tls {
    bool enabled;
    char *cert_pem, *key_pem;
    char *client_ca_pem; /* "" = clients need no certificate */
};

/* Strings are owned and never NULL. A prefix begins with '/' and has no '/' at its end
 * (except "/" itself). */
struct config {
    char *http_address; /* "" = all interfaces */
    uint16_t http_port;
    char *internal_address;         /* as http_address when not set */
    uint16_t internal_port;         /* 0 = no second listener; never equal to http_port at the same address */
    struct config_tls tls;          /* of both listeners, unless … */
    bool tls_external;              /* … the internal one goes without, */
    struct config_tls internal_tls; /* or has its own */
    uint32_t http_header_bytes_max;
    enum log_level log_level;
    enum config_log_format log_format;
    char *log_file; /* "" = standard error */
    bool websocket_disabled;
    char *websocket_prefix;
    bool api_disabled;
    bool api_external; /* also on the main listener when there is an internal one */
    char *api_prefix;
    size_t api_body_bytes_max;
    bool health_enabled;
    char *health_prefix;
    bool prometheus_enabled;
    char *prometheus_prefix;
    bool count_http_requests;
    bool init_enabled;
    char *init_prefix;
    char *node_name; /* "" = made from the host's name and the port */
    uint64_t shutdown_timeout_ms;
    uint64_t info_metrics_interval_ms;    /* of the metrics in the server API's info */
    char *pid_file;                       /* "" = none */
    struct policy_deployment *deployment; /* shares; sealed */
};

/* An option given as text: by a flag, or by the program for the case that nobody else sets it. */
struct config_preset {
    const char *option; /* "http_server.port" */
    const char *value;
    const char *name; /* for reports: "--port", "generated at first start" */
};

struct config_source {
    const char *file;                  /* NULL = no file */
    bool file_required;                /* a missing file is an error, not a warning */
    bool strict;                       /* an option or variable that nobody knows is an error, not a warning */
    char *const *environ;              /* NULL = none */
    const char *dotenv_file;           /* ".env"; NULL = none. Absent is no matter */
    const struct config_preset *flags; /* over everything else */
    size_t flag_count;
    const struct config_preset *fallbacks; /* under everything but the defaults */
    size_t fallback_count;
};

/* NULL when report has errors. report is filled either way. */
struct config *config_load(const struct config_source *source, struct config_report *report);
/* The same for text instead of source->file. name stands for the file in reports. */
struct config *config_load_text(const struct config_source *source, const char *name, struct slice text,
                                struct config_report *report);
void config_free(struct config *c); /* accepts NULL */

#endif

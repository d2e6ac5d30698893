#include "config/config_build.h"

#include "base/check.h"
#include "base/mem.h"
#include "config/config_pem.h"

static char *must_copy(struct slice text)
{
    char *copy = mem_must_alloc(text.len + 1);
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static char *copy_text(const struct config_settings *s, const char *path)
{
    return must_copy(slice_from_cstr(config_get_text(s, path)));
}

/* Without '/' at its end, as Centrifugo takes it. */
static char *copy_prefix(const struct config_settings *s, const char *path)
{
    struct slice text = slice_from_cstr(config_get_text(s, path));
    while (text.len > 1 && text.ptr[text.len - 1] == '/') text.len--;
    return must_copy(text);
}

/* config_check() has seen that it can be read; what has gone since must not count as not set. */
static char *copy_pem(const struct config_settings *s, struct slice base, const char *option)
{
    const char *why, *text = config_get_text_at(s, base, option);
    const struct slice pem = text[0] ? config_pem_read(s, text, &why) : (struct slice){ 0 };
    return must_copy(text[0] && !pem.ptr ? SLICE("gone") : pem);
}

static void build_tls(struct config_tls *tls, const struct config_settings *s, struct slice base)
{
    tls->enabled = config_get_bool_at(s, base, "enabled");
    if (!tls->enabled) {
        tls->cert_pem = must_copy((struct slice){ 0 });
        tls->key_pem = must_copy((struct slice){ 0 });
        tls->client_ca_pem = must_copy((struct slice){ 0 });
        return;
    }
    tls->cert_pem = copy_pem(s, base, "cert_pem");
    tls->key_pem = copy_pem(s, base, "key_pem");
    tls->client_ca_pem = copy_pem(s, base, "client_ca_pem");
}

static void build_http(struct config *c, const struct config_settings *s)
{
    uint64_t internal_port = 0;
    c->http_address = copy_text(s, "http_server.address");
    c->http_port = (uint16_t)config_get_int(s, "http_server.port");
    c->http_header_bytes_max = (uint32_t)config_get_int(s, "http_server.max_header_size");
    (void)slice_to_u64(slice_from_cstr(config_get_text(s, "http_server.internal_port")), &internal_port);
    const bool own_address = config_get_text(s, "http_server.internal_address")[0] != '\0';
    c->internal_address = copy_text(s, own_address ? "http_server.internal_address" : "http_server.address");
    build_tls(&c->tls, s, SLICE("http_server.tls"));
    build_tls(&c->internal_tls, s, SLICE("http_server.internal_tls"));
    c->tls_external = config_get_bool(s, "http_server.tls_external");
    const bool same = internal_port == c->http_port && strcmp(c->internal_address, c->http_address) == 0;
    c->internal_port = same ? 0 : (uint16_t)internal_port;
}

static void build_log(struct config *c, const struct config_settings *s)
{
    const char *format = config_get_text(s, "log.format");
    c->log_level = LOG_LEVEL_INFO;
    (void)log_level_from_name(slice_from_cstr(config_get_text(s, "log.level")), &c->log_level);
    c->log_format = strcmp(format, "json") == 0   ? CONFIG_LOG_JSON
                    : strcmp(format, "text") == 0 ? CONFIG_LOG_TEXT
                                                  : CONFIG_LOG_AUTO;
    c->log_file = copy_text(s, "log.file");
}

static void build_endpoints(struct config *c, const struct config_settings *s)
{
    c->websocket_disabled = config_get_bool(s, "websocket.disabled");
    c->websocket_prefix = copy_prefix(s, "websocket.handler_prefix");
    c->api_disabled = config_get_bool(s, "http_api.disabled");
    c->api_external = config_get_bool(s, "http_api.external");
    c->api_prefix = copy_prefix(s, "http_api.handler_prefix");
    c->api_body_bytes_max = (size_t)config_get_int(s, "http_api.max_request_body_size");
    c->health_enabled = config_get_bool(s, "health.enabled");
    c->health_prefix = copy_prefix(s, "health.handler_prefix");
    c->prometheus_enabled = config_get_bool(s, "prometheus.enabled");
    c->prometheus_prefix = copy_prefix(s, "prometheus.handler_prefix");
    c->count_http_requests = config_get_bool(s, "prometheus.instrument_http_handlers");
    c->init_enabled = config_get_bool(s, "init.enabled");
    c->init_prefix = copy_prefix(s, "init.handler_prefix");
}

struct config *config_build(const struct config_settings *s)
{
    struct config *c = mem_must_alloc_zero(sizeof *c);
    build_http(c, s);
    build_log(c, s);
    build_endpoints(c, s);
    c->node_name = copy_text(s, "node.name");
    c->shutdown_timeout_ms = config_get_ms(s, "shutdown.timeout");
    c->info_metrics_interval_ms = config_get_ms(s, "node.info_metrics_aggregate_interval");
    c->pid_file = copy_text(s, "pid_file");
    c->deployment = config_build_deployment(s);
    return c;
}

void config_free(struct config *c)
{
    if (!c) return;
    char *const owned[] = { c->http_address,
                            c->internal_address,
                            c->log_file,
                            c->websocket_prefix,
                            c->api_prefix,
                            c->health_prefix,
                            c->prometheus_prefix,
                            c->init_prefix,
                            c->node_name,
                            c->pid_file,
                            c->tls.cert_pem,
                            c->tls.key_pem,
                            c->tls.client_ca_pem,
                            c->internal_tls.cert_pem,
                            c->internal_tls.key_pem,
                            c->internal_tls.client_ca_pem };
    for (size_t i = 0; i < ARRAY_COUNT(owned); i++) mem_free(owned[i]);
    policy_deployment_unref(c->deployment);
    mem_free(c);
}

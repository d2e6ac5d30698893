#include "config/config_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "config/config_duration.h"
#include "config/config_pem.h"
#include "config/config_value.h"
#include "crypto/crypto_public_key.h"
#include "policy/policy_address.h"
#include "policy/policy_glob.h"

__attribute__((format(printf, 4, 0))) static void report(struct config_settings *s, enum config_severity severity,
                                                         struct slice path, const char *format, va_list args)
{
    char sentence[512];
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    config_report_add(s->report, severity, path.ptr, config_origin_of(s, path.ptr), "option \"%s\" %s", path.ptr,
                      sentence);
}

void config_refuse(struct config_settings *s, struct slice path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(s, CONFIG_SEVERITY_ERROR, path, format, args);
    va_end(args);
}

void config_warn(struct config_settings *s, struct slice path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(s, CONFIG_SEVERITY_WARNING, path, format, args);
    va_end(args);
}

/* Options of a token that is not used idle like the rest of something switched off. */
static bool is_idle(const struct config_settings *s, const struct config_setting *setting)
{
    return slice_starts_with(setting->path, SLICE("client.subscription_token.")) &&
           !config_get_bool(s, "client.subscription_token.enabled");
}

static void check_not_built(struct config_settings *s)
{
    for (const struct config_setting *i = s->first; i; i = i->next) {
        const enum config_state state = i->name->state;
        if (i->value.is_default || is_idle(s, i)) continue;
        if (state == CONFIG_REFUSE)
            config_refuse(s, i->path,
                          "is set, but what it asks for is not built yet, and going on without it would "
                          "not be safe; allowed is only its default");
        else if (state == CONFIG_WARN)
            config_warn(s, i->path, "is set, but what it asks for is not built yet: it has no effect");
    }
}

/* One of the words in known, of which only "memory" is built. */
static void check_kind(struct config_settings *s, const char *path, const char *known, bool in_use)
{
    const char *value = config_get_text(s, path);
    if (strcmp(value, "memory") == 0 || !in_use) return;
    const struct slice where = slice_from_cstr(path);
    const struct slice word = config_format(s, " %s ", value);
    if (memmem(known, strlen(known), word.ptr, word.len))
        config_refuse(s, where, "is \"%.80s\", which is not built yet, allowed is \"memory\"", value);
    else
        config_refuse(s, where, "is \"%.80s\", allowed is \"memory\"", value);
}

static void check_kinds(struct config_settings *s)
{
    check_kind(s, "engine.type", " redis ", true);
    check_kind(s, "broker.type", " redis nats postgres redisnats ", config_get_bool(s, "broker.enabled"));
    check_kind(s, "presence_manager.type", " redis ", config_get_bool(s, "presence_manager.enabled"));
    check_kind(s, "map_broker.type", " redis postgres ", true);
}

static void check_client(struct config_settings *s)
{
    const uint64_t ping_ms = config_get_ms(s, "client.ping_interval"),
                   pong_ms = config_get_ms(s, "client.pong_timeout");
    if (ping_ms <= pong_ms)
        config_refuse(s, SLICE("client.pong_timeout"), "is \"%s\", allowed is less than client.ping_interval, \"%s\"",
                      config_ms_text(s, pong_ms), config_ms_text(s, ping_ms));
    const struct config_setting *origins = config_find(s, "client.allowed_origins");
    for (size_t i = 0; origins && i < origins->value.list_count; i++) {
        const struct slice pattern = slice_from_cstr(origins->value.list[i]);
        if (!policy_glob_valid(pattern))
            config_refuse(s, origins->path, "has \"%.80s\", allowed are patterns such as \"https://*.example.com\"",
                          origins->value.list[i]);
        for (size_t c = 0; c < pattern.len; c++) {
            if (pattern.ptr[c] < 'A' || pattern.ptr[c] > 'Z') continue;
            config_warn(s, origins->path, "has \"%.80s\", which matches nothing: origins are compared in lower case",
                        origins->value.list[i]);
            break;
        }
    }
}

static void check_trusted_proxies(struct config_settings *s)
{
    const struct config_setting *list = config_find(s, "trusted_proxies");
    for (size_t i = 0; list && i < list->value.list_count; i++) {
        if (!policy_address_valid(slice_from_cstr(list->value.list[i])))
            config_refuse(s, list->path, "has \"%.80s\", allowed are addresses and blocks such as \"10.0.0.0/8\"",
                          list->value.list[i]);
    }
}

static void check_insecure(struct config_settings *s)
{
    static const struct {
        const char *path, *meaning;
    } modes[] = {
        { "client.insecure", "every client may connect, subscribe and publish without a token" },
        { "client.insecure_skip_token_signature_verify", "every token is believed, whoever signed it" },
        { "http_api.insecure", "everybody who reaches the server API may use it without a key" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        if (config_get_bool(s, modes[i].path))
            config_warn(s, slice_from_cstr(modes[i].path), "is on: %s", modes[i].meaning);
    }
}

static void check_one_regex(struct config_settings *s, struct slice base, const char *option)
{
    const struct slice pattern = slice_from_cstr(config_get_text_at(s, base, option));
    char error[200] = "";
    if (pattern.len == 0) return;
    struct policy_regex *r = policy_regex_new(pattern, error, sizeof error);
    if (!r)
        config_refuse(s, config_format(s, "%s.%s", base.ptr, option),
                      "is \"%.80s\", allowed is a regular expression: %s", pattern.ptr, error);
    policy_regex_free(r);
}

static void check_exclusive(struct config_settings *s, struct slice base, const char *one, const char *other)
{
    if (config_get_text_at(s, base, one)[0] && config_get_text_at(s, base, other)[0])
        config_refuse(s, config_format(s, "%s.%s", base.ptr, other), "is set beside %s, allowed is one of the two",
                      one);
}

/* Raw PEM text only, as in Centrifugo: no path and no base64 of it. */
static void check_public_key(struct config_settings *s, struct slice base, const char *option,
                             enum crypto_key_type type)
{
    const struct slice text = slice_from_cstr(config_get_text_at(s, base, option));
    struct crypto_public_key *key = NULL;
    const char *why;
    if (text.len == 0) return;
    const struct slice path = config_format(s, "%s.%s", base.ptr, option);
    if (crypto_public_key_from_pem(text, type, &key, &why) != STATUS_OK)
        config_refuse(s, path, "%s", why);
    else if (type == CRYPTO_KEY_RSA && crypto_public_key_bits(key) < CRYPTO_RSA_BITS_RECOMMENDED)
        config_warn(s, path, "is an RSA key of %u bits, recommended are %d or more", crypto_public_key_bits(key),
                    CRYPTO_RSA_BITS_RECOMMENDED);
    crypto_public_key_free(key);
}

static void check_token(struct config_settings *s, struct slice base)
{
    const char *claim = config_get_text_at(s, base, "user_id_claim");
    for (const char *c = claim; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_') continue;
        config_refuse(s, config_format(s, "%s.user_id_claim", base.ptr), "is \"%.80s\", allowed are letters and \"_\"",
                      claim);
        break;
    }
    check_exclusive(s, base, "audience", "audience_regex");
    check_exclusive(s, base, "issuer", "issuer_regex");
    check_one_regex(s, base, "audience_regex");
    check_one_regex(s, base, "issuer_regex");
    check_public_key(s, base, "rsa_public_key", CRYPTO_KEY_RSA);
    check_public_key(s, base, "ecdsa_public_key", CRYPTO_KEY_EC);
    config_check_jwks(s, base);
}

/* Namespaces and proxies: letters, digits, "-", "_" and "."; consumers without the last two. */
static bool is_name(const char *name, const char *extra)
{
    const size_t len = strlen(name);
    for (const char *c = name; *c; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!plain && !strchr(extra, *c)) return false;
    }
    return len >= 2;
}

static void check_item_name(struct config_settings *s, const struct config_items *items, size_t index,
                            const char *extra)
{
    const char *name = config_item_name(s, items, index);
    const struct slice path = config_item_path(s, items, index, SLICE("name"));
    if (!is_name(name, extra))
        config_refuse(s, path, "is \"%.80s\", allowed are two or more letters, digits and \"%s\"", name, extra);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(config_item_name(s, items, i), name) != 0) continue;
        config_refuse(s, path, "is \"%.80s\", which another one of the list is called too", name);
        break;
    }
}

static void check_names(struct config_settings *s)
{
    static const struct {
        const char *list, *extra;
    } rows[] = {
        { "channel.namespaces", "-_." },
        { "rpc.namespaces", "-_." },
        { "proxies", "-_." },
        { "consumers", "_" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct config_items *items = config_items_of(s, rows[i].list);
        for (size_t j = 0; j < items->count; j++) check_item_name(s, items, j, rows[i].extra);
    }
}

/* Index of the namespace, or -1. */
static ptrdiff_t find_namespace(struct config_settings *s, const char *name)
{
    const struct config_items *items = config_items_of(s, "channel.namespaces");
    for (size_t i = 0; i < items->count; i++) {
        if (strcmp(config_item_name(s, items, i), name) == 0) return (ptrdiff_t)i;
    }
    return -1;
}

#define PERSONAL "client.subscribe_to_user_personal_channel"

static void check_personal(struct config_settings *s)
{
    if (!config_get_bool(s, PERSONAL ".enabled")) return;
    const char *name = config_get_text(s, PERSONAL ".personal_channel_namespace");
    struct slice base = SLICE("channel.without_namespace");
    if (name[0]) {
        const ptrdiff_t at = find_namespace(s, name);
        if (at < 0) {
            config_refuse(s, SLICE(PERSONAL ".personal_channel_namespace"),
                          "is \"%.80s\", allowed is the name of one of channel.namespaces", name);
            return;
        }
        base = config_item_path(s, config_items_of(s, "channel.namespaces"), (size_t)at, SLICE(""));
    }
    if (config_get_bool(s, PERSONAL ".single_connection") && !config_get_bool_at(s, base, "presence"))
        config_refuse(s, SLICE(PERSONAL ".single_connection"), "is \"true\", but needs \"%.*s.presence\" to be true",
                      SLICE_ARG(base));
}

static void check_internal_port(struct config_settings *s)
{
    const char *text = config_get_text(s, "http_server.internal_port");
    uint64_t port;
    if (text[0] && (!slice_to_u64(slice_from_cstr(text), &port) || port == 0 || port > UINT16_MAX))
        config_refuse(s, SLICE("http_server.internal_port"), "is \"%.80s\", allowed is a port from 1 to 65535", text);
}

static void check_pem(struct config_settings *s, struct slice base, const char *option, bool needed)
{
    const char *why, *text = config_get_text_at(s, base, option);
    const struct slice path = config_format(s, "%s.%s", base.ptr, option);
    if (text[0] && !config_pem_read(s, text, &why).ptr)
        config_refuse(s, path, "%s; allowed are PEM text, base64 of it, or the path of a file with it", why);
    else if (!text[0] && needed)
        config_refuse(s, path, "is not set, but %s.enabled is true, which needs it", base.ptr);
}

/* Whether the key is the certificate's is seen when the listener is made. */
static void check_tls(struct config_settings *s, struct slice base)
{
    if (!config_get_bool_at(s, base, "enabled")) return;
    check_pem(s, base, "cert_pem", true);
    check_pem(s, base, "key_pem", true);
    check_pem(s, base, "client_ca_pem", false);
}

static void check_log(struct config_settings *s)
{
    enum log_level level;
    const char *text = config_get_text(s, "log.level"), *format = config_get_text(s, "log.format");
    if (!log_level_from_name(slice_from_cstr(text), &level))
        config_warn(s, SLICE("log.level"),
                    "is \"%.80s\", allowed is none, trace, debug, info, warn, error or fatal; it counts as info", text);
    if (format[0] && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        config_refuse(s, SLICE("log.format"), "is \"%.80s\", allowed is \"text\" or \"json\"", format);
}

/* Bytes that need no escape in a path of a request. */
static bool is_prefix(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f || strchr("?#%\"<>\\", *c)) return false;
    }
    return text[0] == '/';
}

static void check_prefixes(struct config_settings *s)
{
    static const char *const paths[] = { "websocket.handler_prefix", "http_api.handler_prefix", "health.handler_prefix",
                                         "prometheus.handler_prefix", "init.handler_prefix" };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        const char *text = config_get_text(s, paths[i]);
        if (!is_prefix(text))
            config_refuse(s, slice_from_cstr(paths[i]), "is \"%.80s\", allowed is a path such as \"/a/b\"", text);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config_get_text(s, paths[j]), text) == 0)
                config_refuse(s, slice_from_cstr(paths[i]), "is \"%.80s\", as %s is, allowed is a path of its own",
                              text, paths[j]);
        }
    }
}

static void check_words(struct config_settings *s)
{
    const char *mode = config_get_text(s, "http_api.error_mode");
    if (mode[0] && strcmp(mode, "transport") != 0)
        config_refuse(s, SLICE("http_api.error_mode"), "is \"%.80s\", allowed is \"transport\" or nothing", mode);
    const char *format = config_get_text(s, "channel.publication_data_format");
    if (format[0] && strcmp(format, "json") != 0 && strcmp(format, "json_object") != 0 && strcmp(format, "binary") != 0)
        config_refuse(s, SLICE("channel.publication_data_format"),
                      "is \"%.80s\", allowed is \"json\", \"json_object\" or \"binary\"", format);
}

static void check_channels(struct config_settings *s)
{
    const struct config_items *items = config_items_of(s, "channel.namespaces");
    config_check_channel(s, SLICE("channel.without_namespace"));
    for (size_t i = 0; i < items->count; i++) config_check_channel(s, config_item_path(s, items, i, SLICE("")));
}

void config_check(struct config_settings *s)
{
    check_not_built(s);
    check_kinds(s);
    check_client(s);
    check_trusted_proxies(s);
    check_insecure(s);
    check_token(s, SLICE("client.token"));
    if (config_get_bool(s, "client.subscription_token.enabled")) check_token(s, SLICE("client.subscription_token"));
    check_names(s);
    check_personal(s);
    check_internal_port(s);
    check_tls(s, SLICE("http_server.tls"));
    check_tls(s, SLICE("http_server.internal_tls"));
    check_log(s);
    check_prefixes(s);
    check_words(s);
    check_channels(s);
}

/* Any file gives a configuration or an error, never both or neither; what is built keeps its promises, and a
 * report in JSON is JSON. Behind a NUL byte come variables of the environment, one to a line. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "config/config.h"
#include "json/json_reader.h"

#define VARIABLES_MAX 16

static void check_config(const struct config *c)
{
    const struct policy_deployment *d = c->deployment;
    CHECK(c->http_port > 0 && c->websocket_prefix[0] == '/' && c->api_prefix[0] == '/');
    CHECK(d->limits.ping_interval_ms > d->limits.pong_timeout_ms);
    for (size_t i = 0; i < d->namespace_count; i++) {
        const struct policy_channel_options *o = &d->namespaces[i].options;
        CHECK((o->history_size > 0) == (o->history_ttl_ms > 0));
        CHECK(o->history_meta_ttl_ms >= o->history_ttl_ms && o->history_meta_ttl_ms > 0);
        CHECK(!o->force_recovery || policy_history_on(o));
        CHECK(i == 0 || strcmp(d->namespaces[i - 1].name, d->namespaces[i].name) < 0);
    }
}

static void check_report(const struct config_report *report)
{
    struct buf json;
    buf_init(&json, BUF_NO_LIMIT);
    config_report_write(report, &json, true);
    CHECK(buf_ok(&json) && json_valid(buf_slice(&json), JSON_DEPTH_DEFAULT));
    buf_clear(&json);
    config_report_write(report, &json, false);
    for (size_t i = 0; i < json.len; i++) CHECK(json.ptr[i] == '\n' || (unsigned char)json.ptr[i] >= 0x20);
    buf_deinit(&json);
}

/* Cuts text at its newlines, in place. */
static void split(char *text, char **variables)
{
    size_t count = 0;
    while (text && count < VARIABLES_MAX) {
        char *newline = strchr(text, '\n');
        if (newline) *newline++ = '\0';
        variables[count++] = text;
        text = newline;
    }
    variables[count] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice whole = slice_of(data, size);
    const ptrdiff_t nul = slice_index(whole, '\0');
    const struct slice file = nul < 0 ? whole : slice_head(whole, (size_t)nul);
    const struct slice rest = nul < 0 ? (struct slice){ 0 } : slice_from(whole, (size_t)nul + 1);
    char *text = malloc(rest.len + 1), *exact = malloc(file.len + 1), *variables[VARIABLES_MAX + 1];
    CHECK(text && exact);
    if (rest.len) memcpy(text, rest.ptr, rest.len);
    text[rest.len] = '\0';
    split(text, variables);
    if (file.len) memcpy(exact + 1, file.ptr, file.len);
    struct config_report report;
    config_report_init(&report);
    const struct config_source source = { .environ = variables };
    struct config *c = config_load_text(&source, "fuzz.json", slice_of(exact + 1, file.len), &report);
    CHECK((c != NULL) == (report.error_count == 0));
    if (c) check_config(c);
    check_report(&report);
    config_free(c);
    config_report_deinit(&report);
    free(text);
    free(exact);
    return 0;
}

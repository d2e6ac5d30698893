#include "http/http_head.h"

#include "base/check.h"
#include "http/http_chars.h"
#include "http/http_uri.h"

/* A bad byte may be the cause of many a failure: name the worst one in the line, else
 * what failed. */
static enum http_error __attribute__((cold)) blame(struct slice line, enum http_error otherwise)
{
    if (slice_index(line, '\r') >= 0) return HTTP_ERROR_BARE_CR;
    return http_value_valid(line) ? otherwise : HTTP_ERROR_CONTROL_BYTE;
}

static enum http_method method_of(struct slice name)
{
    static const struct slice NAMES[] = {
#define METHOD_NAME(name) { #name, sizeof #name - 1 },
        HTTP_METHOD_LIST(METHOD_NAME)
#undef METHOD_NAME
    };
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++)
        if (slice_eq(name, NAMES[i])) return (enum http_method)i;
    return HTTP_METHOD_OTHER;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum http_error read_version(struct slice version, struct http_request *req)
{
    bool shaped = version.len == 8 && slice_starts_with(version, SLICE("HTTP/")) && is_digit(version.ptr[5]) &&
                  version.ptr[6] == '.' && is_digit(version.ptr[7]);
    if (!shaped) return HTTP_ERROR_VERSION_SYNTAX;
    if (version.ptr[5] != '1' || version.ptr[7] > '1') return HTTP_ERROR_VERSION;
    req->minor_version = (uint8_t)(version.ptr[7] - '0');
    return HTTP_ERROR_NONE;
}

static enum http_error read_target(struct slice text, struct http_request *req)
{
    size_t good = http_span(text, HTTP_CHAR_TARGET);
    if (good < text.len) return text.ptr[good] == '#' ? HTTP_ERROR_TARGET_FRAGMENT : HTTP_ERROR_TARGET_BYTE;
    if (req->method == HTTP_METHOD_CONNECT) return HTTP_ERROR_CONNECT;
    struct http_target target;
    if (!http_target_split(text, &target)) return HTTP_ERROR_TARGET_FORM;
    if (target.form == HTTP_TARGET_ASTERISK && req->method != HTTP_METHOD_OPTIONS) return HTTP_ERROR_TARGET_FORM;
    req->target = text;
    req->path = target.path;
    req->query = target.query;
    req->host = target.authority;
    return HTTP_ERROR_NONE;
}

static enum http_error read_request_line(struct slice line, struct http_request *req)
{
    size_t method_len = http_token_len(line);
    if (method_len == 0) return HTTP_ERROR_METHOD;
    if (method_len == line.len) return HTTP_ERROR_REQUEST_LINE;
    if (line.ptr[method_len] != ' ') return HTTP_ERROR_METHOD;
    struct slice rest = slice_from(line, method_len + 1);
    ptrdiff_t space = slice_index(rest, ' ');
    if (space < 0) return HTTP_ERROR_NO_VERSION;
    struct slice version = slice_from(rest, (size_t)space + 1);
    if (space == 0 || slice_index(version, ' ') >= 0) return HTTP_ERROR_REQUEST_LINE;
    req->method_name = slice_head(line, method_len);
    req->method = method_of(req->method_name);
    enum http_error error = read_version(version, req);
    return error ? error : read_target(slice_head(rest, (size_t)space), req);
}

enum http_error http_head_request_line(struct slice line, struct http_request *req)
{
    enum http_error error = read_request_line(line, req);
    return error ? blame(line, error) : HTTP_ERROR_NONE;
}

/* Why the name, which ends at index len of the line, has no colon after it. */
static enum http_error __attribute__((cold)) name_error(struct slice line, size_t len)
{
    if (len == line.len) return HTTP_ERROR_NO_COLON;
    bool blank = line.ptr[len] == ' ' || line.ptr[len] == '\t';
    if (len == 0) return blank ? HTTP_ERROR_FOLDED_LINE : HTTP_ERROR_HEADER_NAME;
    struct slice rest = slice_trim(slice_from(line, len));
    return blank && rest.len > 0 && rest.ptr[0] == ':' ? HTTP_ERROR_SPACE_BEFORE_COLON : HTTP_ERROR_HEADER_NAME;
}

enum http_error http_head_header_line(struct slice line, struct http_header *out)
{
    size_t name_len = http_token_len(line);
    if (name_len == 0 || name_len == line.len || line.ptr[name_len] != ':')
        return blame(line, name_error(line, name_len));
    const char *start = line.ptr + name_len + 1, *end = line.ptr + line.len;
    while (start < end && (*start == ' ' || *start == '\t')) start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) end--;
    struct slice value = slice_of(start, (size_t)(end - start));
    if (!http_value_valid(value)) return blame(line, HTTP_ERROR_CONTROL_BYTE);
    out->name = slice_head(line, name_len);
    out->value = value;
    return HTTP_ERROR_NONE;
}

static enum http_error on_host(struct http_request *req, struct slice value)
{
    if (req->has_host) return HTTP_ERROR_HOST_REPEATED;
    if (!http_authority_valid(value)) return HTTP_ERROR_HOST_INVALID;
    req->has_host = true;
    /* The authority of an absolute target goes before it (RFC 9112 section 3.2.2). */
    if (req->host.len == 0) req->host = value;
    return HTTP_ERROR_NONE;
}

/* More than 19 digits are refused as they are: leading zeros serve nobody but those
 * who hope that two readers disagree. */
static enum http_error on_content_length(struct http_request *req, struct slice value)
{
    if (req->has_content_length) return HTTP_ERROR_LENGTH_REPEATED;
    for (size_t i = 0; i < value.len; i++)
        if (!is_digit(value.ptr[i])) return HTTP_ERROR_LENGTH_INVALID;
    if (value.len == 0) return HTTP_ERROR_LENGTH_INVALID;
    uint64_t length;
    if (value.len > 19 || !slice_to_u64(value, &length) || length > INT64_MAX) return HTTP_ERROR_LENGTH_HUGE;
    req->has_content_length = true;
    req->content_length = length;
    return HTTP_ERROR_NONE;
}

/* Another coding before a last chunked is one we lack (501); anything else leaves the
 * length of the body open (400, RFC 9112 section 6.3). */
static enum http_error on_transfer_encoding(struct http_request *req, struct slice value)
{
    if (req->chunked) return HTTP_ERROR_CODING_REPEATED;
    if (slice_eq_nocase(value, SLICE("chunked"))) {
        req->chunked = true;
        return HTTP_ERROR_NONE;
    }
    ptrdiff_t comma = slice_last_index(value, ',');
    struct slice last = comma < 0 ? value : slice_trim(slice_from(value, (size_t)comma + 1));
    return comma > 0 && slice_eq_nocase(last, SLICE("chunked")) ? HTTP_ERROR_CODING_UNKNOWN : HTTP_ERROR_CODING_INVALID;
}

static enum http_error on_connection(struct http_request *req, struct slice value)
{
    struct slice token;
    while (http_header_next_token(&value, &token)) {
        req->connection_close |= slice_eq_nocase(token, SLICE("close"));
        req->connection_keep_alive |= slice_eq_nocase(token, SLICE("keep-alive"));
        req->connection_upgrade |= slice_eq_nocase(token, SLICE("upgrade"));
    }
    return HTTP_ERROR_NONE;
}

static enum http_error on_expect(struct http_request *req, struct slice value)
{
    if (req->minor_version == 0) return HTTP_ERROR_NONE; /* to be ignored: RFC 9110 section 10.1.1 */
    if (!slice_eq_nocase(value, SLICE("100-continue"))) return HTTP_ERROR_EXPECTATION;
    req->expects_continue = true;
    return HTTP_ERROR_NONE;
}

static enum http_error on_upgrade(struct http_request *req, struct slice value)
{
    req->upgrade_websocket |= http_header_has_token(value, SLICE("websocket"));
    return HTTP_ERROR_NONE;
}

/* The headers that decide what the codec does. */
static const struct {
    struct slice name;
    enum http_error (*on)(struct http_request *req, struct slice value);
} HEADERS[] = {
    { { "host", 4 }, on_host },
    { { "connection", 10 }, on_connection },
    { { "content-length", 14 }, on_content_length },
    { { "transfer-encoding", 17 }, on_transfer_encoding },
    { { "expect", 6 }, on_expect },
    { { "upgrade", 7 }, on_upgrade },
};

static enum http_error on_header(struct http_request *req, const struct http_header *header)
{
    for (size_t i = 0; i < ARRAY_COUNT(HEADERS); i++)
        if (header->name.len == HEADERS[i].name.len && slice_eq_nocase(header->name, HEADERS[i].name))
            return HEADERS[i].on(req, header->value);
    return HTTP_ERROR_NONE;
}

static void clear_facts(struct http_request *req)
{
    req->content_length = 0;
    req->has_host = req->has_content_length = req->chunked = false;
    req->keep_alive = req->expects_continue = req->upgrade_websocket = false;
    req->connection_close = req->connection_upgrade = req->connection_keep_alive = false;
}

enum http_error http_head_finish(struct http_request *req)
{
    clear_facts(req);
    for (size_t i = 0; i < req->header_count; i++) {
        enum http_error error = on_header(req, &req->headers[i]);
        if (error) return error;
    }
    if (req->minor_version == 1 && !req->has_host) return HTTP_ERROR_HOST_MISSING;
    if (req->chunked && req->has_content_length) return HTTP_ERROR_LENGTH_AND_CODING;
    if (req->chunked && req->minor_version == 0) return HTTP_ERROR_CODING_IN_1_0;
    req->keep_alive = !req->connection_close && (req->minor_version == 1 || req->connection_keep_alive);
    req->expects_continue = req->expects_continue && http_request_has_body(req);
    return HTTP_ERROR_NONE;
}

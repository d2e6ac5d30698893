#include "http/http_request.h"

#include "base/mem.h"

bool http_request_header_next(const struct http_request *req, struct slice name, size_t *index, struct slice *value)
{
    for (size_t i = *index; i < req->header_count; i++) {
        if (req->headers[i].name.len != name.len || !slice_eq_nocase(req->headers[i].name, name)) continue;
        *index = i + 1;
        *value = req->headers[i].value;
        return true;
    }
    *index = req->header_count;
    return false;
}

struct slice http_request_header(const struct http_request *req, struct slice name)
{
    size_t index = 0;
    struct slice value = { NULL, 0 };
    (void)http_request_header_next(req, name, &index, &value);
    return value;
}

bool http_header_next_token(struct slice *list, struct slice *token)
{
    while (list->len > 0) {
        ptrdiff_t comma = slice_index(*list, ',');
        struct slice member = slice_trim(comma < 0 ? *list : slice_head(*list, (size_t)comma));
        *list = slice_from(*list, comma < 0 ? list->len : (size_t)comma + 1);
        if (member.len == 0) continue;
        *token = member;
        return true;
    }
    return false;
}

bool http_header_has_token(struct slice value, struct slice token)
{
    struct slice member;
    while (http_header_next_token(&value, &member))
        if (slice_eq_nocase(member, token)) return true;
    return false;
}

bool http_request_has_token(const struct http_request *req, struct slice name, struct slice token)
{
    size_t index = 0;
    struct slice value;
    while (http_request_header_next(req, name, &index, &value))
        if (http_header_has_token(value, token)) return true;
    return false;
}

bool http_request_is_websocket(const struct http_request *req)
{
    return req->method == HTTP_METHOD_GET && req->minor_version == 1 && req->connection_upgrade &&
           req->upgrade_websocket && !http_request_has_body(req);
}

/* The same place in the copy at to; slices of static memory (the path "/") stay. */
static struct slice moved(struct slice s, struct slice from, const char *to)
{
    uintptr_t at = (uintptr_t)s.ptr, start = (uintptr_t)from.ptr;
    if (s.ptr == NULL || at < start || at >= start + from.len) return s;
    return slice_of(to + (at - start), s.len);
}

struct http_request *http_request_copy(const struct http_request *req)
{
    size_t headers_bytes = req->header_count * sizeof(struct http_header);
    char *block = mem_alloc(sizeof *req + headers_bytes + req->head.len);
    if (!block) return NULL;
    struct http_request *copy = (struct http_request *)(void *)block;
    struct http_header *headers = (struct http_header *)(void *)(block + sizeof *req);
    char *bytes = block + sizeof *req + headers_bytes;
    memcpy(bytes, req->head.ptr, req->head.len);
    *copy = *req;
    struct slice *fields[] = { &copy->method_name, &copy->target, &copy->path, &copy->query, &copy->host };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = moved(*fields[i], req->head, bytes);
    for (size_t i = 0; i < req->header_count; i++) {
        headers[i].name = moved(req->headers[i].name, req->head, bytes);
        headers[i].value = moved(req->headers[i].value, req->head, bytes);
    }
    copy->head = slice_of(bytes, req->head.len);
    copy->headers = headers;
    return copy;
}

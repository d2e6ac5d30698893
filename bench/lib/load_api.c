#include "bench/lib/load_api.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/server_process.h"
#include "bench/lib/wire.h"

#define CONNECT_TIMEOUT_MS 5000
#define UNREAD_LEN_MAX     (64 * 1024)

static void write_request(struct load_api *api, const char *name_space)
{
    struct buf body, request;
    buf_init(&body, BUF_NO_LIMIT);
    buf_init(&request, BUF_NO_LIMIT);
    buf_printf(&body, "{\"channel\":\"%s:%0*u\",\"data\":%.*s}", name_space, WIRE_DIGITS, 0u,
               SLICE_ARG(wire_payload()));
    buf_printf(&request,
               "POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               SERVER_API_KEY, body.len);
    api->channel_at = request.len + strlen("{\"channel\":\"") + WIRE_NAMESPACE_LEN + 1;
    buf_append(&request, buf_slice(&body));
    CHECK(buf_ok(&request) && buf_ok(&body));
    api->request_len = request.len;
    api->requests = mem_must_alloc(request.len * LOAD_API_PIPELINE_MAX);
    for (size_t i = 0; i < LOAD_API_PIPELINE_MAX; i++)
        memcpy(api->requests + i * request.len, request.ptr, request.len);
    buf_deinit(&body);
    buf_deinit(&request);
}

/* Length of the whole answer at the front; 0 = incomplete. */
static size_t answer_len(struct slice in)
{
    static const struct slice name = SLICE("\r\nContent-Length:");
    const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    struct slice head = slice_of(in.ptr, (size_t)(end - in.ptr));
    uint64_t body_len = UINT64_MAX;
    for (size_t i = 0; i + name.len < head.len; i++) {
        if (!slice_eq_nocase(slice_head(slice_from(head, i), name.len), name)) continue;
        struct slice value = slice_from(head, i + name.len);
        ptrdiff_t line_end = slice_index(value, '\r');
        if (!slice_to_u64(slice_trim(line_end < 0 ? value : slice_head(value, (size_t)line_end)), &body_len)) break;
    }
    if (!slice_starts_with(in, SLICE("HTTP/1.1 200 ")) || body_len == UINT64_MAX)
        load_fail("publish refused: %.*s", SLICE_ARG(in));
    size_t len = head.len + 4 + body_len;
    if (in.len < len) return 0;
    if (memmem(in.ptr + head.len, len - head.len, "\"result\"", 8) == NULL)
        load_fail("publish failed: %.*s", SLICE_ARG(slice_head(in, len)));
    return len;
}

static void on_ready(struct load_source *source, uint32_t events)
{
    struct load_api *api = container_of(source, struct load_api, source);
    ssize_t got = recv(source->fd, api->unread + api->unread_len, UNREAD_LEN_MAX - api->unread_len, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) load_fail("API connection ended by the server: %s", got < 0 ? strerror(errno) : "end");
    struct slice in = slice_of(api->unread, api->unread_len + (size_t)got);
    uint64_t answered_before = api->answered;
    for (size_t len; in.len != 0 && (len = answer_len(in)) != 0; in = slice_from(in, len)) api->answered++;
    memmove(api->unread, in.ptr, in.len);
    api->unread_len = in.len;
    if (api->answered > api->asked) load_fail("more answers than requests");
    if (api->answered != answered_before && api->on_answers != NULL) api->on_answers(api);
}

void load_api_init(struct load_api *api, struct load_loop *loop, uint16_t port, const char *name_space)
{
    *api = (struct load_api){ .loop = loop };
    write_request(api, name_space);
    api->unread = mem_must_alloc(UNREAD_LEN_MAX);
    api->source.on_ready = on_ready;
    api->source.fd = load_connect(port, 0);
    struct pollfd writable = { .fd = api->source.fd, .events = POLLOUT };
    if (poll(&writable, 1, CONNECT_TIMEOUT_MS) != 1 || (writable.revents & (POLLERR | POLLHUP)))
        load_fail("the server does not accept an API connection on port %u", port);
    load_loop_add(loop, &api->source, EPOLLIN);
}

void load_api_publish(struct load_api *api, uint32_t first, uint32_t step, uint32_t channel_count, uint32_t count)
{
    CHECK(count <= LOAD_API_PIPELINE_MAX);
    for (uint32_t i = 0; i < count; i++)
        wire_digits(api->requests + i * api->request_len + api->channel_at, (first + i * step) % channel_count);
    size_t len = count * api->request_len;
    if (send(api->source.fd, api->requests, len, MSG_NOSIGNAL) != (ssize_t)len)
        load_fail("publish: send: %s", strerror(errno));
    api->asked += count;
}

void load_api_deinit(struct load_api *api)
{
    load_source_close(&api->source);
    mem_free(api->requests);
    mem_free(api->unread);
}

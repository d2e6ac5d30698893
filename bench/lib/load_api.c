#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#define UNREAD_LEN_MIN     (64 * 1024)
#define UNREAD_LEN_MAX     (64 * 1024 * 1024)

static const char *const paths[] = {
    [LOAD_CALL_PUBLISH] = "publish", [LOAD_CALL_BATCH] = "batch", [LOAD_CALL_PRESENCE] = "presence"
};

static void write_entry(struct load_api *api, struct buf *body, const struct load_api_options *options)
{
    size_t at = body->len;
    if (options->call == LOAD_CALL_BATCH) buf_append(body, SLICE("{\"publish\":"));
    buf_append(body, SLICE("{\"channel\":\""));
    if (api->entries == 0) api->channel_at = body->len + WIRE_NAMESPACE_LEN + 1;
    buf_printf(body, "%s:%0*u\"", options->name_space, WIRE_DIGITS, 0u);
    if (options->call != LOAD_CALL_PRESENCE) buf_printf(body, ",\"data\":%.*s", SLICE_ARG(wire_payload()));
    buf_append(body, options->call == LOAD_CALL_BATCH ? SLICE("}},") : SLICE("}"));
    api->entry_step = body->len - at;
    api->entries++;
}

static void write_body(struct load_api *api, struct buf *body, const struct load_api_options *options)
{
    if (options->call != LOAD_CALL_BATCH) {
        write_entry(api, body, options);
        return;
    }
    buf_append(body, SLICE("{\"commands\":["));
    for (uint32_t i = 0; i < options->batch; i++) write_entry(api, body, options);
    body->len--; /* the last comma */
    buf_append(body, SLICE("]}"));
}

static void write_request(struct load_api *api, const struct load_api_options *options)
{
    struct buf body, request;
    buf_init(&body, BUF_NO_LIMIT);
    buf_init(&request, BUF_NO_LIMIT);
    write_body(api, &body, options);
    buf_printf(&request,
               "POST /api/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               paths[options->call], SERVER_API_KEY, body.len);
    api->channel_at += request.len;
    buf_append(&request, buf_slice(&body));
    CHECK(buf_ok(&request) && buf_ok(&body));
    api->request_len = request.len;
    api->requests = mem_must_alloc(request.len * LOAD_API_PIPELINE_MAX);
    for (size_t i = 0; i < LOAD_API_PIPELINE_MAX; i++)
        memcpy(api->requests + i * request.len, request.ptr, request.len);
    buf_deinit(&body);
    buf_deinit(&request);
}

/* UINT64_MAX: the head names none. */
static uint64_t content_length(struct slice head)
{
    static const struct slice name = SLICE("\r\nContent-Length:");
    uint64_t len = UINT64_MAX;
    for (size_t i = 0; i + name.len < head.len; i++) {
        if (!slice_eq_nocase(slice_head(slice_from(head, i), name.len), name)) continue;
        struct slice value = slice_from(head, i + name.len);
        ptrdiff_t line_end = slice_index(value, '\r');
        if (!slice_to_u64(slice_trim(line_end < 0 ? value : slice_head(value, (size_t)line_end)), &len)) break;
    }
    return len;
}

/* Length of the whole answer at the front; 0 = incomplete. */
static size_t answer_len(struct slice in)
{
    static const struct slice chunks_end = SLICE("\r\n0\r\n\r\n");
    const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    struct slice head = slice_of(in.ptr, (size_t)(end - in.ptr));
    uint64_t body_len = content_length(head);
    bool is_chunked = body_len == UINT64_MAX && memmem(head.ptr, head.len, "chunked", 7) != NULL;
    if (!slice_starts_with(in, SLICE("HTTP/1.1 200 ")) || (body_len == UINT64_MAX && !is_chunked))
        bench_fail("call refused: %.*s", SLICE_ARG(slice_head(in, 1000)));
    size_t len = head.len + 4 + body_len;
    if (is_chunked) /* long answers of Centrifugo; one at a time is asked for, so its end is the end of all */
        len = slice_eq(slice_from(in, in.len - chunks_end.len), chunks_end) ? in.len : SIZE_MAX;
    if (in.len < len) return 0;
    struct slice body = slice_of(in.ptr + head.len, len - head.len);
    if (memmem(body.ptr, body.len, "\"error\"", 7) != NULL || memmem(body.ptr, body.len, "{\"re", 4) == NULL)
        bench_fail("call failed: %.*s", SLICE_ARG(slice_head(body, 1000)));
    return len;
}

static void make_room(struct load_api *api)
{
    if (api->unread_len < api->unread_cap) return;
    api->unread_cap *= 2;
    char *more = api->unread_cap > UNREAD_LEN_MAX ? NULL : mem_realloc(api->unread, api->unread_cap);
    if (more == NULL) bench_fail("an answer is too long");
    api->unread = more;
}

static void on_ready(struct load_source *source, uint32_t events)
{
    struct load_api *api = container_of(source, struct load_api, source);
    make_room(api);
    ssize_t got = recv(source->fd, api->unread + api->unread_len, api->unread_cap - api->unread_len, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) bench_fail("API connection ended by the server: %s", got < 0 ? strerror(errno) : "end");
    struct slice in = slice_of(api->unread, api->unread_len + (size_t)got);
    uint64_t answered_before = api->answered;
    for (size_t len; in.len != 0 && (len = answer_len(in)) != 0; in = slice_from(in, len)) api->answered++;
    memmove(api->unread, in.ptr, in.len);
    api->unread_len = in.len;
    if (api->answered > api->asked) bench_fail("more answers than requests");
    if (api->answered != answered_before && api->on_answers != NULL) api->on_answers(api);
}

static int connect_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct timeval timeout = { .tv_sec = CONNECT_TIMEOUT_MS / 1000 };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        bench_fail("the server does not accept an API connection on port %u: %s", port, strerror(errno));
    return fd;
}

void load_api_init(struct load_api *api, struct load_loop *loop, const struct load_api_options *options)
{
    *api = (struct load_api){ .loop = loop, .unread_cap = UNREAD_LEN_MIN };
    write_request(api, options);
    api->unread = mem_must_alloc(api->unread_cap);
    api->source.on_ready = on_ready;
    api->source.fd = connect_to(options->server->api_port);
    if (load_loop_add(loop, &api->source, EPOLLIN) != STATUS_OK) bench_fail("epoll_ctl: %s", strerror(errno));
}

void load_api_call(struct load_api *api, uint32_t first, uint32_t step, uint32_t channel_count, uint32_t count)
{
    CHECK(count <= LOAD_API_PIPELINE_MAX);
    for (uint32_t i = 0; i < count * api->entries; i++) {
        char *digits =
            api->requests + i / api->entries * api->request_len + api->channel_at + i % api->entries * api->entry_step;
        wire_digits(digits, (first + i * step) % channel_count);
    }
    size_t len = count * api->request_len;
    if (send(api->source.fd, api->requests, len, MSG_NOSIGNAL) != (ssize_t)len)
        bench_fail("call: send: %s", strerror(errno));
    api->asked += count;
}

void load_api_deinit(struct load_api *api)
{
    load_source_close(&api->source, true);
    mem_free(api->requests);
    mem_free(api->unread);
}

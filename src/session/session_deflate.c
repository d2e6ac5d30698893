#include "base/mem.h"
#include "session/session_parts.h"
#include "ws/ws_deflate.h"
#include "ws/ws_deflate_offer.h"

#define WINDOW_COUNT (WS_DEFLATE_WINDOW_BITS_MAX - WS_DEFLATER_WINDOW_BITS_MIN + 1)

/* What compresses for one size of window. */
struct window {
    struct ws_deflater *deflater; /* owned or NULL */
    /* The last message for a smaller window, and the result: the next client in the
     * channel's list wants the same. One reference each, or NULL. */
    struct blob *plain, *packed;
};

/* Made when the first message needs it: a worker without compressing clients has none. */
struct session_deflate {
    struct window windows[WINDOW_COUNT];
    struct ws_inflater *inflater; /* owned or NULL */
};

/* Whoever encodes a publication first does it for all workers, and is given nothing but
 * the publication: its worker is the thread's. */
static _Thread_local struct session_host *thread_host;

void session_deflate_use(struct session_host *host)
{
    thread_host = host;
}

void session_deflate_deinit(struct session_host *host)
{
    struct session_deflate *d = host->deflate;
    if (thread_host == host) thread_host = NULL;
    if (!d) return;
    for (size_t i = 0; i < WINDOW_COUNT; i++) {
        ws_deflater_free(d->windows[i].deflater);
        blob_unref(d->windows[i].plain);
        blob_unref(d->windows[i].packed);
    }
    ws_inflater_free(d->inflater);
    mem_free(d);
    host->deflate = NULL;
}

static struct session_deflate *parts_of(struct session_host *host)
{
    if (!host->deflate) host->deflate = mem_alloc_zero(sizeof *host->deflate);
    return host->deflate;
}

static const struct policy_limits *limits_of(const struct session_host *host)
{
    return &host->engine->policy->deployment->limits;
}

/* ---- out ---- */

static struct window *window_of(struct session_host *host, int bits)
{
    struct session_deflate *d = parts_of(host);
    return d ? &d->windows[bits - WS_DEFLATER_WINDOW_BITS_MIN] : NULL;
}

/* One of the level that is configured now: a reload may have changed it. */
static struct ws_deflater *deflater_of(struct session_host *host, int bits)
{
    struct window *w = window_of(host, bits);
    const int level = limits_of(host)->websocket_compression_level;
    if (!w) return NULL;
    if (w->deflater && ws_deflater_level(w->deflater) != level) {
        ws_deflater_free(w->deflater);
        w->deflater = NULL;
    }
    if (!w->deflater) w->deflater = ws_deflater_new(level, bits);
    return w->deflater;
}

/* NULL: it goes plain. */
static struct blob *compressed(struct session_host *host, const struct blob *plain, int bits)
{
    if (plain->body_len < limits_of(host)->websocket_compressed_bytes_min) return NULL;
    if (plain->body_len < WS_DEFLATE_BODY_LEN_MIN) return NULL;
    struct ws_deflater *deflater = deflater_of(host, bits);
    if (!deflater) return NULL;
    const struct slice body = slice_of(plain->bytes + plain->header_len, plain->body_len);
    return ws_deflater_frame(deflater, (enum ws_opcode)plain->flags, body);
}

struct blob *session_deflate_publication(struct blob *plain)
{
    struct blob *frame = thread_host ? compressed(thread_host, plain, WS_DEFLATE_WINDOW_BITS_MAX) : NULL;
    return frame ? frame : blob_ref(plain);
}

/* Windows below the largest have no wire form of their own: the worker compresses once
 * for all its clients with that window. NULL: it goes plain. */
static struct blob *compressed_for_window(struct session_host *host, struct blob *plain, int bits)
{
    struct window *w = window_of(host, bits);
    if (!w) return NULL;
    if (w->plain != plain) {
        blob_unref(w->plain);
        blob_unref(w->packed);
        w->plain = blob_ref(plain);
        w->packed = compressed(host, plain, bits);
    }
    return w->packed ? blob_ref(w->packed) : NULL;
}

struct blob *session_deflate_message(struct session *s, struct blob *message)
{
    int bits = s->window_bits;
    if (message->kind == BLOB_RAW) return message; /* a publication that is compressed already */
    if (bits < WS_DEFLATER_WINDOW_BITS_MIN) {
        /* zlib has no such window; but no message refers back over more than itself */
        if (message->body_len > (size_t)1 << bits) return message;
        bits = WS_DEFLATER_WINDOW_BITS_MIN;
    }
    struct blob *frame = bits < WS_DEFLATE_WINDOW_BITS_MAX ? compressed_for_window(s->host, message, bits)
                                                           : compressed(s->host, message, bits);
    if (!frame) return message;
    blob_unref(message);
    return frame;
}

/* ---- in ---- */

enum status session_deflate_open(struct session_host *host, struct slice payload, struct slice *message)
{
    struct session_deflate *d = parts_of(host);
    if (d && !d->inflater) d->inflater = ws_inflater_new();
    if (!d || !d->inflater) return STATUS_NO_MEMORY;
    return ws_inflater_message(d->inflater, payload, limits_of(host)->websocket_inflated_bytes_max, message);
}

void session_deflate_release(struct session_host *host)
{
    if (host->deflate && host->deflate->inflater) ws_inflater_release(host->deflate->inflater);
}

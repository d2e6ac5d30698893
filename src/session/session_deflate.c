#include "base/mem.h"
#include "session/session_parts.h"
#include "ws/ws_deflate.h"
#include "ws/ws_deflate_offer.h"

/* Made when the first message needs it: a worker without compressing clients has none. */
struct session_deflate {
    struct ws_deflater *deflater; /* owned or NULL */
    struct ws_inflater *inflater; /* owned or NULL */
    /* The last message compressed for a smaller window, and the result: the next client
     * in the channel's list wants the same. One reference each, or NULL. */
    struct blob *plain, *packed;
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
    ws_deflater_free(d->deflater);
    ws_inflater_free(d->inflater);
    blob_unref(d->plain);
    blob_unref(d->packed);
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

/* One of the level that is configured now: a reload may have changed it. */
static struct ws_deflater *deflater_of(struct session_host *host)
{
    struct session_deflate *d = parts_of(host);
    const int level = limits_of(host)->websocket_compression_level;
    if (!d) return NULL;
    if (d->deflater && ws_deflater_level(d->deflater) != level) {
        ws_deflater_free(d->deflater);
        d->deflater = NULL;
    }
    if (!d->deflater) d->deflater = ws_deflater_new(level);
    return d->deflater;
}

/* NULL: it goes plain. */
static struct blob *compressed(struct session_host *host, const struct blob *plain)
{
    if (plain->body_len < limits_of(host)->websocket_compressed_bytes_min || plain->body_len < WS_DEFLATE_BODY_LEN_MIN)
        return NULL;
    struct ws_deflater *deflater = deflater_of(host);
    if (!deflater) return NULL;
    const struct slice body = slice_of(plain->bytes + plain->header_len, plain->body_len);
    return ws_deflater_frame(deflater, (enum ws_opcode)plain->flags, body);
}

struct blob *session_deflate_publication(struct blob *plain)
{
    struct blob *frame = thread_host ? compressed(thread_host, plain) : NULL;
    return frame ? frame : blob_ref(plain);
}

/* Shared by all clients with small windows; NULL: it goes plain. */
static struct blob *compressed_for_small_window(struct session_host *host, struct blob *plain)
{
    struct session_deflate *d = parts_of(host);
    if (!d) return NULL;
    if (d->plain != plain) {
        blob_unref(d->plain);
        blob_unref(d->packed);
        d->plain = blob_ref(plain);
        d->packed = compressed(host, plain);
    }
    return d->packed ? blob_ref(d->packed) : NULL;
}

struct blob *session_deflate_message(struct session *s, struct blob *message)
{
    if (message->kind == BLOB_RAW) return message; /* a publication that is compressed already */
    const bool small = s->window_bits < WS_DEFLATE_WINDOW_BITS_MAX;
    /* A message never refers back over more than its own length, so one that is no longer
     * than the window needs no compressor of that window; a longer one goes plain. */
    if (small && message->body_len > (size_t)1 << s->window_bits) return message;
    struct blob *frame = small ? compressed_for_small_window(s->host, message) : compressed(s->host, message);
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

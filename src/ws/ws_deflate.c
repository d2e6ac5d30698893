#include "ws/ws_deflate.h"

#include <zlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "ws/ws_encoder.h"

#define WINDOW_BITS_MAX 15 /* zlib is told the negative: without the header and the sum of its own format */
#define MEMORY_LEVEL    8  /* zlib's default */
#define KEPT_BYTES_MAX  ((size_t)64 << 10)
#define OUT_CHUNK_MIN   ((size_t)4096)
#define OUT_CHUNK_MAX   ((size_t)1 << 30) /* zlib counts in 32 bits */
#define LEVEL_HUFFMAN   (-2)
#define AT_BLOCK_BORDER 128 /* in data_type, see inflate() in zlib.h */

/* What a flush ends with and a message goes without (section 7.2.1). */
static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

struct ws_deflater {
    z_stream stream;
    struct buf out;
    int level;
};

struct ws_inflater {
    z_stream stream;
    struct buf out;
};

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    return mem_alloc((size_t)count * size);
}

static void zlib_free(void *opaque, void *ptr)
{
    mem_free(ptr);
}

static void set_allocator(z_stream *stream)
{
    stream->zalloc = zlib_alloc;
    stream->zfree = zlib_free;
}

static void set_input(z_stream *stream, struct slice in)
{
    stream->next_in = (Bytef *)(uintptr_t)in.ptr;
    stream->avail_in = (uInt)in.len;
}

static void give_back(struct buf *out)
{
    if (out->cap > KEPT_BYTES_MAX) buf_deinit(out);
}

/* ---- out ---- */

struct ws_deflater *ws_deflater_new(int level, int window_bits)
{
    CHECK(window_bits >= WS_DEFLATER_WINDOW_BITS_MIN && window_bits <= WINDOW_BITS_MAX);
    struct ws_deflater *d = mem_alloc_zero(sizeof *d);
    if (!d) return NULL;
    const bool huffman = level == LEVEL_HUFFMAN;
    set_allocator(&d->stream);
    d->level = level;
    buf_init(&d->out, BUF_NO_LIMIT);
    if (deflateInit2(&d->stream, huffman ? 1 : level, Z_DEFLATED, -window_bits, MEMORY_LEVEL,
                     huffman ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY) == Z_OK)
        return d;
    mem_free(d);
    return NULL;
}

void ws_deflater_free(struct ws_deflater *d)
{
    if (!d) return;
    (void)deflateEnd(&d->stream);
    buf_deinit(&d->out);
    mem_free(d);
}

int ws_deflater_level(const struct ws_deflater *d)
{
    return d->level;
}

/* The compressed payload in d->out; empty when it does not fit in as many bytes as body has. */
static struct slice compress_body(struct ws_deflater *d, struct slice body)
{
    buf_clear(&d->out);
    char *at = buf_reserve(&d->out, body.len);
    if (!at || deflateReset(&d->stream) != Z_OK) return (struct slice){ 0 };
    set_input(&d->stream, body);
    d->stream.next_out = (Bytef *)at;
    d->stream.avail_out = (uInt)body.len;
    /* Room left over shows that the flush is complete. */
    if (deflate(&d->stream, Z_SYNC_FLUSH) != Z_OK || d->stream.avail_out == 0) return (struct slice){ 0 };
    const size_t len = body.len - d->stream.avail_out;
    CHECK(len > sizeof tail && memcmp(at + len - sizeof tail, tail, sizeof tail) == 0);
    return slice_of(at, len - sizeof tail);
}

static struct blob *frame_of(enum ws_opcode opcode, struct slice payload)
{
    uint8_t header[WS_SERVER_HEADER_LEN_MAX];
    const size_t header_len = ws_frame_header((uint8_t)(opcode | WS_RSV1_BIT), payload.len, header);
    struct blob *frame = blob_new(BLOB_RAW, 0, header_len + payload.len, 0);
    if (!frame) return NULL;
    memcpy(blob_body(frame), header, header_len);
    memcpy(blob_body(frame) + header_len, payload.ptr, payload.len);
    return frame;
}

struct blob *ws_deflater_frame(struct ws_deflater *d, enum ws_opcode opcode, struct slice body)
{
    CHECK(opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY);
    if (body.len < WS_DEFLATE_BODY_LEN_MIN || body.len > WS_BODY_LEN_MAX) return NULL;
    const struct slice payload = compress_body(d, body);
    struct blob *frame = payload.len ? frame_of(opcode, payload) : NULL;
    give_back(&d->out);
    return frame;
}

/* ---- in ---- */

struct ws_inflater *ws_inflater_new(void)
{
    struct ws_inflater *i = mem_alloc_zero(sizeof *i);
    if (!i) return NULL;
    set_allocator(&i->stream);
    buf_init(&i->out, BUF_NO_LIMIT);
    if (inflateInit2(&i->stream, -WINDOW_BITS_MAX) == Z_OK) return i;
    mem_free(i);
    return NULL;
}

void ws_inflater_free(struct ws_inflater *i)
{
    if (!i) return;
    (void)inflateEnd(&i->stream);
    buf_deinit(&i->out);
    mem_free(i);
}

void ws_inflater_release(struct ws_inflater *i)
{
    give_back(&i->out);
}

/* One call of inflate() into the free end of out, which has one byte more than may
 * come: that one tells a message that is too long from one that just fits. */
static enum status inflate_step(struct ws_inflater *i, size_t len_max, int *result)
{
    const size_t left = len_max + 1 - i->out.len;
    size_t room = i->out.len < OUT_CHUNK_MIN ? OUT_CHUNK_MIN : i->out.len; /* doubles */
    if (room > OUT_CHUNK_MAX) room = OUT_CHUNK_MAX;
    if (room > left) room = left;
    char *at = buf_reserve(&i->out, room);
    if (!at) return STATUS_NO_MEMORY;
    i->stream.next_out = (Bytef *)at;
    i->stream.avail_out = (uInt)room;
    *result = inflate(&i->stream, Z_SYNC_FLUSH);
    i->out.len += room - i->stream.avail_out;
    if (i->out.len > len_max) return STATUS_TOO_LARGE;
    if (*result == Z_MEM_ERROR) return STATUS_NO_MEMORY;
    return *result == Z_OK || *result == Z_STREAM_END || *result == Z_BUF_ERROR ? STATUS_OK : STATUS_MALFORMED;
}

/* Inflates all of in. *ended: its last block was marked as final and nothing came
 * after it. What comes after a final block is one more stream (section 7.2.3.4). */
static enum status inflate_all(struct ws_inflater *i, struct slice in, size_t len_max, bool *ended)
{
    int result;
    set_input(&i->stream, in);
    for (;;) {
        const enum status status = inflate_step(i, len_max, &result);
        if (status != STATUS_OK) return status;
        *ended = result == Z_STREAM_END;
        if (*ended && i->stream.avail_in == 0) return STATUS_OK;
        if (*ended && inflateReset(&i->stream) != Z_OK) return STATUS_MALFORMED;
        /* room left over: all that the input gives is out */
        if (!*ended && i->stream.avail_out > 0) return STATUS_OK;
    }
}

enum status ws_inflater_message(struct ws_inflater *i, struct slice payload, size_t len_max, struct slice *message)
{
    bool ended;
    buf_clear(&i->out);
    if (payload.len > WS_BODY_LEN_MAX || len_max >= BUF_NO_LIMIT || inflateReset(&i->stream) != Z_OK)
        return STATUS_MALFORMED;
    enum status status = inflate_all(i, payload, len_max, &ended);
    if (status != STATUS_OK) return status;
    if (!ended) {
        const size_t len = i->out.len;
        status = inflate_all(i, slice_of(tail, sizeof tail), len_max, &ended);
        if (status != STATUS_OK) return status;
        /* The tail must have been read as an empty block and not as data. */
        if (i->out.len != len || !(i->stream.data_type & AT_BLOCK_BORDER)) return STATUS_MALFORMED;
    }
    *message = buf_slice(&i->out);
    return STATUS_OK;
}

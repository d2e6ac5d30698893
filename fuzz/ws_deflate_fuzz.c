/* First byte: what the rest is. 0: offers of extensions. 1: a body, which must come back from
 * its compressed frame. Otherwise: a compressed message, hostile. */
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "ws/ws_deflate.h"
#include "ws/ws_deflate_offer.h"

#define LIMIT ((size_t)20000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void choose(struct slice header)
{
    struct ws_deflate_terms terms;
    struct buf out;
    if (!ws_deflate_choose(header, &terms)) return;
    CHECK(terms.server_window_bits >= WS_DEFLATE_WINDOW_BITS_MIN);
    CHECK(terms.server_window_bits <= WS_DEFLATE_WINDOW_BITS_MAX);
    buf_init(&out, 256);
    ws_deflate_write_terms(&terms, &out);
    CHECK(buf_ok(&out));
    buf_deinit(&out);
}

static void inflate_hostile(struct ws_inflater *inflater, struct slice payload)
{
    struct slice message = { 0 };
    if (ws_inflater_message(inflater, payload, LIMIT, &message) == STATUS_OK) CHECK(message.len <= LIMIT);
    ws_inflater_release(inflater);
}

static void there_and_back(struct ws_deflater *deflater, struct ws_inflater *inflater, struct slice body)
{
    struct blob *frame = ws_deflater_frame(deflater, WS_OPCODE_BINARY, body);
    if (!frame) return;
    const uint8_t length = (uint8_t)frame->bytes[1];
    const struct slice whole = slice_of(frame->bytes, frame->body_len);
    struct slice message;
    CHECK(ws_inflater_message(inflater,
                              slice_from(whole, length == 126   ? 4
                                                : length == 127 ? 10
                                                                : 2),
                              body.len, &message) == STATUS_OK);
    CHECK(slice_eq(message, body));
    blob_unref(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws_deflater *deflater;
    static struct ws_inflater *inflater;
    if (!deflater) deflater = ws_deflater_new(1, WS_DEFLATE_WINDOW_BITS_MAX);
    if (!inflater) inflater = ws_inflater_new();
    if (size == 0) return 0;
    const struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0]) {
    case 0: choose(rest); break;
    case 1: there_and_back(deflater, inflater, rest); break;
    default: inflate_hostile(inflater, rest);
    }
    return 0;
}

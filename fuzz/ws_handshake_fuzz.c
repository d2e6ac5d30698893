/* Header values of an upgrade request, hostile: one per line, in the order of the fields below. */
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "ws/ws_handshake.h"

static struct slice take_line(struct slice *rest)
{
    const ptrdiff_t end = slice_index(*rest, '\n');
    const struct slice line = end < 0 ? *rest : slice_head(*rest, (size_t)end);
    *rest = slice_from(*rest, line.len + 1);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice known[] = { SLICE("centrifuge-json"), SLICE("centrifuge-protobuf") };
    struct slice rest = slice_of(data, size);
    struct ws_handshake_request request = { .method = SLICE("GET"), .http_major = 1, .http_minor = 1 };
    request.connection = take_line(&rest);
    request.upgrade = take_line(&rest);
    request.host = take_line(&rest);
    request.version = take_line(&rest);
    request.key = take_line(&rest);
    request.protocol = take_line(&rest);

    const enum ws_handshake_result result = ws_handshake_check(&request);
    const ptrdiff_t index = ws_handshake_subprotocol(request.protocol, known, ARRAY_COUNT(known));
    CHECK(index >= -1 && index < (ptrdiff_t)ARRAY_COUNT(known));
    if (result != WS_HANDSHAKE_OK) return 0;

    struct buf out;
    buf_init(&out, 512);
    ws_handshake_write(&out, request.key, index < 0 ? (struct slice){ 0 } : known[index], (struct slice){ 0 });
    CHECK(buf_ok(&out));
    buf_deinit(&out);
    return 0;
}

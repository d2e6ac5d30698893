/* What a server sends to `xshathra bench`: frames, and messages of either encoding, harm nobody, and what is found lies
 * within the input. The first byte of the input: the encoding. */
#include "base/check.h"
#include "load/load_command.h"
#include "load/load_frame.h"

static void check_within(struct slice part, struct slice whole)
{
    if (part.len == 0) return;
    CHECK(part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct load_frame frame;
    struct load_message m;
    if (len == 0) return 0;
    struct slice in = slice_of(data + 1, len - 1);
    for (size_t taken; (taken = load_frame_take(in, &frame)) != 0 && taken != LOAD_FRAME_BROKEN;) {
        CHECK(taken <= in.len);
        check_within(frame.payload, in);
        in = slice_from(in, taken);
    }
    in = slice_of(data + 1, len - 1);
    load_message_read(data[0] % 2 ? LOAD_PROTOBUF : LOAD_JSON, in, &m);
    check_within(m.channel, in);
    check_within(m.data, in);
    check_within(m.text, in);
    return 0;
}

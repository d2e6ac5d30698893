/* Fuzz target: the input is a first byte n, then a base of n * 1/256 of the rest, then a
 * target. The delta of both, cut either way, brings the base to the target. The target
 * is also read as a delta: whatever it is, the reader that the tests trust stays inside. */
#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "delta/delta_encoder.h"
#include "delta/support/delta_decoder.c" /* not of the product: no library has it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In memory of their own: a byte read too many is found. */
static struct slice copy_of(const uint8_t *bytes, size_t len)
{
    char *copy = mem_must_alloc(len ? len : 1);
    if (len) memcpy(copy, bytes, len);
    return slice_of(copy, len);
}

static void check_round_trip(struct slice base, struct slice target, enum delta_text text)
{
    struct buf delta, got;
    buf_init(&delta, BUF_NO_LIMIT);
    buf_init(&got, BUF_NO_LIMIT);
    CHECK(delta_encode(base, target, text, &delta) == STATUS_OK);
    CHECK(delta_decode(base, buf_slice(&delta), &got) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&got), target));
    if (text == DELTA_UTF8 && utf8_valid(target)) CHECK(utf8_valid(buf_slice(&delta)));
    buf_deinit(&delta);
    buf_deinit(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0) return 0;
    const size_t base_len = (len - 1) * data[0] / 256;
    struct slice base = copy_of(data + 1, base_len), target = copy_of(data + 1 + base_len, len - 1 - base_len);
    check_round_trip(base, target, DELTA_BYTES);
    check_round_trip(base, target, DELTA_UTF8);
    struct buf got;
    buf_init(&got, 1 << 20);
    if (delta_decode(base, target, &got) == STATUS_OK) check_round_trip(base, buf_slice(&got), DELTA_BYTES);
    buf_deinit(&got);
    mem_free((char *)(uintptr_t)base.ptr);
    mem_free((char *)(uintptr_t)target.ptr);
    return 0;
}

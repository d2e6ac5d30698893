/* Any bytes: skipping a value and walking into it must agree, a raw span must stand
 * on its own, and a decoded string must come back from the writer as it was. */
#include "base/check.h"
#include "base/utf8.h"
#include "json/json_reader.h"
#include "json/json_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_string(struct json_string s)
{
    struct buf decoded, encoded, returned;
    struct json_reader r;
    struct json_string again;
    buf_init(&decoded, BUF_NO_LIMIT);
    buf_init(&encoded, BUF_NO_LIMIT);
    buf_init(&returned, BUF_NO_LIMIT);
    json_string_append(s, &decoded);
    CHECK(decoded.len <= s.raw.len && utf8_valid(buf_slice(&decoded)));
    json_append_string(&encoded, buf_slice(&decoded));
    json_reader_init(&r, buf_slice(&encoded), 1);
    CHECK(json_string(&r, &again) && json_at_end(&r));
    json_string_append(again, &returned);
    CHECK(slice_eq(buf_slice(&decoded), buf_slice(&returned)));
    buf_deinit(&decoded);
    buf_deinit(&encoded);
    buf_deinit(&returned);
}

static void walk(struct json_reader *r)
{
    struct json_string s;
    struct slice number;
    bool boolean;
    switch (json_peek(r)) {
    case JSON_OBJECT:
        json_object_begin(r);
        while (json_object_next(r, &s)) {
            check_string(s);
            walk(r);
        }
        break;
    case JSON_ARRAY:
        json_array_begin(r);
        while (json_array_next(r)) walk(r);
        break;
    case JSON_STRING:
        if (json_string(r, &s)) check_string(s);
        break;
    case JSON_NUMBER: json_number(r, &number); break;
    case JSON_BOOL: json_bool(r, &boolean); break;
    case JSON_NULL: json_take_null(r); break;
    case JSON_BROKEN: json_fail(r, "value expected"); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct json_reader skipping, walking;
    struct slice raw;
    json_reader_init(&skipping, slice_of(data, len), JSON_DEPTH_DEFAULT);
    json_reader_init(&walking, slice_of(data, len), JSON_DEPTH_DEFAULT);
    bool valid = json_raw(&skipping, &raw);
    walk(&walking);
    CHECK(valid == json_ok(&walking));
    CHECK(skipping.error.position == walking.error.position && skipping.error.position <= len);
    if (!valid) return 0;
    CHECK(json_position(&skipping) == json_position(&walking));
    CHECK(json_valid(raw, JSON_DEPTH_DEFAULT));
    return 0;
}

#include "ws/ws_handshake.h"

#include "base/base64.h"
#include "base/check.h"
#include "crypto/crypto_hash.h"

#define KEY_LEN  24 /* 16 bytes in base64: 22 characters and "==" */
#define KEY_PADS 2
#define SHA1_LEN 20

/* Appended to the key before hashing, section 1.3: shows that the server means WebSocket. */
static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
#define GUID_LEN (sizeof(accept_guid) - 1)

_Static_assert(BASE64_ENCODED_LEN(SHA1_LEN) == WS_ACCEPT_LEN, "the accept value is a SHA-1 in base64");

/* Cuts the next element off a comma-separated list: false at its end. */
static bool list_next(struct slice *list, struct slice *element)
{
    if (list->len == 0) return false;
    const ptrdiff_t comma = slice_index(*list, ',');
    const size_t len = comma < 0 ? list->len : (size_t)comma;
    *element = slice_trim(slice_head(*list, len));
    *list = slice_from(*list, len + 1);
    return true;
}

static bool list_has(struct slice list, struct slice token)
{
    struct slice element;
    while (list_next(&list, &element)) {
        if (slice_eq_nocase(element, token)) return true;
    }
    return false;
}

static bool is_base64_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The form, not the value: some clients send 22 random characters, whose last four bits are not zero,
 * and nobody ever decodes the key. */
static bool key_valid(struct slice key)
{
    if (key.len != KEY_LEN) return false;
    for (size_t i = 0; i < KEY_LEN - KEY_PADS; i++) {
        if (!is_base64_char(key.ptr[i])) return false;
    }
    return key.ptr[KEY_LEN - 2] == '=' && key.ptr[KEY_LEN - 1] == '=';
}

enum ws_handshake_result ws_handshake_check(const struct ws_handshake_request *r)
{
    if (r->http_major != 1 || r->http_minor < 1) return WS_HANDSHAKE_HTTP_VERSION;
    if (!list_has(r->connection, SLICE("upgrade"))) return WS_HANDSHAKE_CONNECTION;
    if (!list_has(r->upgrade, SLICE("websocket"))) return WS_HANDSHAKE_UPGRADE;
    if (!slice_eq(r->method, SLICE("GET"))) return WS_HANDSHAKE_METHOD;
    if (slice_trim(r->host).len == 0) return WS_HANDSHAKE_HOST;
    if (!list_has(r->version, SLICE(WS_HANDSHAKE_VERSION_VALUE))) return WS_HANDSHAKE_VERSION;
    if (!key_valid(slice_trim(r->key))) return WS_HANDSHAKE_KEY;
    return WS_HANDSHAKE_OK;
}

struct answer {
    int status;
    const char *text;
};

static struct answer answer_of(enum ws_handshake_result result)
{
    static const struct answer answers[] = {
#define WS_HANDSHAKE_ANSWER(name, status, text) [WS_HANDSHAKE_##name] = { (status), (text) },
        WS_HANDSHAKE_LIST(WS_HANDSHAKE_ANSWER)
#undef WS_HANDSHAKE_ANSWER
    };
    CHECK((size_t)result < ARRAY_COUNT(answers));
    return answers[result];
}

int ws_handshake_status(enum ws_handshake_result result)
{
    return answer_of(result).status;
}

const char *ws_handshake_text(enum ws_handshake_result result)
{
    return answer_of(result).text;
}

static ptrdiff_t index_of(struct slice name, const struct slice *known, size_t known_count)
{
    for (size_t i = 0; i < known_count; i++) {
        if (slice_eq(name, known[i])) return (ptrdiff_t)i;
    }
    return -1;
}

ptrdiff_t ws_handshake_subprotocol(struct slice offered, const struct slice *known, size_t known_count)
{
    struct slice name;
    while (list_next(&offered, &name)) {
        const ptrdiff_t index = index_of(name, known, known_count);
        if (index >= 0) return index;
    }
    return -1;
}

void ws_handshake_accept(struct slice key, char out[static WS_ACCEPT_LEN])
{
    char text[KEY_LEN + GUID_LEN];
    uint8_t digest[SHA1_LEN];

    key = slice_trim(key);
    CHECK(key.len == KEY_LEN);
    memcpy(text, key.ptr, KEY_LEN);
    memcpy(text + KEY_LEN, accept_guid, GUID_LEN);
    crypto_sha1(slice_of(text, sizeof(text)), digest);
    base64_encode(slice_of(digest, sizeof(digest)), out);
}

void ws_handshake_write(struct buf *out, struct slice key, struct slice subprotocol, struct slice extensions)
{
    char accept[WS_ACCEPT_LEN];
    ws_handshake_accept(key, accept);
    buf_append(out, SLICE("HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: "));
    buf_append(out, slice_of(accept, sizeof(accept)));
    if (subprotocol.len) {
        buf_append(out, SLICE("\r\nSec-WebSocket-Protocol: "));
        buf_append(out, subprotocol);
    }
    if (extensions.len) {
        buf_append(out, SLICE("\r\nSec-WebSocket-Extensions: "));
        buf_append(out, extensions);
    }
    buf_append(out, SLICE("\r\n\r\n"));
}

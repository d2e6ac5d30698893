#include "base/utf8.h"

/* Begins a sequence: RFC 3629 section 4, where the second byte's bounds keep out
 * overlong forms, surrogates and what lies past U+10FFFF. */
static bool begin(struct utf8 *u, unsigned char lead)
{
    u->lower = 0x80;
    u->upper = 0xbf;
    if (lead < 0xc2 || lead > 0xf4) return false;
    if (lead < 0xe0) {
        u->need = 1;
    } else if (lead < 0xf0) {
        u->need = 2;
        if (lead == 0xe0) u->lower = 0xa0;
        if (lead == 0xed) u->upper = 0x9f;
    } else {
        u->need = 3;
        if (lead == 0xf0) u->lower = 0x90;
        if (lead == 0xf4) u->upper = 0x8f;
    }
    return true;
}

static bool go_on(struct utf8 *u, unsigned char byte)
{
    if (byte < u->lower || byte > u->upper) return false;
    u->need--;
    u->lower = 0x80;
    u->upper = 0xbf;
    return true;
}

/* Index of the first byte from i on that is not ASCII; most text is, so by eights. */
static size_t skip_ascii(struct slice s, size_t i)
{
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        memcpy(&word, s.ptr + i, sizeof word);
        if (word & 0x8080808080808080u) break;
    }
    while (i < s.len && (unsigned char)s.ptr[i] < 0x80) i++;
    return i;
}

bool utf8_feed(struct utf8 *u, struct slice piece)
{
    for (size_t i = 0; i < piece.len;) {
        if (u->need == 0) {
            i = skip_ascii(piece, i);
            if (i == piece.len) break;
            if (!begin(u, (unsigned char)piece.ptr[i++])) return false;
        } else if (!go_on(u, (unsigned char)piece.ptr[i++])) {
            return false;
        }
    }
    return true;
}

bool utf8_valid(struct slice s)
{
    struct utf8 u = { 0 };
    return utf8_feed(&u, s) && utf8_complete(&u);
}

bool utf8_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f) return true;
        if (c == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0) return true;
    }
    return false;
}

size_t utf8_encode(uint32_t cp, char out[static 4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

#include "ws/ws_deflate_offer.h"

#include "base/check.h"

/* The parameters that an offer has named: each at most once. */
enum {
    SERVER_NO_TAKEOVER = 1,
    CLIENT_NO_TAKEOVER = 2,
    SERVER_WINDOW = 4,
    CLIENT_WINDOW = 8,
};

struct parameter {
    struct slice name, value;
    bool has_value;
};

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_space(struct slice *text)
{
    while (text->len && (text->ptr[0] == ' ' || text->ptr[0] == '\t')) *text = slice_from(*text, 1);
}

/* Takes c, and the space around it, from the front. */
static bool take_char(struct slice *text, char c)
{
    skip_space(text);
    if (text->len == 0 || text->ptr[0] != c) return false;
    *text = slice_from(*text, 1);
    skip_space(text);
    return true;
}

static bool take_token(struct slice *text, struct slice *token)
{
    size_t len = 0;
    while (len < text->len && is_token_char(text->ptr[len])) len++;
    *token = slice_head(*text, len);
    *text = slice_from(*text, len);
    return len > 0;
}

/* A value in quotes has to be a token too (RFC 6455 section 9.1), so escapes never come. */
static bool take_value(struct slice *text, struct slice *value)
{
    if (text->len == 0 || text->ptr[0] != '"') return take_token(text, value);
    *text = slice_from(*text, 1);
    if (!take_token(text, value) || text->len == 0 || text->ptr[0] != '"') return false;
    *text = slice_from(*text, 1);
    return true;
}

static bool take_parameter(struct slice *text, struct parameter *p)
{
    *p = (struct parameter){ 0 };
    if (!take_token(text, &p->name)) return false;
    p->has_value = take_char(text, '=');
    return !p->has_value || take_value(text, &p->value);
}

/* 0 = not a number from 8 to 15 in its shortest form. */
static uint8_t window_bits(struct slice value)
{
    unsigned bits = 0;
    if (value.len == 0 || value.len > 2 || value.ptr[0] == '0') return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') return 0;
        bits = bits * 10 + (unsigned)(value.ptr[i] - '0');
    }
    return bits >= WS_DEFLATE_WINDOW_BITS_MIN && bits <= WS_DEFLATE_WINDOW_BITS_MAX ? (uint8_t)bits : 0;
}

/* False: the offer is declined. */
static bool read_parameter(const struct parameter *p, unsigned *seen, struct ws_deflate_terms *terms)
{
    unsigned which = 0;
    bool fits = false;
    if (slice_eq(p->name, SLICE("server_no_context_takeover"))) {
        which = SERVER_NO_TAKEOVER;
        fits = !p->has_value;
    } else if (slice_eq(p->name, SLICE("client_no_context_takeover"))) {
        which = CLIENT_NO_TAKEOVER;
        fits = !p->has_value;
    } else if (slice_eq(p->name, SLICE("server_max_window_bits"))) {
        which = SERVER_WINDOW;
        fits = (terms->server_window_bits = window_bits(p->value)) != 0;
        terms->server_window_named = true;
    } else if (slice_eq(p->name, SLICE("client_max_window_bits"))) {
        which = CLIENT_WINDOW;
        fits = !p->has_value || window_bits(p->value) != 0;
    }
    if (!fits || (*seen & which)) return false;
    *seen |= which;
    return true;
}

enum offer { OFFER_TAKEN, OFFER_DECLINED, OFFER_MALFORMED };

/* Reads one offer to its end, also when it is declined. */
static enum offer read_offer(struct slice *text, struct ws_deflate_terms *terms)
{
    struct slice name;
    struct parameter p;
    unsigned seen = 0;
    *terms = (struct ws_deflate_terms){ .server_window_bits = WS_DEFLATE_WINDOW_BITS_MAX };
    if (!take_token(text, &name)) return OFFER_MALFORMED;
    bool fits = slice_eq(name, SLICE("permessage-deflate"));
    while (take_char(text, ';')) {
        if (!take_parameter(text, &p)) return OFFER_MALFORMED;
        fits = fits && read_parameter(&p, &seen, terms);
    }
    if (text->len && text->ptr[0] != ',') return OFFER_MALFORMED;
    return fits ? OFFER_TAKEN : OFFER_DECLINED;
}

bool ws_deflate_choose(struct slice header, struct ws_deflate_terms *terms)
{
    skip_space(&header);
    while (header.len) {
        if (take_char(&header, ',')) continue; /* lists may have empty elements */
        enum offer offer = read_offer(&header, terms);
        if (offer != OFFER_DECLINED) return offer == OFFER_TAKEN;
    }
    return false;
}

void ws_deflate_write_terms(const struct ws_deflate_terms *terms, struct buf *out)
{
    buf_append(out, SLICE("permessage-deflate; server_no_context_takeover; client_no_context_takeover"));
    if (!terms->server_window_named) return;
    buf_append(out, SLICE("; server_max_window_bits="));
    buf_append_u64(out, terms->server_window_bits);
}

#include "policy/policy_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* Every address as 16 bytes, IPv4 in its mapped form ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
    bool is_v4;
};

struct block {
    struct address base;
    unsigned prefix_bits; /* of the 128 */
};

#define V4_OFFSET_BYTES 12
#define V4_OFFSET_BITS  (8 * V4_OFFSET_BYTES)
static const uint8_t MAPPED[V4_OFFSET_BYTES] = { [10] = 0xff, [11] = 0xff };

static void from_v4(const void *four_bytes, struct address *out)
{
    memcpy(out->bytes, MAPPED, sizeof MAPPED);
    memcpy(out->bytes + V4_OFFSET_BYTES, four_bytes, 4);
    out->is_v4 = true;
}

static void from_v6(const void *sixteen_bytes, struct address *out)
{
    memcpy(out->bytes, sixteen_bytes, sizeof out->bytes);
    out->is_v4 = memcmp(out->bytes, MAPPED, sizeof MAPPED) == 0;
}

static bool parse_address(struct slice text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, 0, text.len)) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    uint8_t v4[4], v6[16];
    if (inet_pton(AF_INET, copy, v4) == 1)
        from_v4(v4, out);
    else if (inet_pton(AF_INET6, copy, v6) == 1)
        from_v6(v6, out);
    else
        return false;
    return true;
}

static bool has_prefix(const struct address *a, const struct address *prefix, unsigned bits)
{
    const unsigned whole = bits / 8, left = bits % 8;
    if (memcmp(a->bytes, prefix->bytes, whole) != 0) return false;
    return left == 0 || ((a->bytes[whole] ^ prefix->bytes[whole]) & (0xffu << (8 - left)) & 0xff) == 0;
}

/* Blocks hold addresses of their own family only: "::/0" is not meant to trust IPv4. */
static bool block_has(const struct block *b, const struct address *a)
{
    return a->is_v4 == b->base.is_v4 && has_prefix(a, &b->base, b->prefix_bits);
}

/* "10.0.0.1/8" is more often a slip than meant: bits behind the prefix must be 0. */
static bool rest_is_zero(const struct block *b)
{
    for (unsigned bit = b->prefix_bits; bit < 128; bit++) {
        if (b->base.bytes[bit / 8] & (0x80u >> (bit % 8))) return false;
    }
    return true;
}

static bool parse_block(struct slice entry, struct block *out)
{
    const ptrdiff_t slash = slice_index(entry, '/');
    if (!parse_address(slash < 0 ? entry : slice_head(entry, (size_t)slash), &out->base)) return false;
    /* in "::ffff:10.0.0.0/104" the prefix counts all 128 bits */
    const bool is_short = out->base.is_v4 && slice_index(entry, ':') < 0;
    const unsigned offset = is_short ? V4_OFFSET_BITS : 0;
    out->prefix_bits = 128;
    if (slash < 0) return true;
    uint64_t bits;
    const struct slice digits = slice_from(entry, (size_t)slash + 1);
    if (digits.len > 3 || !slice_to_u64(digits, &bits) || bits > 128 - offset) return false;
    out->prefix_bits = offset + (unsigned)bits;
    return rest_is_zero(out);
}

bool policy_address_valid(struct slice entry)
{
    struct block b;
    return parse_block(entry, &b);
}

static bool in_list(const struct policy_string_list *list, const struct address *a)
{
    for (size_t i = 0; i < list->count; i++) {
        struct block b;
        if (parse_block(slice_from_cstr(list->items[i]), &b) && block_has(&b, a)) return true;
    }
    return false;
}

bool policy_address_in(const struct policy_string_list *list, struct slice address)
{
    struct address a;
    return parse_address(address, &a) && in_list(list, &a);
}

bool policy_sockaddr_in(const struct policy_string_list *list, const struct sockaddr *address)
{
    struct address a;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        from_v4(&in.sin_addr, &a);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        from_v6(&in6.sin6_addr, &a);
    } else {
        return false;
    }
    return in_list(list, &a);
}

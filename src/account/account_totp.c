#include "account/account_totp.h"

#include <stdio.h>

#include "crypto/crypto_hmac_sha1.h"
#include "crypto/crypto_random.h"
#include "crypto/crypto_secret.h"

#define STEP_S 30
#define DIGITS 6
#define ISSUER "Xshathra"

void account_totp_make(uint8_t secret[static STORE_TOTP_SECRET_LEN])
{
    crypto_random(secret, STORE_TOTP_SECRET_LEN);
}

/* RFC 4648 section 6; 20 bytes are 32 letters without a rest. */
void account_totp_text(const uint8_t secret[static STORE_TOTP_SECRET_LEN],
                       char out[static ACCOUNT_TOTP_SECRET_TEXT_MAX])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (size_t i = 0; i < STORE_TOTP_SECRET_LEN; i++) {
        bits = bits << 8 | secret[i];
        for (have += 8; have >= 5; have -= 5) out[len++] = alphabet[bits >> (have - 5) & 31];
    }
    out[len] = '\0';
}

static void append_percent_encoded(struct slice text, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("-._~", c));
        const char escaped[] = { '%', hex[c >> 4], hex[c & 15] };
        buf_append(out, plain ? slice_of(&text.ptr[i], 1) : slice_of(escaped, sizeof escaped));
    }
}

void account_totp_uri(const uint8_t secret[static STORE_TOTP_SECRET_LEN], struct slice email, struct buf *out)
{
    char text[ACCOUNT_TOTP_SECRET_TEXT_MAX];
    account_totp_text(secret, text);
    buf_append(out, SLICE("otpauth://totp/" ISSUER ":"));
    append_percent_encoded(email, out);
    buf_append(out, SLICE("?secret="));
    buf_append(out, slice_from_cstr(text));
    buf_append(out, SLICE("&issuer=" ISSUER));
    crypto_wipe(text, sizeof text);
}

/* RFC 4226 section 5.3. */
static void code_of(const uint8_t secret[STORE_TOTP_SECRET_LEN], int64_t step, char out[DIGITS + 1])
{
    uint8_t counter[8], mac[CRYPTO_SHA1_LEN];
    for (int i = 7; i >= 0; i--, step >>= 8) counter[i] = (uint8_t)step;
    crypto_hmac_sha1(slice_of(secret, STORE_TOTP_SECRET_LEN), slice_of(counter, sizeof counter), mac);
    const uint8_t *at = mac + (mac[CRYPTO_SHA1_LEN - 1] & 15);
    const uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    snprintf(out, DIGITS + 1, "%06u", number % 1000000);
}

int64_t account_totp_check(const uint8_t secret[static STORE_TOTP_SECRET_LEN], struct slice code, int64_t now_s,
                           int64_t last_step)
{
    char typed[DIGITS], right[DIGITS + 1];
    size_t len = 0;
    for (size_t i = 0; i < code.len; i++) {
        if (code.ptr[i] == ' ') continue;
        if (len == DIGITS) return 0;
        typed[len++] = code.ptr[i];
    }
    if (len != DIGITS) return 0;
    int64_t fits = 0;
    for (int64_t step = now_s / STEP_S - 1; step <= now_s / STEP_S + 1; step++) {
        code_of(secret, step, right);
        if (step > last_step && crypto_equal(slice_of(typed, DIGITS), slice_of(right, DIGITS))) fits = step;
    }
    return fits;
}

#include "auth/auth_sign.h"

#include "auth/auth_token.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/utf8.h"
#include "json/json_writer.h"

/* {"alg":"HS256","typ":"JWT"}, encoded, and the dot after it */
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

/* What else the verifier reads, in any letter case, so that a user there would be
 * taken for a time, a channel or a project. */
static const char *const other_claims[] = { "exp",     "nbf",       "iat",  "expire_at", "iss",      "aud",
                                            "channel", "projectId", "info", "b64info",   "channels", "subs",
                                            "meta",    "client",    "data", "b64data",   "override" };

bool auth_sign_takes_user_id_claim(struct slice name)
{
    for (size_t i = 0; i < ARRAY_COUNT(other_claims); i++)
        if (slice_eq_nocase(name, slice_from_cstr(other_claims[i]))) return false;
    return utf8_valid(name);
}

static void write_text(struct json_writer *w, struct slice name, struct slice value)
{
    json_write_name(w, name);
    json_write_string(w, value);
}

static void write_channels(struct json_writer *w, const struct auth_minted *minted)
{
    json_write_name(w, SLICE("channels"));
    json_write_array_begin(w);
    for (size_t i = 0; i < minted->channel_count; i++) json_write_string(w, minted->channels[i]);
    json_write_array_end(w);
}

static void write_payload(struct buf *out, const struct auth_minted *minted)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    write_text(&w, minted->user_id_claim.len > 0 ? minted->user_id_claim : SLICE("sub"), minted->user);
    json_write_name(&w, SLICE("iat"));
    json_write_i64(&w, minted->iat_s);
    json_write_name(&w, SLICE("exp"));
    json_write_i64(&w, minted->exp_s);
    if (minted->iss.len > 0) write_text(&w, SLICE("iss"), minted->iss);
    if (minted->aud.len > 0) write_text(&w, SLICE("aud"), minted->aud);
    if (minted->kind == AUTH_SUBSCRIPTION) write_text(&w, SLICE("channel"), minted->channel);
    if (minted->kind == AUTH_CONNECTION && minted->channel_count > 0) write_channels(&w, minted);
    if (minted->info.len > 0) {
        json_write_name(&w, SLICE("info"));
        json_write_raw(&w, minted->info);
    }
    if (minted->has_project_id) write_text(&w, SLICE("projectId"), minted->project_id);
    json_write_object_end(&w);
}

/* The writer would replace broken bytes, and the token would speak of another name. */
static bool is_text(const struct auth_minted *minted)
{
    for (size_t i = 0; i < minted->channel_count; i++)
        if (!utf8_valid(minted->channels[i])) return false;
    return utf8_valid(minted->user) && utf8_valid(minted->channel) && utf8_valid(minted->project_id) &&
           utf8_valid(minted->iss) && utf8_valid(minted->aud);
}

static void append_base64url(struct buf *out, struct slice bytes)
{
    char *at = buf_reserve(out, BASE64_ENCODED_LEN(bytes.len));
    if (at) out->len += base64url_encode(bytes, at);
}

/* start is where the token begins in out. */
static enum status append_signature(struct crypto_hmac *mac, struct buf *out, size_t start)
{
    uint8_t tag[CRYPTO_HMAC_LEN_MAX];
    size_t len = crypto_hmac_sign(mac, slice_from(buf_slice(out), start), tag);
    if (len == 0) return STATUS_NO_MEMORY;
    buf_append_char(out, '.');
    append_base64url(out, slice_of(tag, len));
    if (!buf_ok(out)) return out->failed;
    return out->len - start > AUTH_TOKEN_LEN_MAX ? STATUS_MALFORMED : STATUS_OK;
}

enum status auth_sign(struct crypto_hmac *mac, const struct auth_minted *minted, struct buf *out)
{
    struct buf payload;
    size_t start = out->len;
    if (!is_text(minted) || !auth_sign_takes_user_id_claim(minted->user_id_claim)) return STATUS_MALFORMED;
    buf_init(&payload, AUTH_TOKEN_LEN_MAX);
    write_payload(&payload, minted);
    enum status status = payload.failed == STATUS_TOO_LARGE ? STATUS_MALFORMED : payload.failed;
    if (status == STATUS_OK) {
        buf_append(out, SLICE(HEADER));
        append_base64url(out, buf_slice(&payload));
        status = buf_ok(out) ? append_signature(mac, out, start) : out->failed;
    }
    if (status != STATUS_OK) out->len = start;
    buf_deinit(&payload);
    return status;
}

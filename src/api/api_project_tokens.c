/* What both kinds of token share. */
#include <stdio.h>

#include "api/api_project.h"
#include "json/json_reader.h"

bool api_token_check(struct api_call *call, struct api_token_request *r)
{
    if (!r->has_user_id) {
        api_project_missing(call, SLICE("userId"), API_USER_ALLOWED);
        return false;
    }
    /* an empty one would be anybody */
    if (r->user_id.len == 0 || r->user_id.len > API_USER_LEN_MAX) {
        api_project_invalid(call, SLICE("userId"), r->user_id, API_USER_ALLOWED);
        return false;
    }
    if (r->ttl_s < API_TTL_MIN_S || r->ttl_s > API_TTL_MAX_S) {
        char value[24];
        int len = snprintf(value, sizeof value, "%lld", (long long)r->ttl_s);
        api_project_invalid(call, SLICE("ttlSeconds"), slice_of(value, (size_t)len), API_TTL_ALLOWED);
        return false;
    }
    if (slice_eq(r->info, SLICE("null"))) r->info = (struct slice){ 0 };
    if (r->info.len == 0 || r->info.ptr[0] == '{') return true;
    api_project_invalid(call, SLICE("info"), r->info, API_INFO_ALLOWED);
    return false;
}

static bool is_set(const char *text)
{
    return text && *text;
}

static const struct policy_token_options *options_of(const struct policy_deployment *d, enum auth_kind kind)
{
    return kind == AUTH_SUBSCRIPTION && d->subscription_token_enabled ? &d->subscription_token : &d->token;
}

/* A pattern tells which values are good, but not which one is meant. */
static bool is_unknown(const char *value, const char *pattern)
{
    return !is_set(value) && is_set(pattern);
}

/* A token that our own verifier would refuse is not made. False: answered. */
static bool check_configuration(struct api_call *call, const struct policy_token_options *o)
{
    if (is_set(o->jwks_public_endpoint))
        API_PROJECT_ERROR(call, 503, "not_configured",
                          SLICE("Tokens cannot be made while the operator has configured a jwks_public_endpoint: only "
                                "tokens under the keys that are published there are good."));
    else if (!is_set(o->hmac_secret_key))
        API_PROJECT_ERROR(call, 503, "not_configured",
                          SLICE("The operator has configured no secret to sign tokens with: set "
                                "client.token.hmac_secret_key, or the environment variable "
                                "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY."));
    else if (is_unknown(o->audience, o->audience_regex) || is_unknown(o->issuer, o->issuer_regex))
        API_PROJECT_ERROR(call, 503, "not_configured",
                          SLICE("Tokens cannot be made while the operator has configured an audience_regex or an "
                                "issuer_regex for tokens; audience and issuer, which name one value, are fine."));
    else if (!auth_sign_takes_user_id_claim(slice_from_cstr(o->user_id_claim)))
        API_PROJECT_ERROR(call, 503, "not_configured",
                          SLICE("Tokens cannot be made while the operator has configured the user_id_claim "),
                          slice_from_cstr(o->user_id_claim), SLICE(", which means something else in a token."));
    else
        return true;
    return false;
}

static enum api_outcome write_token(struct api_call *call, struct slice token, int64_t ttl_s)
{
    buf_clear(&call->body);
    struct json_writer w = json_writer_to(&call->body);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("token"));
    json_write_string(&w, token);
    json_write_name(&w, SLICE("expiresInSeconds"));
    json_write_i64(&w, ttl_s);
    json_write_object_end(&w);
    if (!buf_ok(&call->body)) return api_project_error_status(call, STATUS_NO_MEMORY);
    call->status = 200;
    call->content_type = API_JSON;
    return API_ANSWERED;
}

static enum status sign(struct slice secret, const struct auth_minted *minted, struct buf *token)
{
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, secret);
    if (!mac) return STATUS_NO_MEMORY;
    enum status status = auth_sign(mac, minted, token);
    crypto_hmac_free(mac);
    return status;
}

enum api_outcome api_token_answer(struct api_call *call, const struct policy_project *project,
                                  const struct api_token_request *r, struct auth_minted *minted)
{
    const struct policy_token_options *options = options_of(call->engine->policy->deployment, minted->kind);
    if (!check_configuration(call, options)) return API_ANSWERED;
    minted->user = r->user_id;
    minted->user_id_claim = slice_from_cstr(options->user_id_claim);
    minted->iss = slice_from_cstr(options->issuer);
    minted->aud = slice_from_cstr(options->audience);
    minted->iat_s = call->engine->wall_ms / 1000;
    minted->exp_s = minted->iat_s + r->ttl_s;
    minted->info = r->info;
    minted->has_project_id = true;
    minted->project_id = slice_from_cstr(project->id);
    struct buf *token = &call->engine->scratch;
    buf_clear(token);
    enum status status = sign(slice_from_cstr(options->hmac_secret_key), minted, token);
    if (status == STATUS_MALFORMED)
        return API_PROJECT_ERROR(call, 422, "token_too_large",
                                 SLICE("The token would be longer than any server accepts: shorten info or channels."));
    if (status != STATUS_OK) return api_project_error_status(call, status);
    return write_token(call, buf_slice(token), r->ttl_s);
}

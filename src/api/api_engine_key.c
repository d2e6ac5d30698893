#include "api/api_family.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_secret.h"
#include "http/http_uri.h"

bool api_keys_equal(struct slice right, struct slice sent)
{
    uint8_t a[CRYPTO_SHA256_LEN], b[CRYPTO_SHA256_LEN];
    crypto_sha256(right, a);
    crypto_sha256(sent, b);
    return crypto_equal(slice_of(a, sizeof a), slice_of(b, sizeof b));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Take the next word off the front; empty at the end. */
static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len])) len++;
    struct slice word = slice_head(*rest, len);
    *rest = slice_from(*rest, len);
    return word;
}

/* "apikey KEY": exactly two words. */
static bool authorization_fits(struct slice right, struct slice value)
{
    struct slice scheme = next_word(&value), key = next_word(&value);
    if (key.len == 0 || slice_trim(value).len > 0) return false;
    return slice_eq_nocase(scheme, SLICE("apikey")) && api_keys_equal(right, key);
}

static bool header_fits(struct slice right, const struct http_request *http)
{
    struct slice value = http_request_header(http, SLICE("x-api-key"));
    if (value.len > 0) return api_keys_equal(right, value);
    value = http_request_header(http, SLICE("authorization"));
    return value.len > 0 && authorization_fits(right, value);
}

bool api_engine_key_fits(const struct policy_deployment *d, const struct http_request *http, struct buf *scratch)
{
    struct slice right = slice_from_cstr(d->api_key);
    if (d->api_insecure) return true;
    if (right.len == 0) return false;
    if (header_fits(right, http)) return true;
    if (http->query.len == 0) return false;
    bool fits = http_query_get(http->query, SLICE("api_key"), scratch) == HTTP_QUERY_FOUND &&
                api_keys_equal(right, buf_slice(scratch));
    if (scratch->ptr) crypto_wipe(scratch->ptr, scratch->len);
    return fits;
}

bool api_project_key_text(const struct http_request *http, struct slice *key)
{
    struct slice value = http_request_header(http, SLICE("authorization"));
    struct slice scheme = next_word(&value), word = next_word(&value);
    bool known = slice_eq_nocase(scheme, SLICE("apikey")) || slice_eq_nocase(scheme, SLICE("bearer"));
    if (!known || word.len == 0 || slice_trim(value).len > 0) return false;
    *key = word;
    return true;
}

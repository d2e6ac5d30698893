#include "cli/http_get.h"

#include <curl/curl.h>
#include <stdio.h>

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *out = context;
    buf_append(out, slice_of(bytes, size * count));
    return buf_ok(out) ? size * count : 0;
}

static CURLcode perform(CURL *easy, const char *url, struct buf *out, char *reason)
{
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, url);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)HTTP_GET_TIMEOUT_MS);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "xshathra");
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    return failed != CURLE_OK ? failed : curl_easy_perform(easy);
}

bool http_get(const char *url, struct buf *out, long *status, char error[static HTTP_GET_ERROR_MAX])
{
    char reason[CURL_ERROR_SIZE] = "";
    *status = 0;
    CURL *easy = curl_easy_init();
    CURLcode code = easy ? perform(easy, url, out, reason) : CURLE_OUT_OF_MEMORY;
    if (easy) {
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
        curl_easy_cleanup(easy);
    }
    if (code != CURLE_OK) {
        snprintf(error, HTTP_GET_ERROR_MAX, "\"%s\" does not answer: %s", url,
                 reason[0] ? reason : curl_easy_strerror(code));
        return false;
    }
    if (*status == 200) return true;
    snprintf(error, HTTP_GET_ERROR_MAX, "\"%s\" answers with status %ld", url, *status);
    return false;
}

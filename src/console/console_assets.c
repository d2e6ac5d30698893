#include "console/console_assets.h"

#include "base/check.h"

#define INDEX "/index.html"

/* No script or style but our own files; WebSockets to wherever the project's clients connect. */
#define CONTENT_POLICY                                                                                                 \
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "                 \
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/* ---- which file ---- */

static const struct console_asset *find_file(struct slice path)
{
    for (size_t i = 0; i < console_asset_count; i++)
        if (slice_eq(console_asset_table[i].path, path)) return &console_asset_table[i];
    return NULL;
}

static bool is_page(struct slice path)
{
    static const char *const pages[] = {
        "/", "/login", "/setup", "/invite", "/dashboard", "/account", "/audit", "/docs"
    };
    static const char *const families[] = { "/projects/", "/docs/", "/account/" };
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++)
        if (slice_eq(path, slice_from_cstr(pages[i]))) return true;
    for (size_t i = 0; i < ARRAY_COUNT(families); i++)
        if (slice_starts_with(path, slice_from_cstr(families[i]))) return true;
    return false;
}

bool console_assets_at(struct slice path)
{
    return is_page(path) || find_file(path);
}

/* ---- what the reader takes ---- */

/* The weight of "gzip;q=0.5": whether it is more than nothing. */
static bool has_weight(struct slice parameters)
{
    for (size_t i = 0; i + 1 < parameters.len; i++) {
        if ((parameters.ptr[i] | 0x20) != 'q' || parameters.ptr[i + 1] != '=') continue;
        for (size_t j = i + 2; j < parameters.len; j++)
            if (parameters.ptr[j] >= '1' && parameters.ptr[j] <= '9') return true;
        return false;
    }
    return true;
}

static bool takes_gzip(const struct http_request *request)
{
    size_t index = 0;
    struct slice line, member;
    while (http_request_header_next(request, SLICE("accept-encoding"), &index, &line)) {
        while (http_header_next_token(&line, &member)) {
            const ptrdiff_t end = slice_index(member, ';');
            const struct slice name = slice_trim(end < 0 ? member : slice_head(member, (size_t)end));
            if (!slice_eq_nocase(name, SLICE("gzip"))) continue;
            return end < 0 || has_weight(slice_from(member, (size_t)end + 1));
        }
    }
    return false;
}

static bool has_it_already(const struct http_request *request, struct slice etag)
{
    size_t index = 0;
    struct slice line, member;
    while (http_request_header_next(request, SLICE("if-none-match"), &index, &line)) {
        while (http_header_next_token(&line, &member)) {
            if (slice_starts_with(member, SLICE("W/"))) member = slice_from(member, 2);
            if (slice_eq(member, etag) || slice_eq(member, SLICE("*"))) return true;
        }
    }
    return false;
}

/* ---- the answer ---- */

static void add(struct console_assets_answer *out, struct slice name, struct slice value)
{
    CHECK(out->header_count < CONSOLE_ASSETS_HEADERS_MAX);
    out->headers[out->header_count++] = (struct http_header){ name, value };
}

static void add_headers(struct console_assets_answer *out, const struct console_asset *file, bool gzip)
{
    add(out, SLICE("ETag"), gzip ? file->gzip_etag : file->etag);
    add(out, SLICE("Cache-Control"),
        file->immutable ? SLICE("public, max-age=31536000, immutable") : SLICE("no-cache"));
    if (file->gzip.ptr) add(out, SLICE("Vary"), SLICE("Accept-Encoding"));
    if (gzip) add(out, SLICE("Content-Encoding"), SLICE("gzip"));
    add(out, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
    add(out, SLICE("Referrer-Policy"), SLICE("same-origin"));
    add(out, SLICE("Cross-Origin-Opener-Policy"), SLICE("same-origin"));
    add(out, SLICE("X-Frame-Options"), SLICE("DENY"));
    add(out, SLICE("Content-Security-Policy"), SLICE(CONTENT_POLICY));
}

void console_assets_answer(const struct http_request *request, struct console_assets_answer *out)
{
    const struct console_asset *file = find_file(request->path);
    if (!file) file = find_file(SLICE(INDEX));
    CHECK(file);
    const bool gzip = file->gzip.ptr && takes_gzip(request);
    *out = (struct console_assets_answer){ .status = 200 };
    add_headers(out, file, gzip);
    if (has_it_already(request, gzip ? file->gzip_etag : file->etag)) {
        out->status = 304;
        return;
    }
    out->content_type = file->content_type;
    out->body = gzip ? file->gzip : file->body;
}

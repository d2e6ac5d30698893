/* console_assets: the console's pages: the files of console/dist and the documentation, which
 * cmake/console_assets.cmake puts into the program, and the answer to a request for one.
 *
 * Use: if (console_assets_at(path)) console_assets_answer(request, &answer);
 * A page's path ("/dashboard", "/projects/…") gives index.html, whose script draws the page. Pure; everything
 * in an answer is static or in *out. Source: RFC 9110 sections 8.8.3, 12.5.3 and 13.1.2. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_ASSETS_H
#define XSHATHRA_CONSOLE_CONSOLE_ASSETS_H

#include "http/http_request.h"

#define CONSOLE_ASSETS_HEADERS_MAX 10

/* One embedded file; the table is generated. */
struct console_asset {
    struct slice path; /* as asked for, "/assets/app.js" */
    struct slice content_type;
    struct slice body, gzip; /* the same, compressed; ptr NULL = not worth it */
    struct slice etag, gzip_etag;
    bool immutable; /* its name has the hash of its content */
};

extern const struct console_asset console_asset_table[];
extern const size_t console_asset_count;

struct console_assets_answer {
    int status;
    struct slice content_type, body;
    struct http_header headers[CONSOLE_ASSETS_HEADERS_MAX];
    size_t header_count;
};

/* Is there a file or a page? */
bool console_assets_at(struct slice path);
/* The answer to a request for a path that console_assets_at() knows. */
void console_assets_answer(const struct http_request *request, struct console_assets_answer *out);

#endif

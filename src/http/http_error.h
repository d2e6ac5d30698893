/* http_error: every reason for which the codec refuses a request, with the
 * status, the machine code and the sentence that the peer gets.
 *
 * Use: const struct http_refusal *r = http_error_refusal(HTTP_ERROR_BARE_LF);
 * Source: RFC 9110 section 15 for the statuses; RFC 9112 for what is refused.
 * Static data, any thread. A sentence holds no byte of the request, so it can be
 * put into an answer and a log as it is. */
#ifndef XSHATHRA_HTTP_HTTP_ERROR_H
#define XSHATHRA_HTTP_HTTP_ERROR_H

#define HTTP_ERROR_LIST(X)                                                                                             \
    X(NONE, 200, "ok", "The request is well-formed.")                                                                  \
    X(REQUEST_LINE, 400, "bad_request",                                                                                \
      "The request line must be a method, a target and HTTP/1.1, each parted by one space.")                           \
    X(EMPTY_LINES, 400, "bad_request", "At most one empty line may come before a request line.")                       \
    X(METHOD, 400, "bad_request", "The method must be a token followed by one space.")                                 \
    X(NO_VERSION, 400, "bad_request", "The request line has no HTTP version; HTTP/1.0 and HTTP/1.1 are allowed.")      \
    X(VERSION_SYNTAX, 400, "bad_request", "The version in the request line must be written HTTP/1.1 or HTTP/1.0.")     \
    X(VERSION, 505, "http_version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")                       \
    X(CONNECT, 501, "not_implemented", "The method CONNECT is not implemented; this is not a proxy.")                  \
    X(TARGET_BYTE, 400, "bad_request",                                                                                 \
      "The request target may hold visible ASCII only; other bytes are percent-encoded.")                              \
    X(TARGET_FRAGMENT, 400, "bad_request", "The request target must not have a fragment (#).")                         \
    X(TARGET_FORM, 400, "bad_request",                                                                                 \
      "The request target must start with / or be an http URL; * is for OPTIONS only.")                                \
    X(LINE_TOO_LONG, 414, "uri_too_long", "The request line is longer than the limit.")                                \
    X(HEADERS_TOO_LARGE, 431, "header_too_large", "The header lines together are larger than the limit.")              \
    X(HEADERS_TOO_MANY, 431, "header_too_large", "There are more header lines than the limit.")                        \
    X(BARE_LF, 400, "bad_request", "A line ends in a bare LF; lines must end in CRLF.")                                \
    X(BARE_CR, 400, "bad_request", "A line holds a CR that is not followed by LF.")                                    \
    X(CONTROL_BYTE, 400, "bad_request", "A line holds NUL or another control byte.")                                   \
    X(FOLDED_LINE, 400, "bad_request", "A header line begins with white space; folded header lines are not allowed.")  \
    X(SPACE_BEFORE_COLON, 400, "bad_request", "White space between a header name and its colon is not allowed.")       \
    X(HEADER_NAME, 400, "bad_request", "A header line must begin with a name made of token characters, then a colon.") \
    X(NO_COLON, 400, "bad_request", "A header line has no colon.")                                                     \
    X(HOST_MISSING, 400, "bad_request", "An HTTP/1.1 request must have a Host header.")                                \
    X(HOST_REPEATED, 400, "bad_request", "The Host header is given more than once.")                                   \
    X(HOST_INVALID, 400, "bad_request", "The host must be a name or address with an optional port.")                   \
    X(LENGTH_INVALID, 400, "bad_request", "Content-Length must be one decimal number, digits only.")                   \
    X(LENGTH_HUGE, 400, "bad_request", "Content-Length is larger than any body can be (2^63-1).")                      \
    X(LENGTH_REPEATED, 400, "bad_request", "Content-Length is given more than once.")                                  \
    X(LENGTH_AND_CODING, 400, "bad_request", "Content-Length and Transfer-Encoding must not be given together.")       \
    X(CODING_UNKNOWN, 501, "not_implemented", "Of all transfer codings only chunked is implemented.")                  \
    X(CODING_INVALID, 400, "bad_request", "Transfer-Encoding must be exactly chunked.")                                \
    X(CODING_REPEATED, 400, "bad_request", "Transfer-Encoding is given more than once.")                               \
    X(CODING_IN_1_0, 400, "bad_request", "Transfer-Encoding is not allowed in HTTP/1.0.")                              \
    X(EXPECTATION, 417, "expectation_failed", "The only expectation that can be met is 100-continue.")                 \
    X(BODY_TOO_LARGE, 413, "body_too_large", "The request body is larger than the limit.")                             \
    X(CHUNK_SIZE, 400, "bad_request", "A chunk size must be 1 to 16 hexadecimal digits, with nothing around them.")    \
    X(CHUNK_EXTENSION, 400, "bad_request", "A chunk extension must be ;name or ;name=value.")                          \
    X(CHUNK_LINE_TOO_LONG, 400, "bad_request", "The chunk extensions are longer than the limit.")                      \
    X(CHUNK_END, 400, "bad_request", "The data of a chunk must be followed by CRLF.")

enum http_error {
#define HTTP_ERROR_ENUM(name, status, code, sentence) HTTP_ERROR_##name,
    HTTP_ERROR_LIST(HTTP_ERROR_ENUM)
#undef HTTP_ERROR_ENUM
};

struct http_refusal {
    int status;
    const char *code;     /* for machines: "bad_request", "body_too_large", ... */
    const char *sentence; /* for people */
};

/* Never NULL. */
const struct http_refusal *http_error_refusal(enum http_error error);

#endif

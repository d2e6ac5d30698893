#include "http/http_parser.h"

#include "base/check.h"
#include "http/http_chunk.h"
#include "http/http_head.h"

enum state {
    STATE_HEAD,       /* in front of or inside a head */
    STATE_BODY_START, /* a head was given; its body's limit may still be set */
    STATE_LENGTH,     /* in a body of known length */
    STATE_CHUNK_LINE, /* in front of or inside a chunk's size line */
    STATE_CHUNK_DATA, /* in a chunk's data */
    STATE_CHUNK_END,  /* in front of the CRLF after it */
    STATE_TRAILERS,   /* after the last chunk, up to the empty line */
    STATE_DONE,       /* the body is whole; HTTP_DONE is to be given */
    STATE_FINISHED,   /* drops everything */
    STATE_BROKEN,
};

/* What one step of the machine came to: an event, or STEP_ON to take the next step. */
#define STEP_ON (-1)

void http_parser_init(struct http_parser *p, const struct http_limits *limits)
{
    CHECK(limits->header_count_max <= HTTP_HEADERS_MAX);
    CHECK(limits->line_bytes_max <= HTTP_HEAD_BYTES_CEILING && limits->header_bytes_max <= HTTP_HEAD_BYTES_CEILING);
    *p = (struct http_parser){ .limits_ = limits, .state_ = STATE_HEAD };
}

static int broken(struct http_parser *p, enum http_error error)
{
    p->error_ = (uint8_t)error;
    p->state_ = STATE_BROKEN;
    return HTTP_BROKEN;
}

static void take(struct slice *in, size_t len)
{
    *in = slice_from(*in, len);
}

enum line { LINE_WHOLE, LINE_PARTIAL, LINE_TOO_LONG, LINE_BARE_LF };

/* Find the line at start, whose length without CRLF may be len_max. Looks at no byte
 * twice, however the input is split, and says TOO_LONG at the first byte too many: so the
 * answer does not depend on how much has come. */
static enum line find_line(struct http_parser *p, struct slice in, size_t start, size_t len_max, struct slice *line)
{
    if (in.len == start) return LINE_PARTIAL;
    const char *text = in.ptr + start;
    size_t window = in.len - start < len_max + 2 ? in.len - start : len_max + 2;
    const char *lf = p->scanned_ < window ? memchr(text + p->scanned_, '\n', window - p->scanned_) : NULL;
    size_t len = lf ? (size_t)(lf - text) : window;
    size_t cr = len > 0 && text[len - 1] == '\r' ? 1 : 0;
    if (len - cr > len_max) return LINE_TOO_LONG;
    if (!lf) {
        p->scanned_ = (uint32_t)window;
        return LINE_PARTIAL;
    }
    p->scanned_ = 0;
    if (!cr) return LINE_BARE_LF;
    *line = slice_of(text, len - 1);
    return LINE_WHOLE;
}

/* How long the next header line may be; the empty line always may. */
static size_t header_line_max(const struct http_parser *p)
{
    size_t used = (size_t)p->header_bytes_ + 2;
    return used < p->limits_->header_bytes_max ? p->limits_->header_bytes_max - used : 0;
}

static enum http_error read_header_line(struct http_parser *p, struct slice line, struct http_header *out)
{
    if (p->header_count_ == p->limits_->header_count_max) return HTTP_ERROR_HEADERS_TOO_MANY;
    enum http_error error = http_head_header_line(line, out);
    if (error) return error;
    p->header_count_++;
    p->header_bytes_ += (uint32_t)line.len + 2;
    return HTTP_ERROR_NONE;
}

static void rewind_head(struct http_parser *p)
{
    p->line_start_ = p->scanned_ = p->header_bytes_ = 0;
    p->header_count_ = 0;
    p->resumed_ = false;
}

/* The empty line after the headers was found at line_start_. */
static int end_head(struct http_parser *p, struct slice *in, struct http_event *out)
{
    struct http_request *req = &out->request;
    size_t head_len = (size_t)p->line_start_ + 2;
    req->head = slice_head(*in, head_len);
    req->headers = out->header_space_;
    req->header_count = p->header_count_;
    enum http_error error = http_head_finish(req);
    if (error) return broken(p, error);
    take(in, head_len);
    rewind_head(p);
    p->empty_line_ = false;
    p->keep_alive_ = req->keep_alive;
    p->chunked_ = req->chunked;
    p->remaining_ = req->content_length;
    p->body_bytes_left_ = p->limits_->body_bytes_max;
    p->extension_bytes_ = 0;
    p->state_ = STATE_BODY_START;
    return HTTP_HEAD;
}

/* RFC 9112 section 2.2: one empty line before a request line is passed over. */
static int skip_empty_line(struct http_parser *p, struct slice *in)
{
    if (p->empty_line_) return broken(p, HTTP_ERROR_EMPTY_LINES);
    p->empty_line_ = true;
    take(in, 2);
    return STEP_ON;
}

/* A whole line of the head. Lines are judged as they come, so that nobody can hide a bad
 * one behind a head that never ends. A head that came in pieces is read once more when it
 * is whole: the slices of the first pass were those of earlier buffers. */
static int on_head_line(struct http_parser *p, struct slice *in, struct slice line, struct http_event *out)
{
    enum http_error error;
    if (line.len == 0) {
        if (p->line_start_ == 0) return skip_empty_line(p, in);
        if (!p->resumed_) return end_head(p, in, out);
        rewind_head(p);
        return STEP_ON;
    }
    if (p->line_start_ == 0)
        error = http_head_request_line(line, &out->request);
    else
        error = read_header_line(p, line, &out->header_space_[p->header_count_]);
    if (error) return broken(p, error);
    p->line_start_ += (uint32_t)line.len + 2;
    return STEP_ON;
}

static int step_head(struct http_parser *p, struct slice *in, struct http_event *out)
{
    CHECK(in->len >= p->line_start_);
    bool first = p->line_start_ == 0;
    struct slice line;
    switch (find_line(p, *in, p->line_start_, first ? p->limits_->line_bytes_max : header_line_max(p), &line)) {
    case LINE_WHOLE: return on_head_line(p, in, line, out);
    case LINE_PARTIAL: p->resumed_ = !first; return HTTP_NEED_MORE;
    case LINE_TOO_LONG: return broken(p, first ? HTTP_ERROR_LINE_TOO_LONG : HTTP_ERROR_HEADERS_TOO_LARGE);
    case LINE_BARE_LF: break;
    }
    return broken(p, HTTP_ERROR_BARE_LF);
}

static int step_body_start(struct http_parser *p)
{
    if (p->chunked_) {
        p->state_ = STATE_CHUNK_LINE;
    } else {
        if (p->remaining_ > p->body_bytes_left_) return broken(p, HTTP_ERROR_BODY_TOO_LARGE);
        p->state_ = STATE_LENGTH;
    }
    return STEP_ON;
}

/* Data of a known length, after which the state is next. */
static int step_data(struct http_parser *p, struct slice *in, struct http_event *out, enum state next)
{
    if (p->remaining_ == 0) {
        p->state_ = (uint8_t)next;
        return STEP_ON;
    }
    if (in->len == 0) return HTTP_NEED_MORE;
    size_t len = in->len < p->remaining_ ? in->len : (size_t)p->remaining_;
    out->body = slice_head(*in, len);
    take(in, len);
    p->remaining_ -= len;
    return HTTP_BODY;
}

static int on_chunk_line(struct http_parser *p, struct slice line)
{
    uint64_t size;
    size_t extension_bytes;
    enum http_error error = http_chunk_read_line(line, &size, &extension_bytes);
    if (error) return broken(p, error);
    if (p->extension_bytes_ + extension_bytes > HTTP_CHUNK_EXTENSION_BYTES_MAX)
        return broken(p, HTTP_ERROR_CHUNK_LINE_TOO_LONG);
    if (size > p->body_bytes_left_) return broken(p, HTTP_ERROR_BODY_TOO_LARGE);
    p->extension_bytes_ = (uint16_t)(p->extension_bytes_ + extension_bytes);
    p->body_bytes_left_ -= size;
    p->remaining_ = size;
    p->state_ = size > 0 ? STATE_CHUNK_DATA : STATE_TRAILERS;
    return STEP_ON;
}

static int step_chunk_line(struct http_parser *p, struct slice *in)
{
    struct slice line;
    switch (find_line(p, *in, 0, HTTP_CHUNK_LINE_BYTES_MAX, &line)) {
    case LINE_WHOLE: take(in, line.len + 2); return on_chunk_line(p, line);
    case LINE_PARTIAL: return HTTP_NEED_MORE;
    case LINE_TOO_LONG: return broken(p, HTTP_ERROR_CHUNK_LINE_TOO_LONG);
    case LINE_BARE_LF: break;
    }
    return broken(p, HTTP_ERROR_BARE_LF);
}

static int step_chunk_end(struct http_parser *p, struct slice *in)
{
    if (in->len >= 1 && in->ptr[0] != '\r') return broken(p, HTTP_ERROR_CHUNK_END);
    if (in->len < 2) return HTTP_NEED_MORE;
    if (in->ptr[1] != '\n') return broken(p, HTTP_ERROR_CHUNK_END);
    take(in, 2);
    p->state_ = STATE_CHUNK_LINE;
    return STEP_ON;
}

/* Trailers are checked like headers and thrown away: nobody here may act on them. */
static int on_trailer_line(struct http_parser *p, struct slice line)
{
    if (line.len == 0) {
        rewind_head(p);
        p->state_ = STATE_DONE;
        return STEP_ON;
    }
    struct http_header trailer;
    enum http_error error = read_header_line(p, line, &trailer);
    return error ? broken(p, error) : STEP_ON;
}

static int step_trailers(struct http_parser *p, struct slice *in)
{
    struct slice line;
    switch (find_line(p, *in, 0, header_line_max(p), &line)) {
    case LINE_WHOLE: take(in, line.len + 2); return on_trailer_line(p, line);
    case LINE_PARTIAL: return HTTP_NEED_MORE;
    case LINE_TOO_LONG: return broken(p, HTTP_ERROR_HEADERS_TOO_LARGE);
    case LINE_BARE_LF: break;
    }
    return broken(p, HTTP_ERROR_BARE_LF);
}

static int step_done(struct http_parser *p)
{
    p->state_ = p->keep_alive_ ? STATE_HEAD : STATE_FINISHED;
    return HTTP_DONE;
}

static int step(struct http_parser *p, struct slice *in, struct http_event *out)
{
    switch ((enum state)p->state_) {
    case STATE_HEAD: return step_head(p, in, out);
    case STATE_BODY_START: return step_body_start(p);
    case STATE_LENGTH: return step_data(p, in, out, STATE_DONE);
    case STATE_CHUNK_LINE: return step_chunk_line(p, in);
    case STATE_CHUNK_DATA: return step_data(p, in, out, STATE_CHUNK_END);
    case STATE_CHUNK_END: return step_chunk_end(p, in);
    case STATE_TRAILERS: return step_trailers(p, in);
    case STATE_DONE: return step_done(p);
    case STATE_FINISHED: take(in, in->len); return HTTP_NEED_MORE;
    case STATE_BROKEN: break;
    }
    return HTTP_BROKEN;
}

enum http_result http_parser_next(struct http_parser *p, struct slice *in, struct http_event *out)
{
    int result;
    do {
        result = step(p, in, out);
    } while (result == STEP_ON);
    return (enum http_result)result;
}

void http_parser_limit_body(struct http_parser *p, uint64_t body_bytes_max)
{
    CHECK(p->state_ == STATE_BODY_START);
    p->body_bytes_left_ = body_bytes_max;
}

void http_parser_finish(struct http_parser *p)
{
    if (http_parser_in_body(p))
        p->keep_alive_ = false;
    else if (p->state_ != STATE_BROKEN)
        p->state_ = STATE_FINISHED;
}

bool http_parser_is_finished(const struct http_parser *p)
{
    return p->state_ == STATE_FINISHED;
}

bool http_parser_in_body(const struct http_parser *p)
{
    return p->state_ >= STATE_BODY_START && p->state_ <= STATE_DONE;
}

const struct http_refusal *http_parser_error(const struct http_parser *p)
{
    return http_error_refusal((enum http_error)p->error_);
}

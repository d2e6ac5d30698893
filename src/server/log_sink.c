#include "server/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json_writer.h"

#define RING_BYTES     ((size_t)1 << 20)
#define LINE_BYTES_MAX 4096 /* a longer line loses its last fields */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    char *ring; /* two halves' worth: one is filled while the other is written */
    size_t len;
    size_t touched; /* the most that len ever was: pages beyond were never backed */
    uint64_t dropped;
    bool running, stopping, json;
    int fd;
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .fd = -1 };

static void append_time(struct buf *out)
{
    struct timespec now;
    struct tm tm;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_append(out, slice_of(text, len));
    buf_printf(out, ".%03ldZ", now.tv_nsec / 1000000);
}

static void format_json(struct buf *out, enum log_level level, const char *message, const struct log_field *fields,
                        size_t count)
{
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("level"));
    json_write_string(&w, slice_from_cstr(log_level_name(level)));
    json_write_name(&w, SLICE("time"));
    buf_append_char(out, '"');
    append_time(out);
    buf_append_char(out, '"');
    w.comma_ = true;
    for (size_t i = 0; i < count; i++) {
        json_write_name(&w, slice_from_cstr(fields[i].key));
        switch (fields[i].type) {
        case LOG_FIELD_STR: json_write_string(&w, fields[i].str); break;
        case LOG_FIELD_U64: json_write_u64(&w, fields[i].number); break;
        case LOG_FIELD_I64: json_write_i64(&w, (int64_t)fields[i].number); break;
        case LOG_FIELD_BOOL: json_write_bool(&w, fields[i].number != 0); break;
        }
    }
    json_write_name(&w, SLICE("message"));
    json_write_string(&w, slice_from_cstr(message));
    json_write_object_end(&w);
}

static void format_text(struct buf *out, enum log_level level, const char *message, const struct log_field *fields,
                        size_t count)
{
    append_time(out);
    buf_printf(out, " %-5s %s", log_level_name(level), message);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, " %s=", fields[i].key);
        switch (fields[i].type) {
        case LOG_FIELD_STR: json_append_string(out, fields[i].str); break;
        case LOG_FIELD_U64: buf_append_u64(out, fields[i].number); break;
        case LOG_FIELD_I64: buf_append_i64(out, (int64_t)fields[i].number); break;
        case LOG_FIELD_BOOL: buf_append(out, fields[i].number ? SLICE("true") : SLICE("false")); break;
        }
    }
}

/* A peer's strings may hold what a terminal obeys: JSON escapes the old controls, but
 * neither DEL nor U+0080 to U+009F. */
static void disarm(struct buf *line)
{
    for (size_t i = 0; i < line->len; i++) {
        const unsigned char *at = (const unsigned char *)line->ptr + i;
        if (*at == 0x7f) line->ptr[i] = '?';
        if (*at == 0xc2 && i + 1 < line->len && at[1] < 0xa0) line->ptr[i] = line->ptr[i + 1] = '?';
    }
}

static void take_line(enum log_level level, const char *message, const struct log_field *fields, size_t count,
                      void *context)
{
    (void)context;
    struct buf line;
    buf_init(&line, LINE_BYTES_MAX);
    void (*format)(struct buf *, enum log_level, const char *, const struct log_field *, size_t) =
        sink.json ? format_json : format_text;
    format(&line, level, message, fields, count);
    if (!buf_ok(&line)) {
        buf_clear(&line);
        format(&line, level, message, NULL, 0);
    }
    disarm(&line);
    buf_append_char(&line, '\n');
    pthread_mutex_lock(&sink.lock);
    if (buf_ok(&line) && sink.len + line.len <= RING_BYTES) {
        memcpy(sink.ring + sink.len, line.ptr, line.len);
        sink.len += line.len;
        if (sink.len > sink.touched) sink.touched = sink.len;
        pthread_cond_signal(&sink.filled);
    } else {
        sink.dropped++;
    }
    pthread_mutex_unlock(&sink.lock);
    buf_deinit(&line);
}

uint64_t log_sink_taken_bytes(void)
{
    return sink.running ? 2 * RING_BYTES : 0;
}

uint64_t log_sink_touched_bytes(void)
{
    pthread_mutex_lock(&sink.lock);
    uint64_t touched = sink.touched;
    pthread_mutex_unlock(&sink.lock);
    return 2 * touched;
}

static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(sink.fd, bytes, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = sink.fd, .events = POLLOUT };
            (void)poll(&p, 1, 1000);
            continue;
        }
        if (n <= 0) return; /* nobody reads any more: nothing to be done about it */
        bytes += n;
        len -= (size_t)n;
    }
}

static void *run(void *context)
{
    char *spare = context;
    pthread_mutex_lock(&sink.lock);
    while (!sink.stopping || sink.len > 0) {
        if (sink.len == 0) {
            pthread_cond_wait(&sink.filled, &sink.lock);
            continue;
        }
        char *full = sink.ring;
        size_t len = sink.len;
        uint64_t dropped = sink.dropped;
        sink.ring = spare;
        sink.len = 0;
        sink.dropped = 0;
        spare = full;
        pthread_mutex_unlock(&sink.lock);
        write_all(full, len);
        if (dropped) LOG_WARN("log lines dropped", LOG_U64("count", dropped));
        pthread_mutex_lock(&sink.lock);
    }
    pthread_mutex_unlock(&sink.lock);
    mem_free(spare);
    return NULL;
}

bool log_sink_start(const char *file, bool json)
{
    sink.fd = STDERR_FILENO;
    if (file && file[0]) {
        sink.fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (sink.fd < 0) return false;
    }
    sink.json = json;
    sink.ring = mem_must_alloc(RING_BYTES);
    char *spare = mem_must_alloc(RING_BYTES);
    if (pthread_create(&sink.thread, NULL, run, spare) != 0) return false;
    sink.running = true;
    log_set_sink(take_line, NULL);
    return true;
}

void log_sink_stop(void)
{
    if (!sink.running) return;
    log_set_sink(NULL, NULL);
    pthread_mutex_lock(&sink.lock);
    sink.stopping = true;
    pthread_cond_signal(&sink.filled);
    pthread_mutex_unlock(&sink.lock);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 1;
    /* A stderr that blocks for ever must not keep the process. */
    if (pthread_timedjoin_np(sink.thread, NULL, &end) != 0) return;
    mem_free(sink.ring);
    sink.ring = NULL;
    sink.running = false;
}

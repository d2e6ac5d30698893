#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "control/control_internal.h"
#include "control/project_answer.h"
#include "control/project_run.h"

#define BACKLOG    16
#define READ_BYTES 4096
/* One line at its limit without its newline, and what one read may bring. */
#define INPUT_BYTES_MAX (PROJECT_REQUEST_BYTES_MAX + READ_BYTES)

enum connection_state {
    CONNECTION_READING, /* for a whole line */
    CONNECTION_WAITING, /* its change is on the way to the workers; reading is stopped */
    CONNECTION_WRITING, /* the answer is on the way; reading is stopped */
    CONNECTION_CLOSING, /* uv_close() was called */
};

struct control_connection {
    uv_pipe_t pipe;
    uv_write_t write;
    struct list node;
    struct control *control; /* borrowed: it outlives its connections */
    enum connection_state state;
    bool last_answer; /* close when the answer is out */
    uint64_t deadline_ms;
    struct buf in, out; /* owns; out may hold keys */
    char scratch[READ_BYTES];
};

static void read_lines(struct control_connection *connection);

static void on_closed(uv_handle_t *handle)
{
    struct control_connection *connection = handle->data;
    list_remove(&connection->node);
    connection->control->connection_count--;
    buf_deinit(&connection->in);
    project_result_wipe(&connection->out);
    mem_free(connection);
}

static void connection_close(struct control_connection *connection)
{
    if (connection->state == CONNECTION_CLOSING) return;
    connection->state = CONNECTION_CLOSING;
    control_change_forget(connection->control, connection);
    uv_close((uv_handle_t *)&connection->pipe, on_closed);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct control_connection *connection = handle->data;
    *out = uv_buf_init(connection->scratch, sizeof connection->scratch);
}

static void on_readable(uv_stream_t *stream, ssize_t got, const uv_buf_t *bytes)
{
    struct control_connection *connection = stream->data;
    if (got < 0) {
        connection_close(connection);
        return;
    }
    buf_append(&connection->in, slice_of(bytes->base, (size_t)got));
    read_lines(connection);
}

static void start_reading(struct control_connection *connection)
{
    connection->state = CONNECTION_READING;
    connection->deadline_ms = control_now_ms() + connection->control->options.idle_timeout_ms;
    if (uv_read_start((uv_stream_t *)&connection->pipe, on_buffer, on_readable) != 0) connection_close(connection);
}

static void on_written(uv_write_t *request, int status)
{
    struct control_connection *connection = request->data;
    project_result_wipe(&connection->out);
    if (connection->state == CONNECTION_CLOSING) return;
    if (status != 0 || connection->last_answer) {
        connection_close(connection);
        return;
    }
    start_reading(connection);
    read_lines(connection); /* what came along with the last request */
}

void control_connection_answer(struct control_connection *connection, struct buf *answer)
{
    project_result_wipe(&connection->out);
    connection->out = *answer;
    buf_init(answer, answer->len_max);
    buf_append_char(&connection->out, '\n');
    if (!buf_ok(&connection->out)) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_WRITING;
    connection->deadline_ms = control_now_ms() + connection->control->options.idle_timeout_ms;
    connection->write.data = connection;
    uv_buf_t bytes = uv_buf_init(connection->out.ptr, (unsigned)connection->out.len);
    if (uv_write(&connection->write, (uv_stream_t *)&connection->pipe, &bytes, 1, on_written) != 0)
        connection_close(connection);
}

static void answer_error(struct control_connection *connection, const struct project_error *error)
{
    struct buf answer;
    buf_init(&answer, BUF_NO_LIMIT);
    project_answer_write_error(&answer, error, (struct slice){ 0 });
    control_connection_answer(connection, &answer);
}

static void name_peer(const struct control_connection *connection, char *out, size_t room)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    uv_os_fd_t fd;
    bool known = uv_fileno((const uv_handle_t *)&connection->pipe, &fd) == 0 &&
                 getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    if (known)
        snprintf(out, room, "uid %ld, control socket", (long)peer.uid);
    else
        snprintf(out, room, "control socket");
}

/* The change that this connection has asked for is in force, or will be. */
static void on_settled(void *context, const struct project_error *error, struct buf *result)
{
    struct buf answer;
    buf_init(&answer, BUF_NO_LIMIT);
    if (error)
        project_answer_write_error(&answer, error, buf_slice(result));
    else
        project_answer_write(&answer, buf_slice(result));
    control_connection_answer(context, &answer);
}

static void run_line(struct control_connection *connection, struct slice line)
{
    struct control *c = connection->control;
    char who[64];
    name_peer(connection, who, sizeof who);
    struct project_service service = { .store = c->store, .now_s = (int64_t)time(NULL), .who = who };
    struct project_error error;
    struct buf result;
    bool changed = false;
    buf_init(&result, PROJECT_RESULT_BYTES_MAX);
    if (!project_run(&service, line, &result, &changed, &error)) {
        answer_error(connection, &error);
    } else if (changed) {
        connection->state = CONNECTION_WAITING;
        control_change_begin(c, (struct control_waiter){ on_settled, connection }, &result);
    } else {
        struct buf answer;
        buf_init(&answer, BUF_NO_LIMIT);
        project_answer_write(&answer, buf_slice(&result));
        control_connection_answer(connection, &answer);
    }
    project_result_wipe(&result);
}

/* At most one line is worked on at a time; the next waits in the buffer. */
static void read_lines(struct control_connection *connection)
{
    struct project_error error;
    if (connection->state != CONNECTION_READING) return;
    ptrdiff_t end = slice_index(buf_slice(&connection->in), '\n');
    size_t len = end >= 0 ? (size_t)end : connection->in.len;
    if (len > PROJECT_REQUEST_BYTES_MAX || !buf_ok(&connection->in)) {
        uv_read_stop((uv_stream_t *)&connection->pipe);
        project_refuse(&error, PROJECT_ERROR_BAD_REQUEST, "the request is too long: at most %d bytes are allowed",
                       PROJECT_REQUEST_BYTES_MAX);
        connection->last_answer = true;
        answer_error(connection, &error);
    } else if (end >= 0) {
        uv_read_stop((uv_stream_t *)&connection->pipe);
        run_line(connection, slice_head(buf_slice(&connection->in), len));
        buf_consume(&connection->in, len + 1);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control *c = listener->data;
    struct project_error error;
    if (status != 0) return;
    struct control_connection *connection = mem_must_alloc_zero(sizeof *connection);
    connection->control = c;
    connection->pipe.data = connection;
    buf_init(&connection->in, INPUT_BYTES_MAX);
    buf_init(&connection->out, BUF_NO_LIMIT);
    CHECK(uv_pipe_init(&c->loop, &connection->pipe, 0) == 0);
    list_push_back(&c->connections, &connection->node);
    c->connection_count++;
    if (uv_accept(listener, (uv_stream_t *)&connection->pipe) != 0) {
        connection_close(connection);
    } else if (c->connection_count > CONTROL_CONNECTIONS_MAX) {
        project_refuse(&error, PROJECT_ERROR_BUSY, "too many connections: at most %d are allowed at a time",
                       CONTROL_CONNECTIONS_MAX);
        connection->last_answer = true;
        answer_error(connection, &error);
    } else {
        start_reading(connection);
    }
}

enum status control_socket_open(struct control *c, int fd)
{
    CHECK(uv_pipe_init(&c->loop, &c->listener, 0) == 0);
    c->listener.data = c;
    if (uv_pipe_open(&c->listener, fd) != 0) {
        close(fd);
        return STATUS_IO;
    }
    return uv_listen((uv_stream_t *)&c->listener, BACKLOG, on_connection) == 0 ? STATUS_OK : STATUS_IO;
}

void control_connection_tick(struct control *c, uint64_t now_ms)
{
    LIST_EACH(node, next, &c->connections)
    {
        struct control_connection *connection = LIST_ENTRY(node, struct control_connection, node);
        /* one that waits has its change's own deadline */
        if (connection->state == CONNECTION_WAITING || connection->deadline_ms > now_ms) continue;
        connection_close(connection);
    }
}

void control_socket_close_all(struct control *c)
{
    uv_close((uv_handle_t *)&c->listener, NULL);
    LIST_EACH(node, next, &c->connections) connection_close(LIST_ENTRY(node, struct control_connection, node));
}

#include "control/control_call.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "control/control_address.h"
#include "control/project_answer.h"
#include "control/project_run.h"

#define RETRY_MS 50

static enum status no_answer(char *error, const char *why)
{
    snprintf(error, DATA_DIR_ERROR_MAX,
             "the server gave no answer (%s): \"project list\" and \"project show\" tell whether the change was made",
             why);
    return STATUS_UNAVAILABLE;
}

static enum status send_line(int fd, struct slice line, char *error)
{
    while (line.len > 0) {
        ssize_t sent = send(fd, line.ptr, line.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return no_answer(error, strerror(errno));
        line = slice_from(line, (size_t)sent);
    }
    return STATUS_OK;
}

static enum status receive_line(int fd, struct buf *answer, char *error)
{
    char piece[4096];
    enum status status = STATUS_OK;
    for (;;) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            status = no_answer(error, got == 0 ? "it ended the connection" : strerror(errno));
            break;
        }
        ptrdiff_t end = slice_index(slice_of(piece, (size_t)got), '\n');
        buf_append(answer, slice_of(piece, end >= 0 ? (size_t)end : (size_t)got));
        if (end >= 0 || !buf_ok(answer)) break;
    }
    explicit_bzero(piece, sizeof piece);
    if (status == STATUS_OK && !buf_ok(answer)) status = no_answer(error, "it is too large");
    return status;
}

static enum status ask_server(int fd, struct slice line, struct buf *answer, char *error)
{
    struct timeval timeout = { .tv_sec = CONTROL_CALL_TIMEOUT_S };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    enum status status = send_line(fd, line, error);
    if (status == STATUS_OK) status = send_line(fd, SLICE("\n"), error);
    return status == STATUS_OK ? receive_line(fd, answer, error) : status;
}

static enum status database_is_there(const char *dir, const char *path, char *error)
{
    struct stat about;
    if (stat(path, &about) == 0) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX,
             "there are no projects in \"%.300s\": start the server on it once, or name the right folder with --data",
             dir);
    return STATUS_NOT_FOUND;
}

static void run_on_store(struct store *store, struct slice line, struct buf *answer)
{
    char who[64];
    struct project_error error;
    struct buf result;
    bool changed = false;
    snprintf(who, sizeof who, "uid %ld, command line", (long)getuid());
    struct project_service service = { .store = store, .now_s = (int64_t)time(NULL), .who = who };
    buf_init(&result, PROJECT_RESULT_BYTES_MAX);
    if (project_run(&service, line, &result, &changed, &error))
        project_answer_write(answer, buf_slice(&result));
    else
        project_answer_write_error(answer, &error, (struct slice){ 0 });
    project_result_wipe(&result);
}

/* With the folder's lock held. */
static enum status ask_database(const char *dir, bool may_make, struct slice line, struct buf *answer, char *error)
{
    char path[DATA_DIR_PATH_MAX];
    struct store *store;
    enum status status = data_dir_path(dir, DATA_DIR_DATABASE, path, error);
    if (status == STATUS_OK && !may_make) status = database_is_there(dir, path, error);
    if (status == STATUS_OK) status = store_open(path, &store, error);
    if (status != STATUS_OK) return status;
    run_on_store(store, line, answer);
    store_close(store);
    return STATUS_OK;
}

/* One try. CONFLICT: somebody has the lock, and nobody listens. */
static enum status try_once(const char *dir, bool may_make, struct slice line, struct buf *answer, char *error)
{
    int fd;
    enum status status = control_address_connect(dir, &fd, error);
    if (status == STATUS_OK) {
        status = ask_server(fd, line, answer, error);
        close(fd);
        return status;
    }
    if (status != STATUS_NOT_FOUND) return status;
    status = data_dir_lock(dir, &fd, error);
    if (status != STATUS_OK) return status;
    status = ask_database(dir, may_make, line, answer, error);
    close(fd);
    return status;
}

static enum status folder_is_there(const char *dir, char *error)
{
    struct stat about;
    if (stat(dir, &about) == 0 && S_ISDIR(about.st_mode)) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX,
             "there is no data folder \"%.300s\": start the server once, or name the folder with --data", dir);
    return STATUS_NOT_FOUND;
}

enum status control_call(const char *dir, const struct project_request *request, struct buf *answer,
                         char error[static DATA_DIR_ERROR_MAX])
{
    struct buf line;
    buf_init(&line, 8 * PROJECT_REQUEST_BYTES_MAX);
    project_request_write(request, &line);
    enum status status = buf_ok(&line) ? folder_is_there(dir, error) : line.failed;
    if (!buf_ok(&line)) snprintf(error, DATA_DIR_ERROR_MAX, "the request is too long");
    for (int waited_ms = 0; status == STATUS_OK; waited_ms += RETRY_MS) {
        status = try_once(dir, request->command == PROJECT_CREATE, buf_slice(&line), answer, error);
        if (status != STATUS_CONFLICT || waited_ms >= CONTROL_CALL_BUSY_MS) break;
        poll(NULL, 0, RETRY_MS);
        status = STATUS_OK;
    }
    buf_deinit(&line);
    return status;
}

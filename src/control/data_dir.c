#include "control/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status status_of(int reason)
{
    switch (reason) {
    case ENOENT: return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return STATUS_DENIED;
    default: return STATUS_IO;
    }
}

/* "cannot open "data/lock": No space left on device" with errno. */
static enum status fail(char *error, const char *what, const char *path)
{
    int reason = errno;
    snprintf(error, DATA_DIR_ERROR_MAX, "cannot %s \"%.300s\": %s", what, path, strerror(reason));
    return status_of(reason);
}

enum status data_dir_path(const char *dir, const char *name, char out[static DATA_DIR_PATH_MAX],
                          char error[static DATA_DIR_ERROR_MAX])
{
    int len = snprintf(out, DATA_DIR_PATH_MAX, "%s/%s", dir, name);
    if (len > 0 && len < DATA_DIR_PATH_MAX) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX, "the data folder's path is too long: at most %d bytes are allowed",
             DATA_DIR_PATH_MAX);
    return STATUS_TOO_LARGE;
}

enum status data_dir_make(const char *dir, char error[static DATA_DIR_ERROR_MAX])
{
    if (mkdir(dir, 0700) == 0) return STATUS_OK;
    if (errno != EEXIST) return fail(error, "make the data folder", dir);
    struct stat about;
    if (stat(dir, &about) == 0 && S_ISDIR(about.st_mode)) return STATUS_OK;
    errno = ENOTDIR;
    return fail(error, "use as the data folder", dir);
}

static enum status locked_by_another(const char *dir, int fd, char *error)
{
    char pid[32] = "";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
    uint64_t number;
    struct slice digits = { pid, len > 0 ? (size_t)len : 0 };
    if (digits.len && pid[digits.len - 1] == '\n') digits.len--;
    if (slice_to_u64(digits, &number))
        snprintf(error, DATA_DIR_ERROR_MAX,
                 "the data folder \"%.300s\" is in use by process %llu: one server per data folder is allowed", dir,
                 (unsigned long long)number);
    else
        snprintf(error, DATA_DIR_ERROR_MAX,
                 "the data folder \"%.300s\" is in use by another process: one server per data folder is allowed", dir);
    close(fd);
    return STATUS_CONFLICT;
}

enum status data_dir_lock(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX])
{
    char path[DATA_DIR_PATH_MAX], pid[32];
    enum status status = data_dir_path(dir, DATA_DIR_LOCK, path, error);
    if (status != STATUS_OK) return status;
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); /* it is emptied: never somebody's link */
    if (opened < 0) return fail(error, "open", path);
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return locked_by_another(dir, opened, error);
        status = fail(error, "lock", path);
        close(opened);
        return status;
    }
    /* Only for the sentence above; the lock is what counts. */
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(opened, 0) != 0 || pwrite(opened, pid, (size_t)len, 0) != len) {
        status = fail(error, "write", path);
        close(opened);
        return status;
    }
    *fd = opened;
    return STATUS_OK;
}

static bool write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text = slice_from(text, (size_t)written);
    }
    return true;
}

static bool sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool good = fsync(fd) == 0;
    close(fd);
    return good;
}

enum status data_dir_write(const char *dir, const char *name, struct slice text, char error[static DATA_DIR_ERROR_MAX])
{
    char path[DATA_DIR_PATH_MAX], fresh[DATA_DIR_PATH_MAX + 8];
    enum status status = data_dir_path(dir, name, path, error);
    if (status != STATUS_OK) return status;
    snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    int fd = mkostemp(fresh, O_CLOEXEC); /* 0600, and never somebody's symbolic link */
    if (fd < 0) return fail(error, "make", fresh);
    bool good = write_all(fd, text) && fsync(fd) == 0;
    if (close(fd) != 0) good = false;
    if (good && rename(fresh, path) == 0 && sync_dir(dir)) return STATUS_OK;
    status = fail(error, "write", path);
    unlink(fresh);
    return status;
}

enum status data_dir_read(const char *dir, const char *name, struct buf *out, char error[static DATA_DIR_ERROR_MAX])
{
    char path[DATA_DIR_PATH_MAX];
    enum status status = data_dir_path(dir, name, path, error);
    if (status != STATUS_OK) return status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(error, "open", path);
    ssize_t got;
    do {
        char piece[1024];
        got = read(fd, piece, sizeof piece);
        if (got > 0) buf_append(out, slice_of(piece, (size_t)got));
        explicit_bzero(piece, sizeof piece);
    } while ((got > 0 && buf_ok(out)) || (got < 0 && errno == EINTR));
    status = got < 0 ? fail(error, "read", path) : STATUS_OK;
    close(fd);
    if (status == STATUS_OK && !buf_ok(out)) {
        snprintf(error, DATA_DIR_ERROR_MAX, "\"%.300s\" is too large: at most %zu bytes are allowed", path,
                 out->len_max);
        return out->failed;
    }
    return status;
}

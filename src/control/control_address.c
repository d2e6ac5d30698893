#include "control/control_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket's path holds 107 bytes, a folder's may be longer. Then the address goes
 * through the folder's descriptor, which must stay open while it is used. */
struct address {
    struct sockaddr_un sa;
    int dir_fd; /* -1 = not needed */
};

static enum status fail(char *error, const char *what, const char *path)
{
    int reason = errno;
    snprintf(error, DATA_DIR_ERROR_MAX, "cannot %s \"%.300s\": %s", what, path, strerror(reason));
    return reason == EACCES || reason == EPERM ? STATUS_DENIED : STATUS_IO;
}

static bool make_address(const char *dir, const char *path, struct address *out)
{
    *out = (struct address){ .sa = { .sun_family = AF_UNIX }, .dir_fd = -1 };
    size_t len = strlen(path);
    if (len < sizeof out->sa.sun_path) {
        memcpy(out->sa.sun_path, path, len + 1);
        return true;
    }
    out->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(out->sa.sun_path, sizeof out->sa.sun_path, "/proc/self/fd/%d/" DATA_DIR_SOCKET, out->dir_fd);
    return out->dir_fd >= 0;
}

static void drop_address(struct address *a)
{
    if (a->dir_fd >= 0) close(a->dir_fd);
}

static enum status remove_stale(const char *path, char *error)
{
    struct stat about;
    if (lstat(path, &about) != 0) return errno == ENOENT ? STATUS_OK : fail(error, "look at", path);
    if (!S_ISSOCK(about.st_mode)) {
        snprintf(error, DATA_DIR_ERROR_MAX,
                 "\"%.300s\" is not a socket: remove it, a server puts its control socket there", path);
        return STATUS_CONFLICT;
    }
    return unlink(path) == 0 ? STATUS_OK : fail(error, "remove the old socket", path);
}

enum status control_address_bind(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX])
{
    char path[DATA_DIR_PATH_MAX];
    struct address address;
    enum status status = data_dir_path(dir, DATA_DIR_SOCKET, path, error);
    if (status == STATUS_OK) status = remove_stale(path, error);
    if (status != STATUS_OK) return status;
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = make_address(dir, path, &address) && made >= 0;
    /* The mode of an unbound socket is what bind() gives the file on Linux: there is no
     * moment in which others may connect. chmod is for systems that ignore it. */
    good = good && fchmod(made, 0600) == 0 && bind(made, (struct sockaddr *)&address.sa, sizeof address.sa) == 0 &&
           chmod(path, 0600) == 0;
    if (!good) {
        status = fail(error, "make the control socket", path);
        if (made >= 0) close(made);
    } else {
        *fd = made;
    }
    drop_address(&address);
    return status;
}

enum status control_address_connect(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX])
{
    char path[DATA_DIR_PATH_MAX];
    struct address address;
    enum status status = data_dir_path(dir, DATA_DIR_SOCKET, path, error);
    if (status != STATUS_OK) return status;
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = make_address(dir, path, &address) && made >= 0 &&
                connect(made, (struct sockaddr *)&address.sa, sizeof address.sa) == 0;
    if (!good) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        status = fail(error, "connect to the control socket", path);
        if (nobody) status = STATUS_NOT_FOUND;
        if (made >= 0) close(made);
    } else {
        *fd = made;
    }
    drop_address(&address);
    return status;
}

void control_address_remove(const char *dir)
{
    char path[DATA_DIR_PATH_MAX], error[DATA_DIR_ERROR_MAX];
    if (data_dir_path(dir, DATA_DIR_SOCKET, path, error) == STATUS_OK) unlink(path);
}

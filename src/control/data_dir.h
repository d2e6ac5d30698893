/* data_dir: the folder that holds what a deployment keeps: the lock, the database,
 * the generated secrets, the control socket. Files in it are private (0600).
 *
 * Use: status = data_dir_make("data", error); status = data_dir_lock("data", &fd, error);
 * Any thread; blocks on the disk. On failure error is a sentence with the path. */
#ifndef XSHATHRA_CONTROL_DATA_DIR_H
#define XSHATHRA_CONTROL_DATA_DIR_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

#define DATA_DIR_ERROR_MAX 512
#define DATA_DIR_PATH_MAX  4096 /* as the kernel's */
#define DATA_DIR_DATABASE  "xshathra.db"
#define DATA_DIR_LOCK      "lock"
#define DATA_DIR_SOCKET    "control.sock"

/* DIR/NAME. TOO_LARGE. */
MUST_CHECK enum status data_dir_path(const char *dir, const char *name, char out[static DATA_DIR_PATH_MAX],
                                     char error[static DATA_DIR_ERROR_MAX]);
/* Makes the folder (0700) when it is missing; its parent must be there. DENIED, IO. */
MUST_CHECK enum status data_dir_make(const char *dir, char error[static DATA_DIR_ERROR_MAX]);
/* The one lock of the folder, held by whoever changes the database until *fd is
 * closed. CONFLICT: another process has it. DENIED, NOT_FOUND (no such folder), IO. */
MUST_CHECK enum status data_dir_lock(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX]);
/* Writes the whole file or leaves the old one, and has it on the disk. DENIED, IO. */
MUST_CHECK enum status data_dir_write(const char *dir, const char *name, struct slice text,
                                      char error[static DATA_DIR_ERROR_MAX]);
/* Appends the file to *out. NOT_FOUND, TOO_LARGE (out's limit), DENIED, IO. */
MUST_CHECK enum status data_dir_read(const char *dir, const char *name, struct buf *out,
                                     char error[static DATA_DIR_ERROR_MAX]);

#endif

/* control_address: DIR/control.sock, where a running server takes requests of the
 * command line. The socket's mode (0600) is who may: the server's own user and root.
 * Any thread. On failure error is a sentence. */
#ifndef XSHATHRA_CONTROL_CONTROL_ADDRESS_H
#define XSHATHRA_CONTROL_CONTROL_ADDRESS_H

#include "control/data_dir.h"

/* A bound, non-blocking socket, not yet listening. Call it only with the folder's lock
 * held: what lies at the path is then a dead server's and is removed. A thing that is no
 * socket is left alone (CONFLICT). DENIED, IO. */
MUST_CHECK enum status control_address_bind(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX]);
/* A connected, blocking socket. NOT_FOUND: nobody listens there. DENIED, IO. */
MUST_CHECK enum status control_address_connect(const char *dir, int *fd, char error[static DATA_DIR_ERROR_MAX]);
/* Removes the socket; only with the lock held. */
void control_address_remove(const char *dir);

#endif

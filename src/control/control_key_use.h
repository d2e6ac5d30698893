/* control_key_use: the last use of keys, from the workers to the database, many at a time. */
#ifndef XSHATHRA_CONTROL_CONTROL_KEY_USE_H
#define XSHATHRA_CONTROL_CONTROL_KEY_USE_H

#include "control/control.h"
#include "store/store_key.h"

struct control_key_use {
    char id[STORE_KEY_ID_MAX];
    int64_t at_s;
};

/* Copies the rows. Memory that is out loses them: it is a time for people. Any thread, until
 * control_free(). */
void control_post_key_uses(struct control *c, const struct control_key_use *uses, size_t count);

#endif

/* folder: a data folder of its own for each test, removed after it. */
#ifndef XSHATHRA_TESTS_CONTROL_FOLDER_H
#define XSHATHRA_TESTS_CONTROL_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

struct folder {
    char dir[256];
};

/* cmocka's setup and teardown; *state is the struct folder. */
int folder_set_up(void **state);
int folder_tear_down(void **state);
/* DIR/name in a static buffer. */
const char *folder_file(const struct folder *f, const char *name);
struct store *folder_store(const struct folder *f);

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, folder_set_up, folder_tear_down)

#endif

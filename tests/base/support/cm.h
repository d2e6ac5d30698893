/* cm: cmocka with the headers that it wants before itself. */
#ifndef XSHATHRA_TESTS_BASE_CM_H
#define XSHATHRA_TESTS_BASE_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

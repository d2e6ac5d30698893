/* store_memory: what the database library holds in memory, over all its connections. Any thread. */
#ifndef XSHATHRA_STORE_STORE_MEMORY_H
#define XSHATHRA_STORE_STORE_MEMORY_H

#include <stdint.h>

uint64_t store_memory_bytes(void);

#endif

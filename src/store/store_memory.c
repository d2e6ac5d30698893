#include "store/store_memory.h"

#include <sqlite3.h>

uint64_t store_memory_bytes(void)
{
    return (uint64_t)sqlite3_memory_used();
}

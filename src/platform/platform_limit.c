#include "platform/platform_limit.h"

#include <sys/resource.h>

enum status platform_raise_nofile(uint64_t *soft)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return STATUS_IO;
    struct rlimit wanted = { limit.rlim_max, limit.rlim_max };
    if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &wanted) == 0) limit = wanted;
    *soft = limit.rlim_cur;
    return STATUS_OK;
}

#include "platform/platform_thread.h"

#include <pthread.h>
#include <stdio.h>

void platform_thread_name(const char *name)
{
    char cut[PLATFORM_THREAD_NAME_MAX + 1];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

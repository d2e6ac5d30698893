/* platform_thread: what a thread can say about itself. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_THREAD_H
#define XSHATHRA_PLATFORM_PLATFORM_THREAD_H

#define PLATFORM_THREAD_NAME_MAX 15 /* the kernel keeps no more */

/* Names the calling thread, as top and gdb show it; cut after PLATFORM_THREAD_NAME_MAX bytes. */
void platform_thread_name(const char *name);

#endif

/* poison: marks memory that must not be touched, so that ASan reports who does.
 * Nothing without ASan. Addresses should be multiples of 8. */
#ifndef XSHATHRA_BASE_POISON_H
#define XSHATHRA_BASE_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISON_ENABLED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ENABLED 1
#endif
#endif

#ifdef POISON_ENABLED
#include <sanitizer/asan_interface.h>
static inline void poison(const void *ptr, size_t len)
{
    ASAN_POISON_MEMORY_REGION(ptr, len);
}
static inline void unpoison(const void *ptr, size_t len)
{
    ASAN_UNPOISON_MEMORY_REGION(ptr, len);
}
#else
static inline void poison(const void *ptr, size_t len)
{
    (void)ptr, (void)len;
}
static inline void unpoison(const void *ptr, size_t len)
{
    (void)ptr, (void)len;
}
#endif

#endif

#include "config/config_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"

static bool is_pem(struct slice text)
{
    static const char mark[] = "-----BEGIN ";
    return text.len > 0 && memmem(text.ptr, text.len, mark, sizeof mark - 1) != NULL;
}

static struct slice from_base64(const struct config_settings *s, struct slice text)
{
    uint8_t *bytes = mem_must_alloc(BASE64_DECODED_MAX(text.len));
    const ptrdiff_t len = base64_decode(text, bytes);
    struct slice pem = len > 0 ? slice_of((const char *)bytes, (size_t)len) : (struct slice){ 0 };
    pem = is_pem(pem) ? config_copy(s, pem) : (struct slice){ 0 };
    mem_free(bytes);
    return pem;
}

/* All there is, or one byte more than allowed; -1 with errno. */
static ssize_t read_all(int fd, char *into)
{
    size_t len = 0;
    while (len <= CONFIG_PEM_BYTES_MAX) {
        const ssize_t got = read(fd, into + len, CONFIG_PEM_BYTES_MAX + 1 - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static struct slice from_file(const struct config_settings *s, const char *path, const char **why)
{
    struct slice pem = { 0 };
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *bytes = fd < 0 ? NULL : mem_must_alloc(CONFIG_PEM_BYTES_MAX + 1);
    const ssize_t len = fd < 0 ? -1 : read_all(fd, bytes);
    if (len < 0)
        *why = config_format(s, "is no PEM text, no base64 of it, and as a file: %s", strerror(errno)).ptr;
    else if ((size_t)len > CONFIG_PEM_BYTES_MAX)
        *why = "names a file that is larger than 1 MiB";
    else if (!is_pem(slice_of(bytes, (size_t)len)))
        *why = "names a file without a PEM block";
    else
        pem = config_copy(s, slice_of(bytes, (size_t)len));
    mem_free(bytes);
    if (fd >= 0) (void)close(fd);
    return pem;
}

struct slice config_pem_read(const struct config_settings *s, const char *text, const char **why)
{
    const struct slice raw = slice_from_cstr(text);
    if (is_pem(raw)) return raw;
    const struct slice decoded = from_base64(s, raw);
    return decoded.ptr ? decoded : from_file(s, text, why);
}

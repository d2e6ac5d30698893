#include "load/load_tokens.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "auth/auth_sign.h"
#include "base/mem.h"

#define TOKEN_TTL_S 3600
#define READ_LEN    65536

enum status load_tokens_from_secret(struct load_tokens *t, struct slice secret)
{
    t->mac_ = crypto_hmac_new(CRYPTO_SHA256, secret);
    return t->mac_ ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status read_whole(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file) return STATUS_IO;
    size_t got = 0;
    do {
        char *room = buf_reserve(out, READ_LEN);
        if (!room) break;
        got = fread(room, 1, READ_LEN, file);
        out->len += got;
    } while (got == READ_LEN);
    bool failed = ferror(file) != 0;
    int why = errno;
    fclose(file);
    errno = why;
    return failed ? STATUS_IO : out->failed;
}

static struct slice take_line(struct slice *rest)
{
    ptrdiff_t end = slice_index(*rest, '\n');
    struct slice line = end < 0 ? *rest : slice_head(*rest, (size_t)end);
    *rest = slice_from(*rest, line.len + 1);
    if (line.len != 0 && line.ptr[line.len - 1] == '\r') line.len--;
    return slice_trim(line);
}

static enum status keep_lines(struct load_tokens *t, struct slice text)
{
    size_t line_max = 1;
    for (size_t i = 0; i < text.len; i++) line_max += text.ptr[i] == '\n';
    t->lines_ = mem_alloc(line_max * sizeof(struct slice));
    if (!t->lines_) return STATUS_NO_MEMORY;
    while (text.len != 0) {
        struct slice line = take_line(&text);
        if (line.len != 0) t->lines_[t->line_count++] = line;
    }
    return t->line_count ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status load_tokens_from_file(struct load_tokens *t, const char *path)
{
    struct buf text;
    size_t len = 0;
    buf_init(&text, LOAD_TOKENS_FILE_LEN_MAX);
    enum status status = read_whole(path, &text);
    if (status == STATUS_OK) {
        t->text_ = buf_take(&text, &len);
        status = t->text_ ? keep_lines(t, slice_of(t->text_, len)) : STATUS_NO_MEMORY;
    }
    buf_deinit(&text);
    return status;
}

bool load_tokens_append(const struct load_tokens *t, uint32_t index, struct buf *out)
{
    char user[32];
    if (t->line_count) {
        buf_append(out, t->lines_[index % t->line_count]);
        return buf_ok(out);
    }
    if (!t->mac_) return true;
    int64_t now_s = time(NULL);
    snprintf(user, sizeof user, "bench_%u", index);
    struct auth_minted minted = {
        .kind = AUTH_CONNECTION, .user = slice_from_cstr(user), .iat_s = now_s, .exp_s = now_s + TOKEN_TTL_S
    };
    return auth_sign(t->mac_, &minted, out) == STATUS_OK;
}

void load_tokens_deinit(struct load_tokens *t)
{
    crypto_hmac_free(t->mac_);
    mem_free(t->text_);
    mem_free(t->lines_);
    *t = (struct load_tokens){ 0 };
}

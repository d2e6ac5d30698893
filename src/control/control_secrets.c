#include "control/control_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/base64.h"
#include "crypto/crypto_random.h"
#include "crypto/crypto_secret.h"
#include "json/json_reader.h"
#include "json/json_writer.h"

#define SECRET_BYTES   32 /* as long as the digest: RFC 2104 section 3 */
#define FILE_BYTES_MAX (4 * CONTROL_SECRET_MAX)
#define NAME_TOKEN     "token_hmac_secret_key"
#define NAME_API_KEY   "api_key"

static bool take_string(struct json_reader *r, char *out)
{
    struct json_string s;
    if (!json_string(r, &s)) return false;
    if (s.raw.len >= CONTROL_SECRET_MAX) return json_fail(r, "the secret is too long");
    out[json_string_decode_to(s, out)] = '\0';
    return true;
}

static enum status parse(struct slice text, const char *dir, struct control_secrets *out, char *error)
{
    struct json_reader r;
    struct json_string key;
    json_reader_init(&r, text, JSON_DEPTH_DEFAULT);
    if (json_object_begin(&r)) {
        while (json_object_next(&r, &key)) {
            if (json_string_eq(key, SLICE(NAME_TOKEN)))
                take_string(&r, out->token_hmac_secret_key);
            else if (json_string_eq(key, SLICE(NAME_API_KEY)))
                take_string(&r, out->api_key);
            else
                json_skip(&r); /* a later version's */
        }
    }
    if (json_ok(&r) && json_at_end(&r)) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX,
             "\"%.200s/" CONTROL_SECRETS_FILE
             "\" is not what this program wrote (%s, byte %zu): restore it from a backup, or "
             "remove it and all tokens and API keys become worthless",
             dir, json_ok(&r) ? "more follows the object" : r.error.text, r.error.position);
    return STATUS_MALFORMED;
}

static enum status read_file(const char *dir, struct control_secrets *out, char *error)
{
    struct buf text;
    buf_init(&text, FILE_BYTES_MAX);
    enum status status = data_dir_read(dir, CONTROL_SECRETS_FILE, &text, error);
    if (status == STATUS_OK) status = parse(buf_slice(&text), dir, out, error);
    if (text.cap) crypto_wipe(text.ptr, text.cap);
    buf_deinit(&text);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status write_file(const char *dir, const struct control_secrets *s, char *error)
{
    struct buf text;
    buf_init(&text, 2 * FILE_BYTES_MAX);
    struct json_writer w = json_writer_to(&text);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE(NAME_TOKEN));
    json_write_string(&w, slice_from_cstr(s->token_hmac_secret_key));
    json_write_name(&w, SLICE(NAME_API_KEY));
    json_write_string(&w, slice_from_cstr(s->api_key));
    json_write_object_end(&w);
    buf_append_char(&text, '\n');
    enum status status = text.failed;
    if (status == STATUS_OK)
        status = data_dir_write(dir, CONTROL_SECRETS_FILE, buf_slice(&text), error);
    else
        snprintf(error, DATA_DIR_ERROR_MAX, "the secrets cannot be written: %s", status_text(status));
    if (text.cap) crypto_wipe(text.ptr, text.cap);
    buf_deinit(&text);
    return status;
}

/* Fill what the file lacks and the configuration does not give. */
static bool generate_missing(char *secret, bool given)
{
    uint8_t bytes[SECRET_BYTES];
    if (given || secret[0]) return false;
    crypto_random(bytes, sizeof bytes);
    secret[base64url_encode(slice_of(bytes, sizeof bytes), secret)] = '\0';
    crypto_wipe(bytes, sizeof bytes);
    return true;
}

static enum status load_locked(const char *dir, bool token_given, bool api_key_given, struct control_secrets *s,
                               char *error)
{
    if (token_given && api_key_given) return STATUS_OK;
    enum status status = read_file(dir, s, error);
    if (status != STATUS_OK) return status;
    bool made = generate_missing(s->token_hmac_secret_key, token_given);
    made |= generate_missing(s->api_key, api_key_given);
    s->generated = made;
    return made ? write_file(dir, s, error) : STATUS_OK;
}

static enum status take_given(const char *given, const char *name, char *out, char *error)
{
    size_t len = given ? strlen(given) : 0;
    if (len == 0) return STATUS_OK;
    if (len >= CONTROL_SECRET_MAX) {
        snprintf(error, DATA_DIR_ERROR_MAX, "the given %s has %zu bytes: at most %d are allowed", name, len,
                 CONTROL_SECRET_MAX - 1);
        return STATUS_TOO_LARGE;
    }
    memcpy(out, given, len + 1);
    return STATUS_OK;
}

/* Two programs that start at once must not make two files: the folder is locked. */
static enum status lock_dir(const char *dir, int *fd, char *error)
{
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0 && flock(*fd, LOCK_EX) == 0) return STATUS_OK;
    snprintf(error, DATA_DIR_ERROR_MAX, "cannot use the data folder \"%.300s\": %s", dir, strerror(errno));
    if (*fd >= 0) close(*fd);
    return STATUS_IO;
}

enum status control_secrets_load(const char *dir, const char *token_hmac_secret_key, const char *api_key,
                                 struct control_secrets *out, char error[static DATA_DIR_ERROR_MAX])
{
    int fd;
    struct control_secrets s = { 0 };
    bool token_given = token_hmac_secret_key && token_hmac_secret_key[0], api_key_given = api_key && api_key[0];
    enum status status = lock_dir(dir, &fd, error);
    if (status != STATUS_OK) return status;
    status = load_locked(dir, token_given, api_key_given, &s, error);
    close(fd);
    if (status == STATUS_OK) status = take_given(token_hmac_secret_key, NAME_TOKEN, s.token_hmac_secret_key, error);
    if (status == STATUS_OK) status = take_given(api_key, NAME_API_KEY, s.api_key, error);
    if (status == STATUS_OK) *out = s;
    control_secrets_wipe(&s);
    return status;
}

void control_secrets_wipe(struct control_secrets *s)
{
    crypto_wipe(s, sizeof *s);
}

enum status control_first_run_write(const char *dir, struct slice text, char error[static DATA_DIR_ERROR_MAX])
{
    return data_dir_write(dir, CONTROL_FIRST_RUN_FILE, text, error);
}

#include "account/account_change.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"
#include "store/store_audit.h"

bool account_stored(const struct account_service *a, enum status status, const char *what, struct account_error *error)
{
    if (status == STATUS_OK) return true;
    const char *reason = status == STATUS_IO || status == STATUS_INTERNAL || status == STATUS_UNAVAILABLE
                             ? store_error(a->store)
                             : status_text(status);
    return account_refuse(error, ACCOUNT_ERROR_STORAGE_FAILED, NULL, "%s failed in the database: %s", what, reason);
}

bool account_change_begin(const struct account_service *a, struct account_error *error)
{
    return account_stored(a, store_begin(a->store), "beginning a change", error);
}

bool account_change_end(const struct account_service *a, bool good, struct account_error *error)
{
    if (good && account_stored(a, store_commit(a->store), "the change", error)) return true;
    store_rollback(a->store);
    return false;
}

bool account_audit(const struct account_service *a, const char *who, const char *project, struct account_error *error,
                   const char *format, ...)
{
    char what[STORE_AUDIT_WHAT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return account_stored(
        a, store_audit_add(a->store, a->now_s, slice_from_cstr(project), slice_from_cstr(who), slice_from_cstr(what)),
        "the audit", error);
}

/* What makes text look like other text: marks that turn the direction of all that follows
 * (U+202A to U+202E, U+2066 to U+2069), line and paragraph separators, spaces of no width.
 * Joiners and the marks of one letter's direction stay: several scripts need them. */
static bool has_deceiving_character(struct slice text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        const unsigned char *c = (const unsigned char *)text.ptr + i;
        if (c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0x8b || (c[2] >= 0xa8 && c[2] <= 0xae))) return true;
        if (c[0] == 0xe2 && c[1] == 0x81 && (c[2] == 0xa0 || (c[2] >= 0xa6 && c[2] <= 0xa9))) return true;
        if (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) return true;
    }
    return false;
}

bool account_take_text(struct slice text, const char *field, char *out, size_t max, struct account_error *error)
{
    if (text.len == 0 || text.len > max || !utf8_valid(text) || utf8_has_control(text) || has_deceiving_character(text))
        return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, field,
                              "%s is not allowed: 1 to %zu bytes of UTF-8 without control characters are", field, max);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* Only mail can tell whether an address works; this keeps out what is certainly none. */
bool account_take_email(struct slice text, char out[static STORE_ACCOUNT_EMAIL_MAX], struct account_error *error)
{
    const ptrdiff_t at = slice_last_index(text, '@');
    const bool shaped = at > 0 && (size_t)at + 1 < text.len && slice_index(text, ' ') < 0 &&
                        slice_index(text, '<') < 0 && slice_index(text, '"') < 0;
    if (!shaped)
        return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, "email",
                              "email is no e-mail address: it looks like \"ann@example.com\"");
    return account_take_text(text, "email", out, STORE_ACCOUNT_EMAIL_MAX - 1, error);
}

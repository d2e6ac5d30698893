/* account_totp: time-based one-time passwords as authenticator apps make them: SHA-1, six
 * digits, steps of 30 seconds. Source: RFC 6238, RFC 4226; key URIs as the apps read them.
 * Pure; any thread. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_TOTP_H
#define XSHATHRA_ACCOUNT_ACCOUNT_TOTP_H

#include "base/buf.h"
#include "store/store_account.h"

#define ACCOUNT_TOTP_SECRET_TEXT_MAX 33 /* base32 of the secret, with NUL */

void account_totp_make(uint8_t secret[static STORE_TOTP_SECRET_LEN]);
/* For people who type it in. */
void account_totp_text(const uint8_t secret[static STORE_TOTP_SECRET_LEN],
                       char out[static ACCOUNT_TOTP_SECRET_TEXT_MAX]);
/* otpauth://totp/… for the QR code. */
void account_totp_uri(const uint8_t secret[static STORE_TOTP_SECRET_LEN], struct slice email, struct buf *out);
/* The step that code belongs to, when it is of now, the step before or the one after, and
 * later than last_step: no code counts twice. 0 = it does not fit. Blanks are as typed. */
MUST_CHECK int64_t account_totp_check(const uint8_t secret[static STORE_TOTP_SECRET_LEN], struct slice code,
                                      int64_t now_s, int64_t last_step);

#endif

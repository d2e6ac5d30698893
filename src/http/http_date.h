/* http_date writes the one form of date that HTTP/1.1 sends.
 *
 * Use: char date[HTTP_DATE_SIZE]; http_date_format(now, date); once a second.
 * Source: RFC 9110 section 5.6.7 (IMF-fixdate). Pure: no locale, no time zone. */
#ifndef XSHATHRA_HTTP_HTTP_DATE_H
#define XSHATHRA_HTTP_HTTP_DATE_H

#include <stdint.h>

#define HTTP_DATE_LEN  29
#define HTTP_DATE_SIZE (HTTP_DATE_LEN + 1)

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. Times before 1970 and after 9999, which
 * the form cannot or need not hold, become the nearest that it can. */
void http_date_format(int64_t unix_seconds, char out[static HTTP_DATE_SIZE]);

#endif

#include "http/http_date.h"

#include <string.h>

#define SECONDS_A_DAY   86400
#define END_OF_9999     INT64_C(253402300799)
#define DAYS_IN_400     146097 /* the Gregorian calendar repeats after 400 years */
#define DAYS_0000_03_01 719468 /* from 0000-03-01 to 1970-01-01 */

struct date {
    unsigned year, month, day; /* month 0 to 11, day 1 to 31 */
};

/* Years are counted from March on, so that the leap day is a year's last. */
static struct date date_of(int64_t days_since_1970)
{
    unsigned days = (unsigned)(days_since_1970 + DAYS_0000_03_01);
    unsigned cycle = days / DAYS_IN_400, day_of_cycle = days % DAYS_IN_400;
    unsigned year = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
    unsigned day_of_year = day_of_cycle - (365 * year + year / 4 - year / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned month = (month_from_march + 2) % 12;
    return (struct date){
        .year = cycle * 400 + year + (month < 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

static void put_two(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

void http_date_format(int64_t unix_seconds, char out[static HTTP_DATE_SIZE])
{
    if (unix_seconds < 0) unix_seconds = 0;
    if (unix_seconds > END_OF_9999) unix_seconds = END_OF_9999;
    int64_t days = unix_seconds / SECONDS_A_DAY;
    unsigned second = (unsigned)(unix_seconds % SECONDS_A_DAY);
    struct date date = date_of(days);
    memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTP_DATE_SIZE);
    memcpy(out, &"ThuFriSatSunMonTueWed"[days % 7 * 3], 3); /* 1970-01-01 was a Thursday */
    put_two(out + 5, date.day);
    memcpy(out + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[date.month * 3], 3);
    put_two(out + 12, date.year / 100);
    put_two(out + 14, date.year % 100);
    put_two(out + 17, second / 3600);
    put_two(out + 20, second / 60 % 60);
    put_two(out + 23, second % 60);
}

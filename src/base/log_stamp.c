/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log_stamp.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_of_year(unsigned year)
{
	return is_leap(year) ? 366 : 365;
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * This does not use gmtime_r(3), since that of glibc takes a lock, and reads
 * the file that TZ names.
 */
void
log_stamp(char text[static LOG_STAMP_MAX], long process)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_REALTIME, &now);
	unsigned long s = now.tv_sec > 0 ? (unsigned long)now.tv_sec : 0;
	unsigned long days = s / 86400;
	unsigned year = 1970, month = 1;
	for (; days >= days_of_year(year) && year < 9999; year++)
		days -= days_of_year(year);
	for (; days >= days_of_month(year, month) && month < 12; month++)
		days -= days_of_month(year, month);
	(void)snprintf(text, LOG_STAMP_MAX,
	    "%u-%02u-%02luT%02lu:%02lu:%02lu.%03ldZ [%ld] ", year, month,
	    days + 1, s / 3600 % 24, s / 60 % 60, s % 60, now.tv_nsec / 1000000,
	    process);
}

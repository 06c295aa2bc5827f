/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see clock.h.
 */
#include "agg/history/clock.h"

#include <time.h>

#define DAY_S 86400u

bool clock_step(struct clock *c, uint64_t says_s, uint64_t steady_s)
{
	if (says_s >= c->now_s && says_s >= CLOCK_LEAST_S) {
		c->now_s = says_s;
		c->doubt_s = 0;
		return false;
	}
	if (says_s < CLOCK_LEAST_S)
		return false;
	if (!c->doubt_s)
		c->doubt_s = steady_s + !steady_s;
	if (steady_s - c->doubt_s < CLOCK_DOUBT_S)
		return false;
	c->now_s = says_s;
	c->doubt_s = 0;
	return true;
}

static unsigned days_in(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	                                      30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && leap);
}

uint64_t clock_month(uint64_t now_s, unsigned day)
{
	time_t t = (time_t)now_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	int year = tm.tm_year + 1900, month = tm.tm_mon;
	uint64_t first_s = now_s - now_s % DAY_S - (uint64_t)(tm.tm_mday - 1) * DAY_S;
	unsigned begins = day < days_in(year, month) ? day : days_in(year, month);
	if ((unsigned)tm.tm_mday >= begins)
		return first_s + (begins - 1) * DAY_S;
	if (--month < 0) {
		month = 11;
		year--;
	}
	first_s -= days_in(year, month) * DAY_S;
	begins = day < days_in(year, month) ? day : days_in(year, month);
	return first_s + (begins - 1) * DAY_S;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: numbers for people: rounded first, so that the unit fits what is shown.
 */
#include "agg/report/human.h"

#include <inttypes.h>
#include <stdio.h>

/* 1.23, 12.3, 123: three digits, where there are so many. */
static int decimals(double value)
{
	return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *human_bytes(uint64_t bytes, char buf[HUMAN_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		i++;
	}
	snprintf(buf, HUMAN_MAX, "%.*f %s", i ? decimals(value) : 0, value,
	         units[i]);
	return buf;
}

const char *human_rate(uint64_t bytes_per_s, char buf[HUMAN_MAX])
{
	double mbps = (double)bytes_per_s * 8e-6;

	snprintf(buf, HUMAN_MAX, "%.*f", mbps < 99.95 ? 1 : 0, mbps);
	return buf;
}

const char *human_ms(uint64_t us, char buf[HUMAN_MAX])
{
	double ms = (double)us * 1e-3;

	snprintf(buf, HUMAN_MAX, "%.*f ms", decimals(ms), ms);
	return buf;
}

const char *human_age(uint64_t us, char buf[HUMAN_MAX])
{
	uint64_t s = us / 1000000, min = s / 60, h = min / 60, d = h / 24;

	if (d)
		snprintf(buf, HUMAN_MAX, "%" PRIu64 " d %" PRIu64 " h", d, h % 24);
	else if (h)
		snprintf(buf, HUMAN_MAX, "%" PRIu64 " h %" PRIu64 " min", h,
		         min % 60);
	else if (min)
		snprintf(buf, HUMAN_MAX, "%" PRIu64 " min %" PRIu64 " s", min,
		         s % 60);
	else
		snprintf(buf, HUMAN_MAX, "%" PRIu64 " s", s);
	return buf;
}

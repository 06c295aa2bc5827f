/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see quota.h.
 */
#include "agg/role/quota.h"

#include "agg/history/clock.h"
#include "agg/report/human.h"

#include <stdio.h>
#include <time.h>

#define MBIT_BPS 125000u
#define MONTH_MOST_S (31u * 86400u) /* a moment in the next month */

void quota_count(struct quota *q, uint64_t taken_bytes, uint64_t now_s)
{
	uint64_t month_s = now_s < CLOCK_LEAST_S ? 0 : clock_month(now_s, QUOTA_DAY);

	if (month_s > q->month_s) {
		q->bytes = q->month_s ? 0 : q->bytes;
		q->month_s = month_s;
	}
	q->bytes += taken_bytes - q->seen_bytes;
	q->seen_bytes = taken_bytes;
}

bool quota_is_used_up(const struct quota *q, const struct conf_site *conf)
{
	return conf->quota_bytes && q->bytes >= conf->quota_bytes;
}

uint64_t quota_rate_bps(const struct quota *q, const struct conf_site *conf)
{
	uint64_t mbps = conf->rate_mbps;

	if (quota_is_used_up(q, conf) && (!mbps || mbps > QUOTA_SLOW_MBPS))
		mbps = QUOTA_SLOW_MBPS;
	return mbps * MBIT_BPS;
}

void quota_words(const struct quota *q, const struct conf_site *conf,
                 char out[QUOTA_WORDS_MAX + 1])
{
	time_t next = (time_t)clock_month(q->month_s + MONTH_MOST_S, QUOTA_DAY);
	char quota[HUMAN_MAX], until[32];
	struct tm tm;

	*out = '\0';
	if (!quota_is_used_up(q, conf))
		return;
	strftime(until, sizeof(until), "%Y-%m-%d", gmtime_r(&next, &tm));
	snprintf(out, QUOTA_WORDS_MAX + 1, "its quota of %s is used up: %u Mbit/s until %s",
	         human_bytes(conf->quota_bytes, quota), QUOTA_SLOW_MBPS, until);
}

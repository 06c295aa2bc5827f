/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see cap.h.
 */
#include "agg/role/cap.h"

#include "agg/history/clock.h"
#include "agg/report/human.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PERCENT 100u
#define MONTH_MOST_S (31u * 86400u) /* a moment in the next month of billing */

enum conf_cost cap_cost(enum conf_cost configured, uint64_t cap_bytes,
                        uint64_t used_bytes)
{
	enum conf_cost cost = CONF_COST_NORMAL;

	if (cap_bytes && used_bytes >= cap_bytes)
		cost = CONF_COST_BACKUP;
	else if (cap_bytes && used_bytes >= cap_bytes / PERCENT * CAP_NEAR_PERCENT)
		cost = CONF_COST_METERED;
	return cost > configured ? cost : configured;
}

void cap_words(uint64_t cap_bytes, uint64_t used_bytes, unsigned day, uint64_t now_s,
               char out[CAP_WORDS_MAX + 1])
{
	time_t next = (time_t)clock_month(clock_month(now_s, day) + MONTH_MOST_S, day);
	char cap[HUMAN_MAX], used[HUMAN_MAX], until[32];
	struct tm tm;

	strftime(until, sizeof(until), "%Y-%m-%d", gmtime_r(&next, &tm));
	if (used_bytes >= cap_bytes)
		snprintf(out, CAP_WORDS_MAX + 1, "its cap of %s is used up, until %s",
		         human_bytes(cap_bytes, cap), until);
	else
		snprintf(out, CAP_WORDS_MAX + 1, "%s of its %s are used, until %s",
		         human_bytes(used_bytes, used), human_bytes(cap_bytes, cap),
		         until);
}

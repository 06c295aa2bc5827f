/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a site may have: its rate, and of a quota a month (from its first day on, UTC)
 * what is left. Pure. A quota that is used up cuts nobody off: the site goes on at
 * QUOTA_SLOW_MBPS, enough for letters and a call, until the next month.
 */
#ifndef AGG_ROLE_QUOTA_H
#define AGG_ROLE_QUOTA_H

#include "agg/conf/conf.h"

#define QUOTA_SLOW_MBPS 1u
#define QUOTA_DAY 1u
#define QUOTA_WORDS_MAX 127

/* What a site used, both ways. All 0 at first. */
struct quota {
	uint64_t month_s, bytes;  /* the month's begin; in it */
	uint64_t seen_bytes;      /* of what it took ever */
};

/* It has taken so much ever; now_s: by the clock. What was counted before a clock goes
 * back stays. */
void quota_count(struct quota *q, uint64_t taken_bytes, uint64_t now_s);
bool quota_is_used_up(const struct quota *q, const struct conf_site *conf);
/* Bytes/s each way; 0: no limit. */
uint64_t quota_rate_bps(const struct quota *q, const struct conf_site *conf);
/* "its quota of 100 GB is used up: 1 Mbit/s until 2026-10-01"; "": it is not. */
void quota_words(const struct quota *q, const struct conf_site *conf,
                 char out[QUOTA_WORDS_MAX + 1]);

#endif

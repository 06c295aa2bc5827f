/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a daemon measured of its uplinks, read from the JSON of its status
 * as a question for advise(). Nothing is made up: an uplink of which too
 * little is known is left out, with a word why.
 */
#ifndef AGG_CTL_MEASURED_H
#define AGG_CTL_MEASURED_H

#include "agg/report/report.h"
#include "scheduler/sim/advise.h"

#define MEASURED_LEFT_MAX 32
#define MEASURED_WHY_MAX 511

/* Less was never a download's: greetings and pings. */
#define MEASURED_RATE_MIN_BPS 25000u

struct measured {
	struct advise_question question;
	char role[REPORT_NAME_MAX + 1];
	char site[REPORT_NAME_MAX + 1]; /* on the concentrator */
	struct measured_left {
		char name[REPORT_NAME_MAX + 1];
		const char *why;
	} left[MEASURED_LEFT_MAX];
	unsigned left_count;
	char why[MEASURED_WHY_MAX + 1]; /* what is wrong */
};

/* From "status --json"; site NULL: not said. 0; -EINVAL: out->why says what is
 * missing or wrong, and what to do. */
int measured_read(const char *json, const char *site, struct measured *out);

#endif

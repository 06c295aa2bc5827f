/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pace.h.
 */
#include "agg/role/pace.h"

#include <stdio.h>

bool pace_may_say(struct pace *p, uint64_t now_us,
                  char earlier[PACE_WORDS_MAX])
{
	if (!p->lines || now_us - p->since_us >= PACE_US) {
		p->lines = 0;
		p->since_us = now_us;
	}
	if (p->lines == PACE_LINES_MAX) {
		p->unsaid++;
		return false;
	}
	p->lines++;
	*earlier = 0;
	if (p->unsaid)
		snprintf(earlier, PACE_WORDS_MAX, "; so %u times before",
		         p->unsaid);
	p->unsaid = 0;
	return true;
}

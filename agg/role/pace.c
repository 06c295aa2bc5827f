/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pace.h. Owns nothing.
 */
#include "agg/role/pace.h"

uint64_t pace_due_us(const struct pace *p)
{
	return p->last_us + p->pause_us;
}

void pace_done(struct pace *p, uint64_t now_us)
{
	if (!p->last_us || now_us - p->last_us >= PACE_CALM_US)
		p->pause_us = 0;
	else if (!p->pause_us)
		p->pause_us = PACE_PAUSE_MIN_US;
	else if (p->pause_us < PACE_PAUSE_MAX_US)
		p->pause_us *= 2;
	p->last_us = now_us;
}

bool pace_say(struct pace *p, uint64_t now_us, unsigned *unsaid)
{
	if (!p->words || now_us - p->words_us >= PACE_WORDS_US) {
		p->words = 0;
		p->words_us = now_us;
	}
	if (p->words == PACE_WORDS_MAX) {
		p->unsaid++;
		return false;
	}
	p->words++;
	*unsaid = p->unsaid;
	p->unsaid = 0;
	return true;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see steady.h. Half seconds are laid end to end from the begin.
 */
#include "scheduler/sim/steady.h"

void steady_begin(struct steady *s, uint64_t now_us)
{
	*s = (struct steady){ .on = true, .last_us = now_us, .half_us = now_us,
	                      .worst_bytes = UINT64_MAX };
}

static void move_on(struct steady *s, uint64_t now_us)
{
	if (now_us - s->last_us > s->longest_us)
		s->longest_us = now_us - s->last_us;
	s->last_us = now_us;
	for (; now_us - s->half_us >= STEADY_HALF_US; s->half_us += STEADY_HALF_US) {
		if (s->half_bytes < s->worst_bytes)
			s->worst_bytes = s->half_bytes;
		s->half_bytes = 0;
	}
}

void steady_read(struct steady *s, uint64_t now_us, uint64_t bytes)
{
	if (!s->on)
		return;
	move_on(s, now_us);
	s->half_bytes += bytes;
}

void steady_end(struct steady *s, uint64_t now_us)
{
	if (s->on)
		move_on(s, now_us);
	s->on = false;
}

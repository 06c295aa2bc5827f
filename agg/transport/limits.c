/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see limits.h.
 */
#include "agg/transport/limits.h"

void limits_note(struct limits *l, enum limits_state state, unsigned full,
                 uint64_t now_us)
{
	uint64_t us = l->since_us && now_us > l->since_us ? now_us - l->since_us : 0;

	if (us > LIMITS_TURN_US_MAX)
		us = LIMITS_TURN_US_MAX;
	l->us[l->state] += us;
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		if (l->full & 1u << p)
			l->full_us[p] += us;
	l->since_us = now_us;
	l->state = state;
	l->full = state == LIMITS_PATHS ? full : 0;
}

/* In thousandths; what is of another session is nothing. */
static uint16_t part(uint64_t from, uint64_t to, uint64_t all)
{
	return all && to > from ? (uint16_t)((to - from) * 1000 / all) : 0;
}

void limits_between(const struct limits *from, const struct limits *to,
                    struct wire_limits *out)
{
	uint64_t all = 0;

	*out = (struct wire_limits){ 0 };
	for (int i = 0; i < LIMITS_COUNT; i++) {
		if (to->us[i] < from->us[i])
			return;
		all += to->us[i] - from->us[i];
	}
	out->paths = part(from->us[LIMITS_PATHS], to->us[LIMITS_PATHS], all);
	out->credit = part(from->us[LIMITS_CREDIT], to->us[LIMITS_CREDIT], all);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		out->full[p] = part(from->full_us[p], to->full_us[p], all);
}

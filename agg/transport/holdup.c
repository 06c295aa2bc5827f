/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see holdup.h.
 */
#include "agg/transport/holdup.h"

void holdup_note(struct holdup *l, enum holdup_state state, unsigned full,
                 uint64_t now_us)
{
	uint64_t us = l->since_us && now_us > l->since_us ? now_us - l->since_us : 0;

	if (us > HOLDUP_TURN_US_MAX)
		us = HOLDUP_TURN_US_MAX;
	l->us[l->state] += us;
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		if (l->full & 1u << p)
			l->full_us[p] += us;
	l->since_us = now_us;
	l->state = state;
	l->full = state == HOLDUP_PATHS ? full : 0;
}

/* In thousandths; what is of another session is nothing. */
static uint16_t part(uint64_t from, uint64_t to, uint64_t all)
{
	return all && to > from ? (uint16_t)((to - from) * 1000 / all) : 0;
}

void holdup_between(const struct holdup *from, const struct holdup *to,
                    struct wire_limits *out)
{
	uint64_t all = 0;

	*out = (struct wire_limits){ 0 };
	for (int i = 0; i < HOLDUP_COUNT; i++) {
		if (to->us[i] < from->us[i])
			return;
		all += to->us[i] - from->us[i];
	}
	out->paths = part(from->us[HOLDUP_PATHS], to->us[HOLDUP_PATHS], all);
	out->credit = part(from->us[HOLDUP_CREDIT], to->us[HOLDUP_CREDIT], all);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		out->full[p] = part(from->full_us[p], to->full_us[p], all);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see guard.h. A linear table: at these sizes a walk costs less than the
 * accept that it guards.
 */
#include "agg/role/guard.h"

#include <string.h>

static void source_of(const struct addr *from, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (from->family == AF_INET) {
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, from->ip, 4);
	} else {
		memcpy(ip, from->ip, 8); /* a /64 is one house */
	}
}

/* The place of the source's entry. -1: it has none, and *oldest is the place
 * to take, or -1 when each has a handshake under way. */
static int find(const struct guard *g, const struct addr *from, int *oldest)
{
	uint8_t ip[16];

	source_of(from, ip);
	*oldest = -1;
	for (int i = 0; i < GUARD_OFFENDERS_MAX; i++) {
		const struct guard_source *s = &g->sources[i];
		if (s->seen_us && !memcmp(s->ip, ip, sizeof(ip)))
			return i;
		if (!s->under_way && (*oldest < 0 ||
		                      s->seen_us < g->sources[*oldest].seen_us))
			*oldest = i;
	}
	return -1;
}

static bool is_welcome(const struct guard_source *s, uint64_t now_us)
{
	return s->under_way < GUARD_PER_SOURCE_MAX && s->shut_until_us <= now_us;
}

bool guard_welcomes(const struct guard *g, const struct addr *from,
                    uint64_t now_us)
{
	int oldest, i = find(g, from, &oldest);

	return i < 0 || is_welcome(&g->sources[i], now_us);
}

bool guard_is_full(const struct guard *g)
{
	return g->under_way >= GUARD_HANDSHAKES_MAX;
}

bool guard_enter(struct guard *g, const struct addr *from, uint64_t now_us)
{
	int oldest, i = find(g, from, &oldest);

	if (guard_is_full(g) || (i < 0 && oldest < 0))
		return false;
	struct guard_source *s = &g->sources[i < 0 ? oldest : i];
	if (i < 0) {
		*s = (struct guard_source){ 0 };
		source_of(from, s->ip);
	}
	if (!is_welcome(s, now_us))
		return false;
	s->seen_us = now_us;
	s->under_way++;
	g->under_way++;
	return true;
}

static uint64_t penalty_us(unsigned failures)
{
	uint64_t us = GUARD_PENALTY_MIN_US;

	while (failures-- > GUARD_FREE_FAILURES + 1 && us < GUARD_PENALTY_MAX_US)
		us *= 2;
	return us < GUARD_PENALTY_MAX_US ? us : GUARD_PENALTY_MAX_US;
}

void guard_leave(struct guard *g, const struct addr *from, bool good,
                 uint64_t now_us)
{
	int oldest, i = find(g, from, &oldest);

	g->under_way--;
	if (i < 0)
		return;
	struct guard_source *s = &g->sources[i];
	s->under_way--;
	s->seen_us = now_us;
	if (good) {
		s->failures = 0;
		s->shut_until_us = 0;
	} else if (++s->failures > GUARD_FREE_FAILURES) {
		s->shut_until_us = now_us + penalty_us(s->failures);
	}
}

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

/* The source's entry; with make, a free one, or the oldest idle one. */
static struct guard_source *find(struct guard *g, const struct addr *from,
                                 bool make)
{
	struct guard_source *oldest = NULL;
	uint8_t ip[16];

	source_of(from, ip);
	for (int i = 0; i < GUARD_OFFENDERS_MAX; i++) {
		struct guard_source *s = &g->sources[i];
		if (s->seen_us && !memcmp(s->ip, ip, sizeof(ip)))
			return s;
		if (!s->under_way && (!oldest || s->seen_us < oldest->seen_us))
			oldest = s;
	}
	if (!make || !oldest)
		return NULL;
	*oldest = (struct guard_source){ 0 };
	memcpy(oldest->ip, ip, sizeof(ip));
	return oldest;
}

bool guard_enter(struct guard *g, const struct addr *from, uint64_t now_us)
{
	if (g->under_way >= GUARD_HANDSHAKES_MAX)
		return false;
	struct guard_source *s = find(g, from, true);
	if (!s || s->under_way >= GUARD_PER_SOURCE_MAX ||
	    s->shut_until_us > now_us)
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
	struct guard_source *s = find(g, from, false);

	g->under_way--;
	if (!s)
		return;
	s->under_way--;
	s->seen_us = now_us;
	if (good) {
		s->failures = 0;
		s->shut_until_us = 0;
	} else if (++s->failures > GUARD_FREE_FAILURES) {
		s->shut_until_us = now_us + penalty_us(s->failures);
	}
}

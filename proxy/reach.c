/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see reach.h.
 */
#include "proxy/reach.h"

#include <string.h>

#define NET_BYTES 6 /* a /48 */

void reach_init(struct reach *r)
{
	*r = (struct reach){ .pause_us = REACH_PAUSE_MIN_US,
	                     .probe_us = UINT64_MAX };
}

static void works(struct reach *r)
{
	struct addr good = r->good;

	reach_init(r);
	r->good = good;
}

static bool has_net(const struct reach *r, const struct addr *to)
{
	for (unsigned i = 0; i < r->silent_count; i++)
		if (!memcmp(r->silent[i].ip, to->ip, NET_BYTES))
			return true;
	return false;
}

static void breaks(struct reach *r, uint64_t now_us)
{
	r->broken = true;
	r->probe_us = now_us + r->pause_us;
	r->pause_us *= 2;
	if (r->pause_us > REACH_PAUSE_MAX_US)
		r->pause_us = REACH_PAUSE_MAX_US;
}

/* Enough are silent: the last that answered has a say. */
static void doubt(struct reach *r, uint64_t now_us)
{
	if (r->good.family)
		r->probe_us = now_us;
	else
		breaks(r, now_us);
}

void reach_note(struct reach *r, const struct addr *to, bool answered,
                uint64_t now_us)
{
	if (to->family != AF_INET6)
		return;
	if (answered) {
		r->good = *to;
		works(r);
		return;
	}
	if (r->silent_count == REACH_NETS)
		return; /* doubted, or broken, already */
	if (now_us - r->silent_us > REACH_FORGET_US)
		r->silent_count = 0;
	r->silent_us = now_us;
	if (has_net(r, to))
		return;
	r->silent[r->silent_count++] = *to;
	if (r->silent_count == REACH_NETS)
		doubt(r, now_us);
}

void reach_probe(struct reach *r, struct addr *to)
{
	unsigned n = REACH_NETS + (r->good.family != 0);
	unsigned i = r->turn++ % n;

	*to = i < REACH_NETS && (r->broken || !r->good.family) ? r->silent[i]
	                                                       : r->good;
	r->probe_us = UINT64_MAX;
}

void reach_probed(struct reach *r, bool answered, uint64_t now_us)
{
	if (answered)
		works(r);
	else if (r->silent_count == REACH_NETS)
		breaks(r, now_us);
}

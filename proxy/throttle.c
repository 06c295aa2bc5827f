/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see throttle.h.
 */
#include "proxy/throttle.h"

#define S_US 1000000u

static int64_t depth(const struct throttle *t)
{
	uint64_t bytes = t->bps * THROTTLE_DEPTH_US / S_US;

	return bytes > THROTTLE_DEPTH_MIN ? (int64_t)bytes : THROTTLE_DEPTH_MIN;
}

void throttle_set(struct throttle *t, uint64_t bps, uint64_t now_us)
{
	if (bps == t->bps)
		return;
	t->bps = bps;
	t->at_us = now_us;
	for (int i = 0; i < THROTTLE_WAYS; i++)
		t->left[i] = t->kept[i] = 0;
}

static void add(int64_t *to, uint64_t bytes, int64_t most)
{
	*to += (int64_t)bytes;
	*to = *to < most ? *to : most;
}

/* A debt of seconds is not made good in one go; parts of a byte are not lost, as the
 * time for them is left for later. */
static void fill(struct throttle *t, uint64_t now_us)
{
	uint64_t us = now_us - t->at_us, most_us = 10 * S_US;

	us = us < most_us ? us : most_us;
	uint64_t bytes = us * t->bps / S_US;
	if (!bytes)
		return;
	t->at_us = us == most_us ? now_us : t->at_us + bytes * S_US / t->bps;
	for (int i = 0; i < THROTTLE_WAYS; i++) {
		add(&t->left[i], bytes, depth(t));
		add(&t->kept[i], bytes, depth(t));
	}
}

bool throttle_lets(struct throttle *t, enum throttle_way way, uint64_t now_us)
{
	if (!throttle_is_on(t))
		return true;
	fill(t, now_us);
	return t->left[way] > 0;
}

bool throttle_lets_packet(struct throttle *t, enum throttle_way way, uint64_t now_us)
{
	return throttle_lets(t, way, now_us) || t->kept[way] > 0;
}

void throttle_take_packet(struct throttle *t, enum throttle_way way, uint64_t bytes)
{
	if (throttle_is_on(t) && t->left[way] <= 0)
		t->kept[way] -= (int64_t)(bytes * THROTTLE_PACKETS_PART);
	throttle_take(t, way, bytes);
}

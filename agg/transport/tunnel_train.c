/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_train.h.
 */
#include "agg/transport/tunnel_train.h"

#include "agg/transport/tunnel_control.h"
#include "agg/transport/tunnel_mtu.h"
#include "agg/transport/tunnel_send.h"

#define WANTS_US 1000000u
#define WANTS_BYTES 8000u    /* that wait: more than a path of which nothing is known takes */
#define SETTLED_US 300000u   /* not while a session connects and says what it costs, */
#define REST_US 10000000u    /* nor each time that a path flaps */

static void send_train(struct tunnel *t, unsigned path, unsigned count)
{
	struct tunnel_rate *r = &t->control[path]->rate;
	size_t n = tunnel_mtu_room(t, path);
	uint64_t first = r->sent_counter + 1, counter, awaits_us = t->path[path].awaits_us;

	while (count-- > 0) {
		struct datagram d = { .type = DATAGRAM_PROBE };
		if (tunnel_send(t, path, &d, NULL, 0,
		                n - DATAGRAM_SEAL_BYTES - DATAGRAM_PROBE_BYTES, &counter) < 0)
			break; /* it is as long as it is */
	}
	t->path[path].awaits_us = awaits_us; /* that it vanishes says nothing of the path */
	if (r->sent_counter >= first)
		tunnel_rate_trained(r, first, r->sent_counter,
		                    (uint32_t)n + TUNNEL_WIRE_BYTES, t->now_us);
}

/* One that costs nothing is tried a moment after it came; that it may have become another
 * since, and all of one that costs, is asked when somebody wants more than he gets. */
static uint64_t wanted_us(const struct tunnel *t, unsigned path)
{
	const struct tunnel_rate *r = &t->control[path]->rate;

	if (t->bulk_us && t->now_us - t->bulk_us < WANTS_US)
		return t->now_us;
	if (r->trains || r->state != RATE_START)
		return UINT64_MAX;
	if (flows_backlog_bytes(t->flows) >= WANTS_BYTES)
		return t->now_us;
	if (t->paths.path[path].cost)
		return UINT64_MAX;
	uint64_t settled_us = r->entered_us + SETTLED_US;
	uint64_t rested_us = r->train_us ? r->train_us + REST_US : 0;
	return settled_us > rested_us ? settled_us : rested_us;
}

/* Dear ones are not tried for nothing. */
static bool is_offered(const struct tunnel *t, unsigned path)
{
	const struct spill_path *paths = t->paths.path;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		if (paths[i].usable && paths[i].cost < paths[path].cost)
			return false;
	return paths[path].usable;
}

void tunnel_train_turn(struct tunnel *t)
{
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		if (!is_offered(t, i))
			continue;
		unsigned count = tunnel_rate_train(&t->control[i]->rate,
		                                   wanted_us(t, i) <= t->now_us, t->now_us);
		if (count && tunnel_may_send(t, i, count * DATAGRAM_BYTES_MAX))
			send_train(t, i, count);
	}
}

uint64_t tunnel_train_deadline(const struct tunnel *t)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		uint64_t us = is_offered(t, i) ? wanted_us(t, i) : UINT64_MAX;
		if (us > t->now_us && us < at)
			at = us;
	}
	return at;
}

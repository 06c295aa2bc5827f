/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_out.h. All flows take the best path: of the best class the one of least
 * round-trip time. While it is busy they wait in their queues.
 */
#include "agg/transport/tunnel_out.h"

#include "agg/transport/tunnel_probe.h"
#include "agg/transport/tunnel_send.h"
#include "agg/transport/tunnel_split.h"

#include <errno.h>

static void drop(struct tunnel *t, struct packet *p, enum tunnel_drop why)
{
	t->dropped[why]++;
	packet_put(p);
}

void tunnel_out_put(struct tunnel *t, struct packet *p)
{
	struct inspection in;

	if (inspect_packet(&in, packet_data(p), p->len) < 0)
		drop(t, p, TUNNEL_DROP_MALFORMED);
	else if (p->len > t->mtu)
		drop(t, p, TUNNEL_DROP_TOO_LONG);
	else
		flows_put(t->flows, p, &in, t->now_us);
}

static bool is_better(const struct tunnel_path *p, const struct tunnel_path *than)
{
	if (p->state != than->state)
		return p->state > than->state;
	if (p->path_class != than->path_class)
		return p->path_class < than->path_class;
	return p->srtt_us < than->srtt_us;
}

/* Of those that work; -1: none does. */
static int best_path(const struct tunnel *t)
{
	int best = -1;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		if (tunnel_probe_is_usable(t, i) &&
		    (best < 0 || is_better(&t->path[i], &t->path[best])))
			best = (int)i;
	return best;
}

/* False: no more of it now. */
static bool send_one(struct tunnel *t, struct flow *f, unsigned path)
{
	struct datagram d = { .type = DATAGRAM_PLAIN };
	uint64_t counter;

	if (!tunnel_has_room(t, path))
		return false;
	struct packet *p = flows_take(t->flows, f, path, 0, t->now_us);
	if (!p)
		return false;
	int err = tunnel_split_send(t, path, &d, p, &counter);
	if (err) { /* the key is worn */
		drop(t, p, TUNNEL_DROP_KEY);
		return false;
	}
	t->tx_packets++;
	t->tx_bytes += p->len;
	packet_put(p);
	return true;
}

void tunnel_out_turn(struct tunnel *t)
{
	int path = best_path(t);
	struct flow *f;

	if (path < 0)
		return;
	flows_begin(t->flows);
	while (!t->path[path].busy &&
	       (f = flows_next(t->flows, TRAFFIC_BULK, t->now_us)))
		if (!send_one(t, f, (unsigned)path))
			flows_pass(t->flows, f);
}

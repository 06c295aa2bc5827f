/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see limiting.h.
 */
#include "agg/role/limiting.h"

#include <string.h>

static uint16_t cpu_permille(const struct limiting *l)
{
	uint64_t from_us = l->looks[0].at_us, to_us = l->looks[LIMITING_OVER].at_us;
	uint64_t cpu_us = l->looks[LIMITING_OVER].cpu_us - l->looks[0].cpu_us;

	if (!from_us || to_us <= from_us)
		return 0;
	return (uint16_t)(cpu_us < to_us - from_us ?
	                  cpu_us * 1000 / (to_us - from_us) : 1000);
}

void limiting_measure(struct limiting *l, struct session *s, bool busy,
                      uint64_t cpu_us, uint64_t now_us)
{
	struct session_stats stats;

	session_stats(s, &stats);
	memmove(l->looks, l->looks + 1, sizeof(l->looks) - sizeof(l->looks[0]));
	l->looks[LIMITING_OVER].at_us = now_us;
	l->looks[LIMITING_OVER].cpu_us = cpu_us;
	l->looks[LIMITING_OVER].limits = stats.limits;
	holdup_between(&l->looks[0].limits, &stats.limits, &l->now);
	l->now.cpu = cpu_permille(l);
	l->now.flags = session_readers(s);
	if (busy || l->told) /* and that it is over */
		session_tell_limits(s, &l->now);
	l->told = busy;
}

static void fill(struct report_flow *flow, const struct wire_limits *sender,
                 const struct wire_limits *receiver)
{
	flow->known = sender;
	if (sender) {
		flow->paths_permille = sender->paths;
		flow->credit_permille = sender->credit;
		flow->sender_cpu_permille = sender->cpu;
	}
	if (receiver) {
		flow->receiver_cpu_permille = receiver->cpu;
		flow->reader_full = receiver->flags & WIRE_READER_FULL;
		flow->hole = receiver->flags & WIRE_HOLE;
		flow->memory_short = receiver->flags & WIRE_MEMORY_SHORT;
	}
}

static const struct wire_limits *of_peer(const struct session_stats *stats)
{
	return stats->peer_limits_age_us < LIMITING_FRESH_US ? &stats->peer_limits
	                                                     : NULL;
}

void limiting_report(const struct limiting *l, const struct session_stats *stats,
                     bool gateway, struct report_session *out)
{
	const struct wire_limits *peer = of_peer(stats);

	fill(gateway ? &out->up_flow : &out->down_flow, &l->now, peer);
	fill(gateway ? &out->down_flow : &out->up_flow, peer, &l->now);
}

void limiting_report_path(const struct limiting *l,
                          const struct session_stats *stats, bool gateway,
                          unsigned path, struct report_uplink *out)
{
	const struct wire_limits *peer = of_peer(stats);
	unsigned ours = l->now.full[path], theirs = peer ? peer->full[path] : 0;

	out->up_full_permille = gateway ? ours : theirs;
	out->down_full_permille = gateway ? theirs : ours;
}

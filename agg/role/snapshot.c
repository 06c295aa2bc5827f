/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see snapshot.h. Only reads.
 */
#include "agg/role/snapshot.h"

#include "agg/base/log.h"
#include "agg/role/policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BUSY_BPS 12500u /* in all; less is greetings and pings */
#define SEEN_SHARE 2 /* of an estimate, half was carried */

/* Totals that fell are those of another session. */
static uint64_t rate(uint64_t from, uint64_t to, uint64_t elapsed_us)
{
	return elapsed_us && to > from ? (to - from) * 1000000 / elapsed_us : 0;
}

static void measure(const struct snapshot_totals *from,
                    const struct snapshot_totals *to,
                    struct snapshot_rates *out)
{
	uint64_t elapsed_us = from->at_us ? to->at_us - from->at_us : 0;

	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		out->tx_bps[p] = rate(from->tx_bytes[p], to->tx_bytes[p],
		                      elapsed_us);
		out->rx_bps[p] = rate(from->rx_bytes[p], to->rx_bytes[p],
		                      elapsed_us);
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void raise_rates(struct snapshot_rates *rates,
                        const struct snapshot_rates *by)
{
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		rates->tx_bps[p] = larger(rates->tx_bps[p], by->tx_bps[p]);
		rates->rx_bps[p] = larger(rates->rx_bps[p], by->rx_bps[p]);
	}
}

static uint64_t less_known(uint64_t a, uint64_t b) /* 0 is not known */
{
	return !a || (b && b < a) ? b : a;
}

static void note_rttvar(void *ctx, const struct lane_stats *lane)
{
	uint64_t *rttvar_us = ctx;

	rttvar_us[lane->path] = less_known(rttvar_us[lane->path],
	                                   lane->info.rttvar_us);
}

static void begin_best(struct snapshot_meter *m, uint64_t now_us)
{
	m->best[1] = m->best[0];
	m->best[0] = (struct snapshot_rates){ { 0 } };
	memcpy(m->rttvar_us[1], m->rttvar_us[0], sizeof(m->rttvar_us[1]));
	memset(m->rttvar_us[0], 0, sizeof(m->rttvar_us[0]));
	m->best_us = now_us;
}

static void add_totals(struct snapshot_totals *to,
                       const struct snapshot_totals *more)
{
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		to->tx_bytes[p] += more->tx_bytes[p];
		to->rx_bytes[p] += more->rx_bytes[p];
	}
}

void snapshot_measure(struct snapshot_meter *m, const struct session *s,
                      const struct snapshot_totals *more, uint64_t now_us)
{
	struct snapshot_totals *newest = &m->totals[SNAPSHOT_BEST_OVER];
	struct snapshot_rates over;
	struct session_stats stats;

	session_stats(s, &stats);
	memmove(m->totals, m->totals + 1, sizeof(m->totals) - sizeof(*newest));
	newest->at_us = now_us;
	memcpy(newest->tx_bytes, stats.path_tx_bytes, sizeof(newest->tx_bytes));
	memcpy(newest->rx_bytes, stats.path_rx_bytes, sizeof(newest->rx_bytes));
	if (more)
		add_totals(newest, more);
	measure(newest - 1, newest, &m->now);
	measure(m->totals, newest, &over);
	if (now_us - m->best_us >= SNAPSHOT_BEST_US)
		begin_best(m, now_us);
	raise_rates(&m->best[0], &over);
	session_each_lane(s, note_rttvar, m->rttvar_us[0]);
}

bool snapshot_is_busy(const struct snapshot_meter *m)
{
	uint64_t bps = 0;

	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		bps += m->now.tx_bps[p] + m->now.rx_bps[p];
	return bps >= BUSY_BPS;
}

void snapshot_log_suspect(const char *site, const struct lane *lane)
{
	struct lane_stats stats;

	if (!log_debugging())
		return;
	session_lane(lane, &stats);
	log_debug("%s%s: subflow %u, bundle %u: %s after %llu ms, %llu bytes in "
	          "flight, rtt %llu ms", site, stats.name, (unsigned)stats.id,
	          stats.bundle, stats.suspect ? "suspect" : "goes on",
	          (unsigned long long)stats.silent_us / 1000,
	          (unsigned long long)stats.flight_bytes,
	          (unsigned long long)stats.info.srtt_us / 1000);
}

static void copy_name(char out[REPORT_NAME_MAX + 1], const char *name)
{
	snprintf(out, REPORT_NAME_MAX + 1, "%.*s", REPORT_NAME_MAX, name);
}

void snapshot_sending(const struct wire_wish *names, struct report_sending *out)
{
	copy_name(out->interactive, names->interactive);
	copy_name(out->bulk, names->scheduler);
	copy_name(out->order, names->order);
	copy_name(out->reinjection, names->reinjection);
}

static void add_policy(const struct snapshot *snap,
                       const struct session_stats *stats,
                       struct report_session *out)
{
	static const enum report_again reasons[REINJECT_REASONS] = {
		[REINJECT_OFF] = REPORT_AGAIN_DEAD,
		[REINJECT_SUSPECT] = REPORT_AGAIN_SUSPECT,
		[REINJECT_TAIL] = REPORT_AGAIN_TAIL,
		[REINJECT_DEADLINE] = REPORT_AGAIN_DEADLINE,
		[REINJECT_OVERDUE] = REPORT_AGAIN_OVERDUE,
	};
	struct wire_wish names;

	policy_told(&stats->policy, &names);
	snapshot_sending(&names, snap->gateway ? &out->up : &out->down);
	copy_name(out->scheduler, names.scheduler);
	for (int i = 0; i < REINJECT_REASONS; i++)
		out->again_bytes[reasons[i]] = stats->again_bytes[i];
}

static_assert(STREAM_END_COUNT <= REPORT_ENDS_MAX, "all of them are told");

static void add_ends(const struct session_stats *stats, struct report_session *out)
{
	for (int i = 0; i < STREAM_END_COUNT; i++) {
		copy_name(out->ends[i].why, stream_end_text((enum stream_end)i));
		out->ends[i].count = stats->ends[i];
	}
	out->end_count = STREAM_END_COUNT;
}

/* 1: a subflow of ours is used; 2: a bundle of MPTCP is. */
static void note_carrier(void *ctx, const struct lane_stats *lane)
{
	unsigned *carriers = ctx;

	if (!lane->rests)
		*carriers |= lane->path < WIRE_UPLINKS_MAX ? 1 : 2;
}

struct late_walk {
	struct report_session *out;
	unsigned path;
};

static void note_name(void *ctx, const struct lane_stats *lane)
{
	struct late_walk *walk = ctx;

	if (lane->path == walk->path)
		copy_name(walk->out->silent_uplink, lane->name);
}

/* By its lanes: the concentrator has no other name of it. */
static void name_late(const struct session *s, unsigned path,
                      struct report_session *out)
{
	struct late_walk walk = { out, path };

	copy_name(out->silent_uplink, "an uplink that is gone");
	session_each_lane(s, note_name, &walk);
}

void snapshot_session(const struct snapshot *snap, struct report_session *out)
{
	struct session_stats stats;
	uint64_t tx = 0, rx = 0;
	unsigned carriers = 0;

	session_stats(snap->session, &stats);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		tx += stats.path_tx_bytes[p];
		rx += stats.path_rx_bytes[p];
	}
	add_policy(snap, &stats, out);
	limiting_report(&snap->meter->limiting, &stats, snap->gateway, out);
	add_ends(&stats, out);
	out->picks_sent = stats.picks.sent;
	out->picks_waited = stats.picks.waited;
	out->picks_again = stats.picks.again;
	out->silent_us = stats.silent_us;
	if (stats.silent_us)
		name_late(snap->session, stats.silent_path, out);
	session_each_lane(snap->session, note_carrier, &carriers);
	copy_name(out->carrier, carriers == 3 ? "mptcp and subflows" :
	          carriers == 2 ? "mptcp" : "subflows");
	out->streams = stats.streams;
	out->memory_bytes = stats.memory_bytes;
	out->memory_budget_bytes = stats.memory_max;
	out->down_bytes = snap->gateway ? rx : tx;
	out->up_bytes = snap->gateway ? tx : rx;
}

struct path_walk {
	struct report_uplink *out;
	unsigned path, lanes, suspect, mute;
	uint64_t sent, retransmitted, capacity;
};

static void add_lane(void *ctx, const struct lane_stats *lane)
{
	struct path_walk *walk = ctx;
	struct report_uplink *out = walk->out;

	if (lane->path != walk->path)
		return;
	walk->lanes++;
	walk->suspect += lane->suspect;
	walk->mute += lane->mute;
	walk->sent += lane->info.sent_bytes;
	walk->retransmitted += lane->info.retrans_bytes;
	if (lane->info.rate_bps > walk->capacity)
		walk->capacity = lane->info.rate_bps;
	if (lane->info.srtt_us && (!out->srtt_us ||
	                           lane->info.srtt_us < out->srtt_us))
		out->srtt_us = lane->info.srtt_us;
	if (lane->info.min_rtt_us && (!out->min_rtt_us ||
	                              lane->info.min_rtt_us < out->min_rtt_us))
		out->min_rtt_us = lane->info.min_rtt_us;
	if (!out->name[0])
		snprintf(out->name, sizeof(out->name), "%.*s",
		         REPORT_NAME_MAX, lane->name);
}

/* The kernel's estimate, where enough was carried to bear it out; else 0: a few
 * packets that come back together look like gigabits. */
static uint64_t seen(uint64_t capacity_bps, uint64_t best_bps)
{
	return best_bps >= capacity_bps / SEEN_SHARE ? capacity_bps : 0;
}

void snapshot_path(const struct snapshot *snap, unsigned path,
                   struct report_uplink *out)
{
	struct path_walk walk = { .out = out, .path = path };
	const struct snapshot_meter *m = snap->meter;
	const struct snapshot_rates *now = &m->now;
	struct snapshot_rates best = m->best[0];
	struct session_stats stats;
	bool gw = snap->gateway;

	raise_rates(&best, &m->best[1]);
	session_each_lane(snap->session, add_lane, &walk);
	session_stats(snap->session, &stats);
	if (walk.lanes && walk.suspect == walk.lanes)
		out->state = REPORT_PATH_SUSPECT;
	if (walk.mute && walk.suspect == walk.lanes && !out->why[0])
		snprintf(out->why, sizeof(out->why), "%s", SESSION_MUTE_WORDS);
	limiting_report_path(&m->limiting, &stats, gw, path, out);
	out->sent_bytes = walk.sent;
	if (walk.sent)
		out->retransmitted_ppm = (unsigned)(walk.retransmitted * 1000000 /
		                                    walk.sent);
	out->down_bps = gw ? now->rx_bps[path] : now->tx_bps[path];
	out->up_bps = gw ? now->tx_bps[path] : now->rx_bps[path];
	out->rttvar_us = less_known(m->rttvar_us[0][path],
	                            m->rttvar_us[1][path]);
	out->down_best_bps = gw ? best.rx_bps[path] : best.tx_bps[path];
	out->up_best_bps = gw ? best.tx_bps[path] : best.rx_bps[path];
	*(gw ? &out->up_capacity_bps : &out->down_capacity_bps) =
		seen(walk.capacity, best.tx_bps[path]);
	out->down_bytes = gw ? stats.path_rx_bytes[path]
	                     : stats.path_tx_bytes[path];
	out->up_bytes = gw ? stats.path_tx_bytes[path]
	                   : stats.path_rx_bytes[path];
	out->subflows_alive = walk.lanes;
}

void snapshot_mptcp(const struct snapshot *snap, const struct mptcpinfo *info,
                    unsigned i, struct report_subflow *out)
{
	const struct mptcpinfo_subflow *sf = &info->subflows[i];
	const struct tcpinfo *tcp = &sf->tcp;
	bool gw = snap->gateway;

	addr_format(&sf->local, out->local);
	addr_format(&sf->remote, out->remote);
	out->fallback = info->fallback;
	out->checksum = info->checksum;
	out->srtt_us = tcp->srtt_us;
	out->min_rtt_us = tcp->min_rtt_us;
	out->rate_bps = tcpinfo_seen_bps(tcp);
	out->down_bytes = gw ? tcp->bytes_received : tcp->bytes_acked;
	out->up_bytes = gw ? tcp->bytes_acked : tcp->bytes_received;
	out->sent_bytes = tcp->bytes_sent;
	if (tcp->bytes_sent)
		out->retransmitted_ppm = (unsigned)(tcp->bytes_retrans * 1000000 /
		                                    tcp->bytes_sent);
	out->silent_us = (uint64_t)tcp->last_ack_ms * 1000;
}

struct stream_walk {
	const struct snapshot *snap;
	const char *site;
	struct report *out;
};

static void format_dest(const struct dest *dest, char *out, size_t size)
{
	char text[ADDR_TEXT_MAX];

	if (dest->name[0])
		snprintf(out, size, "%s:%u", dest->name, dest->addr.port);
	else
		snprintf(out, size, "%s", addr_format(&dest->addr, text));
}

static void add_shares(const struct stream_walk *walk,
                       const struct stream_stats *stats,
                       struct report_stream *out)
{
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		uint64_t bytes = stats->path_tx_bytes[p] + stats->path_rx_bytes[p];
		int uplink = walk->snap->uplink_of_path[p];
		if (!bytes || uplink < 0 || out->share_count == REPORT_SHARES_MAX)
			continue;
		out->shares[out->share_count].uplink = (unsigned)uplink;
		out->shares[out->share_count++].bytes = bytes;
	}
}

static void add_stream(void *ctx, const struct stream_stats *stats)
{
	struct stream_walk *walk = ctx;
	bool gw = walk->snap->gateway;
	struct report_stream *out = report_add_stream(walk->out);

	if (!out)
		return;
	out->id = stats->id;
	snprintf(out->site, sizeof(out->site), "%s", walk->site);
	if (stats->client.family != AF_UNSPEC)
		addr_format(&stats->client, out->client);
	format_dest(&stats->dest, out->dest, sizeof(out->dest));
	out->state = !stats->accepted ? REPORT_STREAM_OPENING :
		stats->finished_in || stats->finished_out ?
		REPORT_STREAM_FINISHING : REPORT_STREAM_OPEN;
	copy_name(out->class, stream_class_name(stats->class));
	out->age_us = walk->snap->now_us - stats->since_us;
	out->down_bytes = gw ? stats->rx_bytes : stats->tx_bytes;
	out->up_bytes = gw ? stats->tx_bytes : stats->rx_bytes;
	add_shares(walk, stats, out);
}

void snapshot_streams(const struct snapshot *snap, const char *site,
                      struct report *out)
{
	struct stream_walk walk = { snap, site, out };

	session_each_stream(snap->session, add_stream, &walk);
}

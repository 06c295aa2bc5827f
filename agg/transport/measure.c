/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see measure.h. Pure.
 */
#include "agg/transport/measure.h"

/* Linux' scheduler of MPTCP gives a segment to the subflow whose queue, what is
 * in flight included, drains first at the rate at which it is paced (net/mptcp,
 * mptcp_subflow_get_send). So a subflow is given its window only while the
 * queues of the others are as long as that window takes: with BBR two of its
 * round trips. Less than that, and it is never filled, and never found to be
 * fast.
 */
#define WINDOW_RTTS 2u

void measure_tcp(const struct tcpinfo *info, struct subflow_info *out)
{
	*out = (struct subflow_info){
		.srtt_us = info->srtt_us,
		.rttvar_us = info->rttvar_us,
		.min_rtt_us = info->min_rtt_us,
		.mss = info->mss_bytes,
		.cwnd_bytes = info->cwnd_bytes,
		.ssthresh_bytes = info->ssthresh_bytes,
		.inflight_bytes = info->inflight_bytes,
		.notsent_bytes = info->notsent_bytes,
		.acked_bytes = info->bytes_acked,
		.unacked_bytes = info->unacked_bytes,
		.quiet_us = info->last_ack_ms * UINT64_C(1000),
		.rate_bps = info->has & TCPINFO_HAS_BBR ? info->bbr_bw_bps
		                                        : info->delivery_rate_bps,
		.pacing_bps = info->pacing_rate_bps == TCPINFO_UNLIMITED ?
			0 : info->pacing_rate_bps,
		.retrans_bytes = info->bytes_retrans,
		.sent_bytes = info->bytes_sent,
		.in_recovery = info->ca_state >= TCPINFO_CA_RECOVERY,
		.app_limited = info->delivery_app_limited,
	};
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static void add_rtt(struct subflow_info *out, const struct tcpinfo *tcp)
{
	bool quiet = tcp->last_ack_ms > MEASURE_QUIET_MS;

	if (tcp->srtt_us > out->srtt_us && !(quiet && out->srtt_us)) {
		out->srtt_us = tcp->srtt_us;
		out->rttvar_us = tcp->rttvar_us;
	}
	if (tcp->min_rtt_us && (!out->min_rtt_us ||
	                        tcp->min_rtt_us < out->min_rtt_us))
		out->min_rtt_us = tcp->min_rtt_us;
}

static void add(struct subflow_info *out, const struct tcpinfo *tcp)
{
	struct subflow_info one;

	if (!tcp->srtt_us)
		return; /* it is still being joined */
	measure_tcp(tcp, &one);
	add_rtt(out, tcp);
	if (one.mss && (!out->mss || one.mss < out->mss))
		out->mss = one.mss;
	out->cwnd_bytes += one.cwnd_bytes;
	out->ssthresh_bytes = sum(out->ssthresh_bytes, one.ssthresh_bytes);
	out->inflight_bytes += one.inflight_bytes;
	out->notsent_bytes += one.notsent_bytes;
	out->rate_bps += one.rate_bps;
	out->pacing_bps += one.pacing_bps;
	out->retrans_bytes += one.retrans_bytes;
	out->sent_bytes += one.sent_bytes;
	out->in_recovery |= one.in_recovery;
	out->app_limited &= one.app_limited;
	if (one.quiet_us < out->quiet_us)
		out->quiet_us = one.quiet_us;
	out->stuck |= tcp->retransmits && tcp->last_ack_ms >= MEASURE_STUCK_MS;
}

/* By the least that they were: queues are not waited for. */
static uint64_t slowest_us(const struct mptcpinfo *info)
{
	uint64_t us = 0;

	for (unsigned i = 0; i < info->count; i++)
		if (info->subflows[i].tcp.min_rtt_us > us)
			us = info->subflows[i].tcp.min_rtt_us;
	return us;
}

void measure_mptcp(const struct mptcpinfo *info, struct subflow_info *out)
{
	*out = (struct subflow_info){ .acked_bytes = info->snd_una,
	                              .app_limited = true,
	                              .quiet_us = info->count ? UINT64_MAX : 0 };
	for (unsigned i = 0; i < info->count; i++)
		add(out, &info->subflows[i].tcp);
	if (info->count) /* the first, where several are empty */
		out->first_rtt_us = info->subflows[0].tcp.min_rtt_us;
	if (info->count > 1)
		out->spread_us = WINDOW_RTTS * slowest_us(info) - out->min_rtt_us;
	out->notsent_bytes += info->unsent_bytes;
	if (out->notsent_bytes > info->outq_bytes)
		out->notsent_bytes = info->outq_bytes;
	out->unacked_bytes = info->outq_bytes - out->notsent_bytes;
}

bool measure_full_size_lost(const struct tcpinfo *info)
{
	return (info->unacked_bytes && info->sacked_packets) || info->ooo_packets;
}

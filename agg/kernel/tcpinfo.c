/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: reads TCP_INFO. The struct has only ever grown at its end, so the
 * length of the answer says which fields a kernel has. Names it from
 * <linux/tcp.h>, which cannot be included beside <netinet/tcp.h>.
 */
#include "agg/kernel/tcpinfo.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SSTHRESH_NONE 0x7fffffff  /* TCP_INFINITE_SSTHRESH */
#define MIN_RTT_NONE UINT32_MAX
#define LEN_MIN offsetof(struct tcp_info, tcpi_pacing_rate) /* Linux 2.6 */

#define END_OF(field) \
	(offsetof(struct tcp_info, field) + \
	 sizeof(((struct tcp_info *)0)->field))

static unsigned parts_of(size_t len)
{
	static const struct { size_t end; unsigned part; } parts[] = {
		{ END_OF(tcpi_bytes_received), TCPINFO_HAS_BYTES_ACKED },
		{ END_OF(tcpi_min_rtt), TCPINFO_HAS_NOTSENT },
		{ END_OF(tcpi_delivery_rate), TCPINFO_HAS_RATES },
		{ END_OF(tcpi_sndbuf_limited), TCPINFO_HAS_LIMITS },
		{ END_OF(tcpi_bytes_retrans), TCPINFO_HAS_BYTES_SENT },
		{ END_OF(tcpi_snd_wnd), TCPINFO_HAS_SND_WND },
	};
	unsigned has = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (len >= parts[i].end)
			has |= parts[i].part;
	return has;
}

/* Packets in flight as the kernel counts them (tcp_packets_in_flight). */
static uint64_t packets_in_flight(const struct tcp_info *k)
{
	uint64_t out = (uint64_t)k->tcpi_unacked + k->tcpi_retrans;
	uint64_t left = (uint64_t)k->tcpi_sacked + k->tcpi_lost;

	return out > left ? out - left : 0;
}

static void decode_window(struct tcpinfo *out, const struct tcp_info *k)
{
	uint64_t mss = k->tcpi_snd_mss;

	out->mss_bytes = k->tcpi_snd_mss;
	out->cwnd_bytes = k->tcpi_snd_cwnd * mss;
	out->ssthresh_bytes = k->tcpi_snd_ssthresh >= SSTHRESH_NONE ?
		TCPINFO_UNLIMITED : k->tcpi_snd_ssthresh * mss;
	out->inflight_bytes = packets_in_flight(k) * mss;
	out->lost_bytes = k->tcpi_lost * mss;
	out->snd_wnd_bytes = k->tcpi_snd_wnd;
	out->notsent_bytes = k->tcpi_notsent_bytes;
}

static void decode_counters(struct tcpinfo *out, const struct tcp_info *k)
{
	out->delivery_rate_bps = k->tcpi_delivery_rate;
	out->delivery_app_limited = k->tcpi_delivery_rate_app_limited;
	out->pacing_rate_bps = k->tcpi_pacing_rate;
	out->bytes_acked = k->tcpi_bytes_acked;
	out->bytes_received = k->tcpi_bytes_received;
	out->bytes_sent = k->tcpi_bytes_sent;
	out->bytes_retrans = k->tcpi_bytes_retrans;
	out->busy_us = k->tcpi_busy_time;
	out->rwnd_limited_us = k->tcpi_rwnd_limited;
	out->sndbuf_limited_us = k->tcpi_sndbuf_limited;
	out->retrans_packets = k->tcpi_total_retrans;
	out->sacked_packets = k->tcpi_sacked;
	out->ooo_packets = k->tcpi_rcv_ooopack;
}

int tcpinfo_decode(struct tcpinfo *out, const void *raw, size_t len,
                   uint64_t outq_bytes)
{
	struct tcp_info k = { 0 };

	memset(out, 0, sizeof(*out));
	if (len < LEN_MIN)
		return -EINVAL;
	memcpy(&k, raw, len < sizeof(k) ? len : sizeof(k));
	out->has = parts_of(len);
	out->ca_state = k.tcpi_ca_state <= TCPINFO_CA_LOSS ?
		(enum tcpinfo_ca)k.tcpi_ca_state : TCPINFO_CA_LOSS;
	out->backoff = k.tcpi_backoff;
	out->retransmits = k.tcpi_retransmits;
	out->srtt_us = k.tcpi_rtt;
	out->rttvar_us = k.tcpi_rttvar;
	out->min_rtt_us = k.tcpi_min_rtt == MIN_RTT_NONE ? 0 : k.tcpi_min_rtt;
	out->rto_us = k.tcpi_rto;
	out->last_ack_ms = k.tcpi_last_ack_recv;
	decode_window(out, &k);
	decode_counters(out, &k);
	if (outq_bytes > out->notsent_bytes)
		out->unacked_bytes = outq_bytes - out->notsent_bytes;
	return 0;
}

void tcpinfo_decode_bbr(struct tcpinfo *out, const void *raw, size_t len)
{
	struct tcp_bbr_info bbr;

	/* Vegas and DCTCP answer with 16 bytes, loss-based ones with none. */
	if (len < sizeof(bbr))
		return;
	memcpy(&bbr, raw, sizeof(bbr));
	out->has |= TCPINFO_HAS_BBR;
	out->bbr_bw_bps = (uint64_t)bbr.bbr_bw_hi << 32 | bbr.bbr_bw_lo;
	out->bbr_min_rtt_us = bbr.bbr_min_rtt == MIN_RTT_NONE ? 0 : bbr.bbr_min_rtt;
}

int tcpinfo_read(int fd, bool with_bbr, struct tcpinfo *out)
{
	struct tcp_info k = { 0 };
	union tcp_cc_info cc;
	socklen_t k_len = sizeof(k), cc_len = sizeof(cc);
	int outq = 0;

	/* The queue first: an acknowledgement between the two calls then makes
	 * unacked_bytes a little old, and never negative. */
	if (ioctl(fd, SIOCOUTQ, &outq) < 0 ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &k, &k_len) < 0)
		return -errno;
	int err = tcpinfo_decode(out, &k, k_len, (uint64_t)outq);
	if (err || !with_bbr)
		return err;
	if (!getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, &cc, &cc_len))
		tcpinfo_decode_bbr(out, &cc, cc_len);
	return 0;
}

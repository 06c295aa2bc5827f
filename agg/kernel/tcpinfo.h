/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the kernel knows of a TCP connection, in plain units. Read once a
 * millisecond per subflow: two system calls, a third for BBR's model.
 *
 * Fields that lie: pacing_rate_bps is 1.2 to 2 times cwnd/srtt unless BBR
 * paces, so it is no estimate of capacity. delivery_rate_bps with
 * delivery_app_limited is a lower bound: what was offered, not what fits.
 * The byte forms of packet counts (cwnd, inflight, lost) are counts times the
 * MSS; unacked_bytes and notsent_bytes are exact.
 */
#ifndef AGG_KERNEL_TCPINFO_H
#define AGG_KERNEL_TCPINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which parts an older kernel's shorter answer has; a part that is missing
 * reads as 0. */
enum {
	TCPINFO_HAS_RATES = 1,       /* pacing, delivery (Linux 4.9) */
	TCPINFO_HAS_BYTES_ACKED = 2, /* bytes_acked, bytes_received (4.1) */
	TCPINFO_HAS_NOTSENT = 4,     /* notsent_bytes, min_rtt_us (4.6) */
	TCPINFO_HAS_LIMITS = 8,      /* busy_us and its parts (4.10) */
	TCPINFO_HAS_BYTES_SENT = 16, /* bytes_sent, bytes_retrans (4.19) */
	TCPINFO_HAS_SND_WND = 32,    /* (5.4) */
	TCPINFO_HAS_BBR = 64,
};

#define TCPINFO_UNLIMITED UINT64_MAX /* of ssthresh, pacing rate */

enum tcpinfo_ca {
	TCPINFO_CA_OPEN, TCPINFO_CA_DISORDER, TCPINFO_CA_CWR,
	TCPINFO_CA_RECOVERY, TCPINFO_CA_LOSS,
};

struct tcpinfo {
	unsigned has;            /* TCPINFO_HAS_... */
	enum tcpinfo_ca ca_state;
	uint8_t backoff;         /* how often the timeout was doubled */
	uint8_t retransmits;     /* timeouts in a row without an answer */
	bool delivery_app_limited;

	uint32_t srtt_us, rttvar_us; /* 0: no sample yet */
	uint32_t min_rtt_us;         /* 0: no sample yet */
	uint32_t rto_us;
	uint32_t mss_bytes;
	uint32_t last_ack_ms;        /* since the last acknowledgement came */

	uint64_t cwnd_bytes;
	uint64_t ssthresh_bytes;     /* TCPINFO_UNLIMITED: none yet */
	uint64_t inflight_bytes;     /* unacked - sacked - lost + retransmitted */
	uint64_t lost_bytes;         /* thought lost, not yet sent again */
	uint64_t snd_wnd_bytes;      /* the peer's window */
	uint64_t notsent_bytes;      /* written, not sent once */
	uint64_t unacked_bytes;      /* sent, not acknowledged */

	uint64_t delivery_rate_bps;  /* bytes per second */
	uint64_t pacing_rate_bps;    /* bytes per second */
	/* Since connected. bytes_sent counts bytes_retrans too. */
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	uint32_t retrans_packets;    /* since connected */
	uint32_t sacked_packets;     /* came, though not what was sent before */
	uint32_t ooo_packets;        /* received out of order, ever */

	uint64_t bbr_bw_bps;         /* bytes per second */
	uint32_t bbr_min_rtt_us;
};

/* What a connection has delivered says how fast it is only when it was more
 * than a greeting: a few packets that come back together look like gigabits.
 * 0: not known. */
#define TCPINFO_SEEN_BYTES_MIN (256u * 1024u)
static inline uint64_t tcpinfo_seen_bps(const struct tcpinfo *info)
{
	return info->bytes_acked < TCPINFO_SEEN_BYTES_MIN ? 0
	                                                  : info->delivery_rate_bps;
}

/* 0 or -errno. with_bbr asks for BBR's model too: only of a socket that is
 * known to use BBR. */
int tcpinfo_read(int fd, bool with_bbr, struct tcpinfo *out);

/* The pure part: len bytes as the kernel gave them (TCP_INFO), and SIOCOUTQ's
 * count of bytes written and not acknowledged. -EINVAL: shorter than any
 * kernel's. */
int tcpinfo_decode(struct tcpinfo *out, const void *raw, size_t len,
                   uint64_t outq_bytes);
/* Adds what TCP_CC_INFO said; another congestion control's answer is left. */
void tcpinfo_decode_bbr(struct tcpinfo *out, const void *raw, size_t len);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the kernel knows of an MPTCP connection and of each of its
 * subflows, in plain units; and the namespace's counters of what went wrong.
 *
 * BBR's model is told of the first subflow only (TCP_CC_INFO); of the others
 * take delivery_rate_bps. A subflow's queue is not told either: its
 * unacked_bytes is computed from counters, and one too small where we
 * connected. All sequence numbers count bytes from random beginnings.
 */
#ifndef AGG_KERNEL_MPTCPINFO_H
#define AGG_KERNEL_MPTCPINFO_H

#include "agg/base/addr.h"
#include "agg/kernel/tcpinfo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPTCPINFO_SUBFLOWS_MAX 9 /* the first and 8 more; the rest is left out */

/* Which parts this kernel tells; a part that is missing reads as 0. */
enum {
	MPTCPINFO_HAS_CHECKSUM = 1, /* (5.16) */
	MPTCPINFO_HAS_BYTES = 2,    /* retransmits, bytes_... (6.5) */
	MPTCPINFO_HAS_TOTAL = 4,    /* subflows_total (6.8) */
	MPTCPINFO_HAS_LAST = 8,     /* last_..._ms (6.10) */
	MPTCPINFO_HAS_SUBFLOWS = 16,/* subflows[] (5.16) */
	MPTCPINFO_HAS_IDS = 32,     /* their id (6.5) */
};

struct mptcpinfo_subflow {
	uint32_t id; /* counts up: a joined again one is another */
	struct addr local, remote;
	struct tcpinfo tcp;
};

struct mptcpinfo {
	unsigned has;           /* MPTCPINFO_HAS_... */
	bool fallback;          /* to plain TCP; recent kernels say -EOPNOTSUPP */
	bool remote_key;        /* the peer has answered as an MPTCP one */
	bool checksum;          /* DSS checksums are in use */
	uint32_t token;         /* as in struct mptcp_event */
	unsigned joined;        /* subflows beside the first */
	unsigned joined_max;    /* the limit that held when it began */
	unsigned subflows_total;/* with the first, while it lives */

	uint64_t write_seq, snd_una; /* ours: written, acknowledged */
	uint64_t rcv_nxt;            /* the peer's: received in order */
	uint64_t outq_bytes;    /* written and not acknowledged */
	uint64_t unsent_bytes;  /* of these, not given to a subflow */

	uint32_t retransmits;   /* times that a timeout sent data again */
	uint64_t bytes_sent, bytes_received, bytes_acked, bytes_retrans;
	uint32_t last_sent_ms, last_received_ms, last_ack_ms; /* ago */

	unsigned count;         /* of subflows[] */
	struct mptcpinfo_subflow subflows[MPTCPINFO_SUBFLOWS_MAX];
};

/* 0 or -errno: -EOPNOTSUPP or -ENOPROTOOPT: the connection is plain TCP or has
 * fallen back to it, or this kernel does not tell (before 5.16). with_bbr as
 * in tcpinfo_read(). */
int mptcpinfo_read(int fd, bool with_bbr, struct mptcpinfo *out);

/* Does this kernel tell? Else no connection can be told from one that has
 * fallen back. */
bool mptcpinfo_is_told(void);

/* The pure part. Bytes as the kernel gave them, in arrays of count elements:
 * each info_size or addrs_size apart, of which so many bytes are there. */
struct mptcpinfo_raw {
	unsigned count;
	const void *tcp, *addrs;    /* struct tcp_info, struct mptcp_subflow_addrs */
	size_t tcp_size, addrs_size;
	const uint32_t *ids;        /* or NULL */
};

/* MPTCP_INFO. -EINVAL: shorter than any kernel's; *out is empty then. */
int mptcpinfo_decode(struct mptcpinfo *out, const void *raw, size_t len);
/* Adds the subflows. -EINVAL: elements too small; then none are added. */
int mptcpinfo_decode_subflows(struct mptcpinfo *out,
                              const struct mptcpinfo_raw *raw);

/* Counters of the network namespace, since it began; 0 what a kernel has not
 * got. */
struct mptcpinfo_counters {
	/* Connections: asked for and answered with MPTCP; not answered so. */
	uint64_t capable_syn_tx, capable_synack_rx, capable_syn_rx;
	uint64_t fallback_synack; /* the SYN/ACK came without: stripped, or TCP */
	uint64_t fallback_ack;    /* the third ACK came without, at the server */
	uint64_t fallback_data;   /* the first data came without */
	uint64_t fallback_dss;    /* data later came without mapping */
	uint64_t syn_tx_drop;     /* SYNs with MPTCP got no answer, those without did */
	uint64_t syn_tx_disabled; /* sent without MPTCP because of a blackhole */
	uint64_t blackhole;       /* times that MPTCP was turned off for it */
	/* Joins. */
	uint64_t join_syn_tx, join_synack_rx, join_syn_rx, join_ack_rx;
	uint64_t join_rejected, join_no_token;
	uint64_t join_synack_hmac, join_ack_hmac;
	uint64_t join_bind_error, join_connect_error;
	/* Data. */
	uint64_t checksum_error, mp_fail_tx, mp_fail_rx;
	uint64_t dss_not_matching, dss_corruption_fallback, dss_corruption_reset;
	uint64_t reset_tx, reset_rx;   /* MP_TCPRST of subflows */
	uint64_t retransmits;          /* data sent again on another subflow */
	uint64_t subflow_stale, subflow_recover;
	uint64_t established;          /* now */
};

/* path: NULL for /proc/net/netstat. 0 or -errno; -ENOENT: no MPTCP there. */
int mptcpinfo_counters(const char *path, struct mptcpinfo_counters *out);
/* The pure part: the text of such a file. false: it has no line of MPTCP. */
bool mptcpinfo_counters_parse(struct mptcpinfo_counters *out, const char *text,
                              size_t len);

#endif

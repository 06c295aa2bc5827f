/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one end of a simulated TCP connection that is established. It counts
 * bytes and does not carry them: what tcp_write() was told of arrives, in
 * order, as the peer's arrived_bytes. Behaves as Linux does: RACK and tail
 * loss probes (RFC 8985), delayed acknowledgements and when there are none,
 * pacing in bursts, delivery rates.
 *
 * Segments are numbered, and one that was cut is never cut again: a number
 * does what a sequence number does. Both ends look into the sender's ring of
 * segments.
 *
 *     tcp.c          lifetime, what leaves and when, timers
 *     tcp_ack.c      an acknowledgement arrives: estimates
 *     tcp_loss.c     which segments are lost, and recovery
 *     tcp_receive.c  a segment arrives: order, acknowledgements
 *     tcp_window.c   how much the receiver lets the sender send
 */
#ifndef SCHEDULER_SIM_TCP_H
#define SCHEDULER_SIM_TCP_H

#include "scheduler/sim/cc.h"
#include "scheduler/sim/event.h"
#include "scheduler/sim/link.h"

#define TCP_MSS 1448u           /* payload: timestamps are on */
#define TCP_HEADERS 70u         /* Ethernet with FCS, IPv4, TCP, timestamps */
#define TCP_CWND_FIRST 10u
#define TCP_CWND_MAX (1u << 20)
#define TCP_SSTHRESH_NONE 0x7fffffffu
#define TCP_RTO_MIN_US 200000u
#define TCP_RTO_MAX_US 120000000u
#define TCP_SEGMENTS_MAX (1u << 20) /* sent, not acknowledged */
#define TCP_BLOCKS 4u           /* of what arrived out of order, remembered */

enum tcp_state { TCP_OPEN, TCP_DISORDER, TCP_RECOVERY, TCP_LOSS };

enum tcp_timer { TCP_TIMER_NONE, TCP_TIMER_RTO, TCP_TIMER_PROBE,
                 TCP_TIMER_REORDER };

enum { /* tcp_segment.flags */
	SEGMENT_SACKED = 1,
	SEGMENT_LOST = 2,
	SEGMENT_AGAIN = 4,       /* sent again, and that is on the path */
	SEGMENT_EVER_AGAIN = 8,
	SEGMENT_APP_LIMITED = 16,
	SEGMENT_ARRIVED = 32,    /* the receiver's mark */
	SEGMENT_LISTED = 64,     /* in the order of sending */
};

struct tcp_segment {
	uint64_t tx_ns;          /* sent, at last */
	uint64_t first_tx_ns, delivered_ns; /* the state of then, for rates */
	uint64_t end;            /* bytes ever written, up to its end */
	uint32_t delivered;
	uint32_t serial;         /* of its last sending */
	uint32_t prev, next;     /* in the order of sending: tcp.first_sent */
	uint16_t len;
	uint8_t flags;
};

struct tcp_events {
	void (*on_arrived)(void *ctx);  /* arrived_bytes has grown */
	void (*on_sent)(void *ctx);     /* notsent_bytes has shrunk */
};

struct tcp {
	struct tcp *peer;               /* borrowed */
	struct link *link;              /* borrowed: towards the peer */
	struct events *events;          /* borrowed */
	const struct tcp_events *owner; /* borrowed */
	void *ctx;
	const struct cc_ops *cc;
	bool dead;                      /* hears and says nothing more */
	bool quic;                      /* finds losses as RFC 9002, 6.1 has it */

	/* what there is to send */
	uint64_t written_bytes, notsent_bytes, acked_bytes;
	uint64_t heard_ns; /* the last acknowledgement */
	struct tcp_segment *segments;   /* a ring, power of two */
	uint32_t segments_cap;
	uint32_t una, next;             /* oldest not acknowledged; to be sent */
	uint32_t first_sent, last_sent; /* by time; neither sacked nor acked */
	uint32_t again_from;            /* nothing before is to be sent again */
	uint32_t sacked, lost, again;   /* segments so marked */
	uint64_t sent_bytes, again_bytes; /* ever */
	uint64_t sent_segments;
	uint64_t window_end;            /* the peer takes bytes up to here */

	/* congestion: cc's to change */
	uint32_t cwnd, ssthresh;
	uint64_t pacing_bps;            /* 0: not known */
	uint64_t pace_max_bps;          /* the owner's: no faster; 0: no limit */
	uint64_t cc_state[CC_STATE_BYTES / 8];
	/* and for it to look at */
	enum tcp_state state;
	uint32_t delivered, lost_ever;  /* segments */
	uint64_t delivered_ns;
	uint32_t app_limited;           /* until so many were delivered; 0: not */
	uint64_t srtt8_us, mdev4_us;    /* 8 and 4 times as large */
	uint64_t min_rtt_us;            /* UINT64_MAX: not known */
	struct rand *rand;              /* borrowed */

	/* pacing, window */
	uint64_t pace_ns;               /* nothing leaves before */
	bool cwnd_limited;
	uint32_t window_used, window_used_until; /* segments out, of this window */
	uint32_t used_max;
	uint64_t used_ns, last_tx_ns;

	/* round trips and rates */
	uint64_t mdev_max_us, rttvar_us, rto_us;
	uint32_t rtt_until;             /* this round's end */
	uint32_t backoff;
	uint64_t first_tx_ns;
	uint32_t rate_delivered;
	uint64_t rate_interval_us;
	bool rate_app_limited;

	/* loss */
	uint32_t high;                  /* recovery ends when it is acked */
	uint32_t prior_cwnd, prr_delivered, prr_out;
	uint64_t rack_tx_ns, rack_rtt_us;
	uint32_t rack_segment, rack_serial;
	bool rack_advanced, probe_again, probing;
	uint32_t probe_high;
	uint32_t seen[LINK_SACKS][2];   /* the blocks of the last acknowledgement */

	/* receiving */
	uint64_t arrived_bytes;
	uint32_t arrived, told;         /* segments: in order; acknowledged */
	uint64_t told_bytes;
	uint32_t blocks[TCP_BLOCKS][2]; /* out of order, the latest first */
	uint32_t block_count;
	uint32_t ofo;                   /* segments out of order */
	uint32_t quick, early_acks, packed_acks;
	uint64_t ato_us, last_rx_ns;
	bool pingpong, ack_wanted, ack_now, doubled;
	uint8_t pushed;                 /* ends of writes not acknowledged: 0 to 2 */
	uint32_t heard_mss;             /* the largest segment so far */
	/* the window that the peer has: tcp_window.c */
	uint64_t buffer_bytes, ssthresh_bytes, edge_bytes, highest_bytes;
	unsigned payload_256;           /* how much of the buffer is payload */
	uint64_t space_bytes, epoch_bytes, epoch_ns; /* read in a round trip */
	uint64_t rcv_rtt8_us;
	uint32_t rcv_echo_ms;           /* the one that was measured last */
	uint32_t stamp_ms;              /* the peer's, to be echoed */

	struct event pace, timer, delack;
	enum tcp_timer timer_kind;
	uint64_t timer_ns, delack_ns;   /* the events may be earlier */
};

/* Both ends of a connection: established, round-trip time known, nothing
 * under way. -ENOMEM. events_reserve() is the caller's, TCP_EVENTS an end. */
#define TCP_EVENTS 3u
struct tcp_args {
	struct link *link;
	struct events *events;
	const struct tcp_events *owner;
	void *ctx;
	const struct cc_ops *cc;
	struct rand *rand;
	uint64_t rtt_us;
	bool quic;
};
int tcp_init(struct tcp *t, const struct tcp_args *args, struct tcp *peer);
void tcp_finish(struct tcp *t);
/* From now on it neither hears nor says anything; what is in a link still
 * names it. */
void tcp_kill(struct tcp *t);

/* So many bytes more are to be sent; what may leave, leaves. */
void tcp_write(struct tcp *t, uint64_t bytes);
/* The owner has read all that arrived. */
void tcp_read(struct tcp *t);
/* link.on_frame */
void tcp_on_frame(const struct link_frame *frame);
void tcp_info(const struct tcp *t, struct subflow_info *out);

static inline uint32_t tcp_flight(const struct tcp *t)
{
	return t->next - t->una - t->sacked - t->lost + t->again;
}
static inline uint32_t tcp_out(const struct tcp *t) { return t->next - t->una; }
/* Is it the window that limits? Else it must not grow. */
static inline bool tcp_is_limited(const struct tcp *t)
{
	return t->cwnd_limited ||
	       (t->cwnd < t->ssthresh && t->cwnd < 2 * t->window_used);
}

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how fast datagrams go out on one path. What is inside of them has a
 * congestion control of its own, so this one reacts to a queue that stands in
 * the path, and neither to single losses nor to jitter: the rate is what the
 * receiver got, cut when the least delay of a window has risen. A cap of about
 * one bandwidth-delay product in flight bounds the queue when a link's rate
 * drops, before the first feedback tells of it.
 *
 * The maximum over time is BBR's (draft-cardwell-iccrg-bbr-congestion-control),
 * the least delay of a window as congestion LEDBAT's (RFC 6817). Where loss goes
 * without a queue and vanishes with the rate, somebody polices: then the rate is
 * held; where it stays, it is the radio's, and is passed over.
 *
 *     START   doubles until a queue stands or nothing grows     RESTART  by half
 *     DRAIN   half of the rate until the queue is gone, then CRUISE
 *     CRUISE, UP by a quarter, DOWN until that queue is gone: in turn
 *
 * Before anything is known, a train of packets that leave at once says by how far apart
 * they arrive what the path may carry (Keshav, SIGCOMM 1991). START goes at that pace, and
 * ends where that much is delivered; what is known is what was delivered, all the same.
 *
 * Rates are bytes/s of datagrams with what they wear on the wire, as told to
 * tunnel_rate_sent().
 */
#ifndef AGG_TRANSPORT_TUNNEL_RATE_H
#define AGG_TRANSPORT_TUNNEL_RATE_H

#include "agg/transport/path_load.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_PACKET_BYTES 1500u
#define RATE_FIRST_BPS 375000u     /* 3 Mbit/s, before anything is known */
#define RATE_MIN_BPS 8000u
#define RATE_FEEDBACK_MIN_US 5000u /* the receiver tells each quarter of a */
#define RATE_FEEDBACK_MAX_US 25000u /* round trip, within these */

#define RATE_MARKS 512u   /* when which counter was sent; a power of two */
#define RATE_REPORTS 64u  /* of feedback, one window; a power of two */
#define RATE_SLOTS 16u    /* of a windowed minimum or maximum */

enum rate_state {
	RATE_START, RATE_RESTART, RATE_DRAIN, RATE_CRUISE, RATE_UP, RATE_DOWN,
};

/* One feedback, as the sender understands it: feedback_hear(). */
struct rate_news {
	uint64_t largest;        /* counter heard, */
	uint64_t hold_us;        /* so long before it was told */
	uint64_t told_us;        /* by the receiver's clock */
	uint64_t packets, bytes; /* received in all */
	/* Since the feedback before, receive time less send time; two clocks. */
	int64_t delay_min_us, delay_p90_us;
	bool congested;          /* some were marked on the way */
	uint64_t waited_us;      /* this for us, since it came */
};

struct rate_window { /* a minimum or maximum over slots of time */
	int64_t values[RATE_SLOTS];
	uint64_t since_us;
	unsigned at;
};

struct tunnel_rate {
	enum rate_state state;
	uint64_t entered_us;

	/* what is known of the path */
	uint64_t srtt_us, rttvar_us; /* 0: nothing heard yet */
	struct rate_window rtt_low, delay_low, best;
	uint64_t min_rtt_us, bw_bps, rx_bps;
	int64_t base_us, delay_us;   /* least in 15 s; in the last window */
	uint64_t queue_us, jitter_us;
	uint64_t gap_us, gap_var_us; /* between feedbacks */
	uint64_t lost, judged;       /* packets, fading; only while no queue stood */
	bool full;                   /* one did, for most of what was last told of */
	uint64_t heard_us, heard_counter, told_us; /* by the receiver's clock */

	/* the state's */
	uint64_t over_since_us;      /* a queue stands; 0: none does */
	uint64_t cut_us;
	uint64_t checked_us, checked_bps; /* START: growth; UP: before */
	unsigned flat, ups, fallen;
	uint64_t policed_until_us, policed_bps, excused_until_us, policed_loss;
	uint64_t clock_us, clocked_us; /* runs while not limited by the offer */
	uint64_t idle_us;            /* last time that nothing was there to send */
	uint64_t jumps_until_us;     /* a clock does: delays are not compared until then */

	/* what was sent, and what of it was heard */
	struct { uint64_t counter, at_us, bytes; } marks[RATE_MARKS];
	uint32_t mark_first, mark_end;
	uint64_t sent_bytes, sent_counter, out_since_us;
	uint64_t asked_counter;
	struct rate_report {
		uint64_t received_us, sent_us, counter, packets, bytes;
		int64_t delay_us;
	} reports[RATE_REPORTS];
	uint32_t report_end;
	uint64_t passed_bytes;       /* sent up to the largest heard */

	/* the train that went last */
	uint64_t train_us, train_first, train_last; /* when; its counters */
	uint64_t train_from;         /* the first that was told of; 0: none was */
	int64_t train_delay_us;      /* its */
	uint32_t train_bytes;        /* of a packet */
	unsigned trains, deceived;   /* since init or restart; promised what was not there */
	bool close;                  /* it came so close together that it tells little */
	uint64_t promised_bps;       /* by what it told; 0: nothing */
	uint64_t filled_whole_us;    /* last time that as much was sent as might be */

	/* the bucket */
	int64_t tokens;              /* bytes times 1,000,000 */
	uint64_t filled_us;
	uint64_t share_bps;          /* tunnel_rate_share() */
};

void tunnel_rate_init(struct tunnel_rate *r, uint64_t now_us);
/* What is out is lost. The path has become another (roamed): what is known of it is
 * worth half; or it was silent, and is tried at what it had. */
void tunnel_rate_restart(struct tunnel_rate *r, bool other, uint64_t now_us);

/* How many bytes may leave now; 0: wait until tunnel_rate_next_us(). */
uint64_t tunnel_rate_room(struct tunnel_rate *r, uint64_t now_us);
/* UINT64_MAX: feedback must come first. */
uint64_t tunnel_rate_next_us(const struct tunnel_rate *r, uint64_t now_us);
/* Counters rise. What does not ask is not told of at once: alone it is not waited for. */
void tunnel_rate_sent(struct tunnel_rate *r, uint64_t counter, uint32_t bytes,
                      bool asks, uint64_t now_us);
/* There was room, and nothing to send. */
void tunnel_rate_idle(struct tunnel_rate *r, uint64_t now_us);
void tunnel_rate_heard(struct tunnel_rate *r, const struct rate_news *news,
                       uint64_t now_us);
/* Some may leave although a queue stands, as our streams keep it, which do not yield to a
 * delay (BBR, CUBIC): fair_bps, but that they keep a tenth of what they and own_bps are;
 * at least what one of them takes, and a tenth of that of all. Told ten times a second. */
void tunnel_rate_share(struct tunnel_rate *r, const struct path_load *load,
                       uint64_t own_bps, uint64_t fair_bps);
/* What others found that the path carries: where nothing is known it begins there. */
void tunnel_rate_hint(struct tunnel_rate *r, uint64_t bps);

/* How many packets shall go as a train now, if they are wanted; 0: none. Then it is told
 * of those that went. */
unsigned tunnel_rate_train(const struct tunnel_rate *r, bool wanted, uint64_t now_us);
void tunnel_rate_trained(struct tunnel_rate *r, uint64_t first, uint64_t last,
                         uint32_t bytes, uint64_t now_us);

/* What is out should have been heard of by then: the path is suspect.
 * UINT64_MAX: nothing is out. */
uint64_t tunnel_rate_suspect_us(const struct tunnel_rate *r);
uint64_t tunnel_rate_in_flight(const struct tunnel_rate *r);
/* The pace of this state, as long as there is something to send. */
uint64_t tunnel_rate_pace(const struct tunnel_rate *r);
/* Lost of a million, without what a queue lost; what luck explains taken off. */
uint32_t tunnel_rate_loss_ppm(const struct tunnel_rate *r);
/* As it seems: the same with what may be luck. */
uint32_t tunnel_rate_likely_ppm(const struct tunnel_rate *r);
/* How often the receiver shall tell of a path of that round-trip time. */
uint64_t tunnel_rate_feedback_us(uint64_t srtt_us);

#endif

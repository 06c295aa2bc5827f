/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the state that the files of the tunnel share with each other and nobody else.
 * Nobody calls one that stands above it:
 *
 *     tunnel.c       lifetimes, the turn, the deadline, reports
 *     tunnel_in.c    what arrives
 *     tunnel_out.c   what goes out now, and where
 *     tunnel_train.c what paths may carry that were not tried
 *     tunnel_oversize.c  packets that are longer than the tunnel takes
 *     tunnel_carry.c packets where UDP does not pass
 *     tunnel_split.c packets that are longer than a path's datagrams
 *     tunnel_mtu.c   how long these are
 *     tunnel_control.c how fast a path goes, and what the peer is told of it
 *     tunnel_probe.c what is asked of a path, and whether it can be used
 *     tunnel_send.c  one datagram to one path
 *     tunnel_keys.c  keys, ours and the peer's
 *     tunnel_fit.c   how long datagrams fare on a path (pure)
 *     tunnel_copy.c  how much goes twice (pure)
 */
#ifndef AGG_TRANSPORT_TUNNEL_IMPL_H
#define AGG_TRANSPORT_TUNNEL_IMPL_H

#include "agg/transport/datagram_key.h"
#include "agg/transport/merge.h"
#include "agg/transport/spill.h"
#include "agg/transport/tunnel.h"
#include "agg/transport/tunnel_copy.h"
#include "agg/transport/tunnel_fit.h"
#include "tun/icmp.h"

#include <assert.h>

#define TUNNEL_HALVES 4u /* of packets that are split, on a path */
#define TUNNEL_PROBES 4u /* whose echo is still understood */

struct tunnel_path {
	enum tunnel_path_state state; /* as the owner says */
	uint8_t path_class;
	bool busy;              /* until tunnel_writable() */

	/* probing, see tunnel_probe.c */
	bool usable;            /* something came back of late, and nothing is silent */
	struct { uint64_t nonce, sent_us; } probe[TUNNEL_PROBES]; /* the latest */
	unsigned probes;        /* ever */
	unsigned unanswered;    /* of them, in a row */
	uint64_t probe_us;      /* the last one was sent; 0: none since an answer */
	bool echo_due;
	uint64_t echo_nonce;
	uint64_t srtt_us, rttvar_us;
	uint64_t heard_us;      /* something genuine came; 0: never */
	uint64_t spoke_us;      /* something went; 0: never */
	uint64_t awaits_us;     /* the first that went since something came; 0: nothing did */
	uint64_t dead_us;       /* since then; 0: it is not */
	uint64_t revive_us;     /* then on_dead() is due, while it is */
	unsigned revivals;      /* since it is dead */

	/* the peer's address, where it is learnt */
	bool has_ends, validated; /* validated: a probe to it came back */
	struct tunnel_ends ends;
	uint64_t unproved_in, unproved_out; /* bytes, until it is */

	struct tunnel_fit fit;
	struct copy_budget copies; /* of other paths' packets */
	struct packet *halves[TUNNEL_HALVES]; /* that wait for their other half */

	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes, rx_ce;
	unsigned moves;
};

struct tunnel_epoch {
	struct datagram_key *key; /* NULL: none */
	enum aead_suite suite;
	uint64_t announced_us, used_us; /* used: the first good one came; 0: none did */
};

/* Numbers of flows in order (merge.h): who has which. */
struct tunnel_slots {
	uint64_t used[MERGE_SLOTS / 64];
	uint8_t generation[MERGE_SLOTS];
	unsigned next;          /* the one free for longest, about */
};

struct tunnel {
	uint64_t now_us;        /* of the turn, or of the entry */
	uint64_t deadline_us;
	bool noted;

	struct flows *flows;
	struct tunnel_control *control[TUNNEL_PATHS_MAX]; /* NULL: not in use yet */
	uint64_t shared_us;     /* when the session was asked what the streams take */
	uint64_t bulk_us;       /* a flow that always has something; 0: none had yet */
	enum traffic doubled;   /* that, and what is above it, goes twice */
	struct merge *merge;

	struct datagram_key *out; /* the peer's newest; NULL: it gave none yet */
	struct tunnel_epoch in[TUNNEL_EPOCHS_MAX]; /* ours, the newest first */
	uint32_t epoch;         /* of in[0]; 0: none */
	uint64_t announce_us;   /* not before; 0: whenever it is due */

	uint64_t pathless_us;   /* since when no path is usable; 0: one is */
	uint64_t took_us;       /* the session would take one last; 0: never */
	bool carries;           /* and does now */
	uint64_t carry_us;      /* the session is asked again then; 0: it takes all */
	uint64_t carried;       /* packets, by the session */
	uint16_t mtu;           /* of inner packets */
	bool mtu_known;         /* by what passed */
	uint64_t mtu_us;        /* when it was last no larger than what passes */
	struct icmp_limit icmp; /* of answers to packets that are longer */
	uint16_t split_id;

	uint64_t forged_us;     /* the window began in which so many */
	unsigned forged;        /* were forged */

	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes, unkept;
	uint64_t refused[TUNNEL_REFUSALS], dropped[TUNNEL_DROPS];
	struct tunnel_class_stats class[TUNNEL_CLASSES];
	struct spill_paths paths; /* as of this turn */
	struct tunnel_slots slots;
	struct tunnel_path path[TUNNEL_PATHS_MAX];
	struct tunnel_args args;
};

/* There is something for a turn. */
void tunnel_note(struct tunnel *t);
/* A packet of the flow was sent, of so many bytes. */
void tunnel_count(struct tunnel *t, const struct flow *f, const struct packet *p, uint32_t len);

#endif

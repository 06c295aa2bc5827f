/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a packet tunnel under virtual time: its two ends as they are shipped, seals and
 * all, over simulated links, with flows inside: QUIC (the simulator's TCP with the
 * losses of RFC 9002) with CUBIC or BBR, a constant rate, a call.
 *
 *     flow -> packet -> tunnel -> link (queue, rate, delay, loss) -> tunnel -> packet -> flow
 *
 * Every packet carries its number and the time of its sending, so that what arrives twice,
 * late or out of order is counted. The same arguments give the same run.
 */
#ifndef SCHEDULER_SIM_TUNNEL_WORLD_H
#define SCHEDULER_SIM_TUNNEL_WORLD_H

#include "agg/transport/tunnel.h"
#include "scheduler/sim/tcp.h"

#define TUNNEL_WORLD_FLOWS 256u
#define TUNNEL_WORLD_PACKET 1400u /* of bulk, with its IP and UDP headers */
#define TUNNEL_WORLD_UP_US 1000000u /* the tunnel is up by then */

enum tunnel_world_kind {
	TUNNEL_WORLD_QUIC,
	TUNNEL_WORLD_RATE, /* packets of a size at a rate */
	TUNNEL_WORLD_CALL, /* 160 bytes, 50 a second, both ways */
};

struct tunnel_world_flow_args {
	enum tunnel_world_kind kind;
	bool up;                   /* from the gateway; else to it */
	const struct cc_ops *cc;   /* QUIC */
	uint64_t rate_bps;         /* RATE: bytes/s of packets */
	uint32_t packet;           /* RATE: bytes; 0: TUNNEL_WORLD_PACKET */
	uint8_t dscp;
	uint64_t from_us, until_us; /* from_us: TUNNEL_WORLD_UP_US at least */
};

/* What came of it, since tunnel_world_measure(). */
struct tunnel_world_flow {
	uint64_t sent, received, twice, disordered; /* packets */
	uint64_t back, back_disordered; /* received against the flow's direction */
	uint64_t bytes;               /* received, of IP packets, each once */
	uint64_t oldest_us;           /* the longest way */
	uint64_t gap_us, gap_at_us;   /* the longest time without any, and its begin */
	uint32_t *delays_us;          /* one way, sorted by tunnel_world_delay_us() */
	size_t delay_count;
};

struct tunnel_world;

struct tunnel_world_args {
	struct { struct world_link down, up; } paths[TUNNEL_PATHS_MAX];
	unsigned path_count;
	uint64_t seed;
	/* A machine that has others, too: so long, in the mean, an end runs, and then so long
	 * it does not, and takes what came meanwhile at once. 0: it always runs. */
	uint64_t run_us, stall_us;
};

/* NULL: errno. */
struct tunnel_world *tunnel_world_create(const struct tunnel_world_args *args);
void tunnel_world_destroy(struct tunnel_world *w);
struct tunnel *tunnel_world_tunnel(struct tunnel_world *w, bool gateway);
/* Its number. */
unsigned tunnel_world_add(struct tunnel_world *w,
                          const struct tunnel_world_flow_args *args);
void tunnel_world_run(struct tunnel_world *w, uint64_t until_us);
/* Figures begin anew. */
void tunnel_world_measure(struct tunnel_world *w);
const struct tunnel_world_flow *tunnel_world_flow(const struct tunnel_world *w,
                                                  unsigned flow);
/* 0 <= share <= 1 of the delays are not longer. */
uint32_t tunnel_world_delay_us(struct tunnel_world *w, unsigned flow, double share);
/* Silent loss of everything, one way or both. */
void tunnel_world_cut(struct tunnel_world *w, unsigned path, bool down, bool up,
                      bool cut);

#endif

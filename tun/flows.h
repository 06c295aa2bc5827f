/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the queue in front of all paths, of one direction: a queue for each flow, so
 * that nobody waits behind another's packets (FQ-CoDel, RFC 8290). Pure.
 *
 * Whose turn it is: new flows go before old ones; of these, LAN hosts have equal parts
 * (as with CAKE), and of a host its flows: deficit round robin at both levels. Real time
 * goes before all others, but takes half at most while others wait; bulk has a ninth
 * while others do. How long a queue may stand: CoDel (RFC 8289) at the head of each
 * flow, which marks where it can; nothing leaves that is older than FLOWS_AGE_*.
 * When memory is used up, the host that has most queued loses from the head of its
 * longest queue.
 *
 * Ours is that several paths draw from a flow. A slow path takes a packet so many
 * bytes deep, so that what it carries arrives in order. Per path
 * the numbers of what it took of a flow rise.
 *
 * Every packet that is put is taken or dropped, once, and counted.
 *
 * A turn of the tunnel:
 *
 *     flows_begin(fs);
 *     while (some path has tokens && (f = flows_next(fs, least, now_us)))
 *             if (no path may have of f, or flows_take() gave NULL)
 *                     flows_pass(fs, f);
 */
#ifndef TUN_FLOWS_H
#define TUN_FLOWS_H

#include "agg/base/siphash.h"
#include "tun/inspect.h"
#include "tun/packet.h"

#define FLOWS_PATHS_MAX 16u    /* path numbers are below that */
#define FLOWS_TABLE_MIN 64u
#define FLOWS_TABLE_DEFAULT 1024u
#define FLOWS_TABLE_MAX 8192u
#define FLOWS_TARGET_US 5000u    /* unless flow_tune() said otherwise */
#define FLOWS_INTERVAL_US 100000u
#define FLOWS_AGE_REALTIME_US 200000u
#define FLOWS_AGE_US 1000000u
#define FLOWS_REST_US 10000000u
#define FLOWS_DROP_BATCH 64u     /* at most so many when memory is used up */
#define FLOW_SCOPE_BYTES 256u

struct flows;
struct flow; /* valid until on_gone, or flows_destroy() */

enum flows_drop {
	FLOWS_DROP_CODEL,    /* its queue stood too long */
	FLOWS_DROP_OVERFLOW, /* no memory was left, and it was of the longest queue */
	FLOWS_DROP_AGE,      /* nobody could take it in time */
	FLOWS_DROP_FLUSH,    /* flows_flush(), flows_destroy() */
	FLOWS_DROPS
};

/* Each may be NULL. None may call back into flows. */
struct flows_ops {
	/* The packet is the queue's, and is given back behind that. */
	void (*on_drop)(void *ctx, struct flow *f, const struct packet *p,
	                enum flows_drop why);
	/* The flow was quiet, and another needs its place. */
	void (*on_gone)(void *ctx, struct flow *f);
};

struct flows_args {
	uint64_t bytes_max;      /* of memory, PACKET_SIZE a packet */
	uint32_t quantum;        /* bytes: the MTU */
	uint32_t table;          /* flows told apart, a power of two; 0: the default */
	bool lan_is_source;      /* up: hosts are sources; down: destinations */
	uint8_t key[SIPHASH_KEY_BYTES]; /* random */
	struct budget *budget;   /* borrowed: of the table, which grows with its use */
	const struct flows_ops *ops; /* borrowed; NULL: none */
	void *ctx;
};

struct flows_stats {
	uint64_t put, taken, dropped[FLOWS_DROPS]; /* packets */
	uint64_t put_bytes, taken_bytes;
	uint64_t marked;                           /* CE */
	uint64_t queued, queued_bytes;             /* now; of IP packets */
	uint32_t flows, busy;                      /* known; with a queue */
};

struct flows *flows_create(const struct flows_args *args); /* NULL: errno */
void flows_destroy(struct flows *fs);
/* Takes the packet, and gives it its number and time. How it is treated packet.traffic
 * says, or its DSCP where that is untold. */
void flows_put(struct flows *fs, struct packet *p, const struct inspection *in,
               uint64_t now_us);
/* A packet of the other direction was delivered: a call has two. */
void flows_heard(struct flows *fs, const struct inspection *in, uint64_t now_us);
void flows_flush(struct flows *fs); /* drops all that is queued */
/* Gives back what flows use, if there was no packet for FLOWS_REST_US. */
void flows_rest(struct flows *fs, uint64_t now_us);
void flows_stats(const struct flows *fs, struct flows_stats *out);
/* Is there anything for flows_next() to give, of that kind or above? What is
 * too old counts, too. */
bool flows_are_waiting(const struct flows *fs, enum traffic least);
uint64_t flows_backlog_bytes(const struct flows *fs);

/* A new turn: those that were passed over have their place again. */
void flows_begin(struct flows *fs);
/* Whose turn it is, of that kind or above (real time, or all): a flow that has packets;
 * NULL: none that was not passed over in this turn. What is too old was dropped. */
struct flow *flows_next(struct flows *fs, enum traffic least, uint64_t now_us);
/* It has had more than its half of late, and others wait. */
bool flows_realtime_is_greedy(const struct flows *fs);
/* Not now: no path may have of it. */
void flows_pass(struct flows *fs, struct flow *f);

/* A packet of the flow for that path, the caller's from then on: that in which the
 * byte lies that is depth_bytes behind the head, or the next behind what this path
 * took before. CoDel judges it where it is the head. Where no other path that the
 * flow uses (flow_tune) can take the head without turning back, it is the head,
 * whatever depth was asked. f is of flows_next() at that time. NULL: there is none so
 * deep, or what there was is dropped. */
struct packet *flows_take(struct flows *fs, struct flow *f, unsigned path,
                          uint64_t depth_bytes, uint64_t now_us);

/* How it is queued from now on. At first: every path, FLOWS_TARGET_US and
 * FLOWS_INTERVAL_US. */
struct flow_tuning {
	uint32_t paths;      /* a bit each: those that may take from it */
	uint32_t target_us;  /* how long its queue may stand: with the spread of its paths */
	uint32_t interval_us;
	uint32_t age_us;     /* what is older is dropped; 0: FLOWS_AGE_US. Not of real time */
};
void flow_tune(struct flow *f, const struct flow_tuning *tuning);

uint64_t flow_backlog_bytes(const struct flow *f);
uint32_t flow_backlog_packets(const struct flow *f);
const struct packet *flow_head(const struct flow *f); /* NULL: empty */
/* Since when it has had packets without a break; 0: it has none. */
uint64_t flow_busy_since_us(const struct flow *f);
/* It has not sent a quantum since it was quiet. */
bool flow_is_sparse(const struct flow *f);
/* By what its packets say (packet.traffic) or by its form: flow_form.h. */
enum traffic flow_traffic(const struct flow *f);
uint32_t flow_seq_next(const struct flow *f); /* of the next that is put */
const struct inspect_key *flow_key(const struct flow *f);
/* FLOW_SCOPE_BYTES of the tunnel's own, zero at first, aligned for anything. */
void *flow_scope(struct flow *f);

#endif

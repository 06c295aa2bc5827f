/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: puts the packets of flows that are spread over several paths in order again,
 * without waiting for what will not come. Pure.
 *
 * A path keeps the order, and the sender lets a flow's numbers rise on each path. So
 * what is missing below the highest number heard of every path of the flow was
 * lost, and what is below that watermark goes out. What the sender's queue dropped
 * is said (skip). A timer is for a path that fell silent only. What comes late is
 * delivered late, what comes twice once.
 */
#ifndef AGG_TRANSPORT_MERGE_H
#define AGG_TRANSPORT_MERGE_H

#include "tun/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define MERGE_SLOTS 1024u        /* flows in order at once; a power of two */
#define MERGE_PATHS 8u
/* Numbers of a flow, a power of two: those of 100 ms at 200 Mbit/s. */
#define MERGE_WINDOW 2048u
#define MERGE_FLOW_BYTES (2u << 20)
#define MERGE_SILENT_US 100000u  /* then a path is waited for no longer, */
#define MERGE_HOLD_US 100000u    /* and nothing is held longer than this */
#define MERGE_REST_US 2000000u   /* a slot is free so long after its last packet */

struct merge;

struct merge_ops {
	void (*deliver)(void *ctx, struct packet *p); /* ownership passes */
};

struct merge_stats {
	uint64_t in_order, late, twice; /* packets */
	uint64_t missed;                /* numbers that never came, as far as known */
	uint64_t held_packets, held_bytes;  /* now */
	uint32_t flows;
};

/* What came with a packet (struct datagram_ordered). The slot's high bits are its
 * generation. paths 0: copies of one flow, delivered at once, the first of each. */
struct merge_order {
	uint16_t slot, sequence;
	uint8_t skip, paths;
};

/* bytes_max: of packets held, of all flows. budget: borrowed, of its tables; NULL: none.
 * NULL: -ENOMEM. */
struct merge *merge_create(uint64_t bytes_max, struct budget *budget,
                           const struct merge_ops *ops, void *ctx);
void merge_destroy(struct merge *m); /* what is held is given back */

/* A packet came on that path; it is delivered now or later, or given back. */
void merge_put(struct merge *m, const struct merge_order *order, unsigned path,
               struct packet *p, uint64_t now_us);
/* That path is waited for no longer. */
void merge_forget_path(struct merge *m, unsigned path, uint64_t now_us);
/* When merge_turn() has something to do; UINT64_MAX: never. */
uint64_t merge_next_us(const struct merge *m);
void merge_turn(struct merge *m, uint64_t now_us);
void merge_stats(const struct merge *m, struct merge_stats *out);

#endif

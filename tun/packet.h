/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an IP packet on its way through the tunnel, in a buffer of a pool. There
 * is room before it for the datagram's header and behind it for its tag, so that
 * it can be sealed where it lies. Buffers are of one size and come from slabs: no
 * allocation per packet, and no more of them than the pool may have. When all
 * are back, and were not needed of late, most of its memory is given back; a
 * pool that nobody uses any more is asked to by packet_pool_rest().
 *
 * A packet has one owner, and passes from one to the next by pointer: device,
 * queue, path, device. Whoever has it last gives it back (packet_put).
 */
#ifndef TUN_PACKET_H
#define TUN_PACKET_H

#include "agg/base/budget.h"

#include <stdint.h>

#define PACKET_SIZE 2048u    /* of a buffer, with all that is in struct packet */
#define PACKET_HEADROOM 64u  /* before a packet that the device read */
#define PACKET_TAILROOM 16u  /* behind it: an AEAD's tag */
#define PACKET_KEPT 64u      /* a pool has room for so many at least, once it had */
#define PACKET_META 48u      /* of struct packet, before its bytes */
#define PACKET_ROOM (PACKET_SIZE - PACKET_META)
#define PACKET_LEN_MAX (PACKET_ROOM - PACKET_HEADROOM - PACKET_TAILROOM)

/* How much a packet minds to wait; each more than the one before. */
enum traffic {
	TRAFFIC_UNTOLD,    /* by its DSCP, then */
	TRAFFIC_BULK,      /* yields */
	TRAFFIC_NORMAL,
	TRAFFIC_REALTIME,  /* calls, games: the best path, first in the queue */
	TRAFFIC_REDUNDANT, /* and a copy on the second best */
};

struct packet {
	struct packet *next, *prev; /* in a list of its owner's */
	struct packet_pool *pool;   /* borrowed */
	uint64_t since_us;          /* when it came into the flow queue */
	uint32_t flow_seq;          /* its number in its flow: 0, 1, 2 ... */
	uint16_t head, len;         /* the packet is bytes[head .. head + len) */
	uint8_t traffic;            /* enum traffic */
	uint8_t skip;               /* so many numbers just before it will never come */
	uint8_t reserved[2];
	uint32_t mark;              /* the owner's own */
	uint8_t bytes[PACKET_ROOM];
};
_Static_assert(sizeof(struct packet) == PACKET_SIZE || sizeof(void *) != 8,
               "PACKET_META is what comes before the bytes");

struct packet_pool;

/* At most `most` packets at once; a slab's memory is of the budget (NULL: none).
 * NULL: errno. */
struct packet_pool *packet_pool_create(unsigned most, struct budget *budget);
void packet_pool_destroy(struct packet_pool *pool); /* all packets are back */
unsigned packet_pool_used(const struct packet_pool *pool);
/* Once a second: what was needed is forgotten by an eighth, as long as none is used. */
void packet_pool_rest(struct packet_pool *pool);

/* An empty one: head is PACKET_HEADROOM, all else but bytes 0. NULL: there is none
 * left, or no memory for one. */
struct packet *packet_get(struct packet_pool *pool);
void packet_put(struct packet *p); /* to its pool; NULL is fine */

static inline uint8_t *packet_data(struct packet *p)
{
	return p->bytes + p->head;
}

#endif

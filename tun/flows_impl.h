/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what flows.c and flow_table.c share. See flows.h for what it is.
 */
#ifndef TUN_FLOWS_IMPL_H
#define TUN_FLOWS_IMPL_H

#include "tun/codel.h"
#include "tun/flow_form.h"
#include "tun/flows.h"

#include <stddef.h>

#define FLOW_WAYS 8u   /* places that a flow may have in the table */
#define HOST_SETS 16u  /* of FLOW_WAYS hosts */

enum { TIER_REALTIME, TIER_NORMAL, TIER_BULK, TIERS };

/* The old flows of a host, in a tier. */
struct flow_group {
	struct flow_group *next, *prev; /* flow_tier.groups, or .passed_groups */
	struct flow *flows;             /* flow.next, .prev */
	struct flow *passed;            /* likewise: not again in that turn */
	uint64_t passed_turn;           /* in which flows were passed over */
	uint64_t out_turn;              /* in which all were */
	int32_t deficit;                /* bytes */
};

/* A LAN host, as long as a flow of its is listed. */
struct flow_host {
	uint64_t tag;     /* hash of its address */
	uint32_t listed;  /* flows; 0: the place is free */
	uint32_t packets; /* queued */
	struct flow_group groups[TIERS];
};

/* Where a path takes its next packet: it took none that is numbered higher. */
struct flow_cursor {
	struct packet *at; /* the first numbered seq or higher; NULL: none yet */
	uint32_t seq;
	uint32_t before;   /* bytes that are queued before it */
};

enum flow_state { FLOW_IDLE, FLOW_NEW, FLOW_OLD };

struct flow {
	struct flow *next, *prev;   /* flow_tier.fresh or flow_group.flows, or passed */
	struct packet *head;        /* packet.next, .prev; owned */
	struct flow_host *host;     /* borrowed; while it is listed */
	uint64_t tag;               /* hash of the key; 0: the place is free */
	int32_t deficit;            /* bytes */
	uint64_t passed_turn;       /* the turn in which it was passed over */
	uint64_t busy_since_us, last_us;
	uint32_t packets, bytes;    /* queued */
	uint32_t seq_next;          /* of the next that is put */
	uint32_t dropped_end, dropped_run; /* behind the last that was dropped; how many up to it */
	uint32_t cursors;           /* a bit each: which are used */
	uint8_t state;              /* enum flow_state */
	uint8_t told;               /* enum traffic: what its packets say */
	uint8_t traffic;            /* and its form with it: in that tier it is listed */
	struct flow_tuning tuning;
	struct codel codel;
	struct flow_form form;
	struct inspect_key key;
	struct flow_cursor cursor[FLOWS_PATHS_MAX];
	_Alignas(max_align_t) uint8_t scope[FLOW_SCOPE_BYTES];
};

struct flow_tier {
	struct flow *fresh;        /* the new ones: flow.next, .prev */
	struct flow *passed_fresh; /* likewise: not again in this turn */
	struct flow_group *groups; /* that have flows: flow_group.next, .prev */
	struct flow_group *passed_groups; /* likewise */
	uint64_t packets;
};

struct flows {
	struct flows_args args;
	struct flows_stats stats;
	struct flow_tier tiers[TIERS];
	struct flow_host *hosts;    /* [HOST_SETS * FLOW_WAYS]; NULL: none yet */
	struct flow **sets;         /* [args.table / FLOW_WAYS] of FLOW_WAYS, or NULL */
	uint64_t turn;
	uint64_t put_us;            /* when the last packet was put */
	int32_t realtime_credit;    /* bytes that real time may have before others */
	int32_t bulk_credit;        /* bytes that others had before bulk */
	struct flow_host spare_host; /* of all, where there is no memory */
	struct flow spare;          /* likewise */
};

/* The flow of that key; its place is another's where it must, and where there is no
 * memory it is the spare one. */
struct flow *flow_table_get(struct flows *fs, const struct inspect_key *key,
                            uint64_t now_us);
struct flow *flow_table_find(struct flows *fs, const struct inspect_key *key);
/* The host of a flow that is being listed. */
struct flow_host *flow_table_host(struct flows *fs, const struct flow *f);
/* That of which most is queued, by its host and then by itself; NULL: none. */
struct flow *flow_table_longest(struct flows *fs);
void flow_table_finish(struct flows *fs); /* none is listed */

#endif

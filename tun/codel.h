/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: controlled delay (RFC 8289): how long a queue may stand. Decides packet
 * by packet, at the head. Pure.
 */
#ifndef TUN_CODEL_H
#define TUN_CODEL_H

#include <stdbool.h>
#include <stdint.h>

#define CODEL_MEMORY 16u /* intervals: the pace of drops is taken up again */

struct codel_rule {
	uint32_t target_us, interval_us;
	uint32_t mtu; /* with no more than that behind it, a packet always passes */
};

/* All 0 at first. */
struct codel {
	uint64_t above_us;     /* when an interval above target ends; 0: below */
	uint64_t drop_next_us;
	uint32_t count;        /* drops since it began to drop */
	uint32_t last_count;   /* at its last beginning */
	bool dropping, entered;
	uint8_t after;         /* what came before: codel.c */
};

/* The head has waited so long, and backlog_bytes are queued behind it. True: it is
 * to be dropped, or marked; then one of the two that follow is called. */
bool codel_hits(struct codel *c, const struct codel_rule *rule, uint64_t waited_us,
                uint64_t backlog_bytes, uint64_t now_us);
void codel_dropped(struct codel *c);
void codel_marked(struct codel *c, const struct codel_rule *rule);
/* The queue is empty. */
void codel_emptied(struct codel *c);
/* So many were dropped by somebody else, for want of memory. */
void codel_overflowed(struct codel *c, uint32_t packets);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one direction of a simulated path: a drop-tail queue, a line of a rate
 * that is fixed or recorded, and the way behind it (delay, jitter that keeps
 * the order, loss by chance). The rules are those of the lab's emulator
 * (tests/lab/shaper.c), so that the two can be compared.
 *
 * As the queue is first in, first out, and the rate to come is known, a frame
 * that enters has its whole way told: no event is needed when it leaves the
 * queue, and the link is one event, the next arrival.
 */
#ifndef SCHEDULER_SIM_LINK_H
#define SCHEDULER_SIM_LINK_H

#include "agg/base/rand.h"
#include "scheduler/sim/event.h"
#include "scheduler/sim/world.h"

#define LINK_FRAMES_MAX (1u << 17) /* waiting and under way, as in the lab */
#define LINK_SACKS 3u              /* blocks beside a timestamp: RFC 2018 */

enum { /* link_frame.flags */
	LINK_DATA = 1,
	LINK_PUSHED = 2,   /* a segment shorter than the others */
	LINK_DOUBLE = 4,   /* the receiver had it already: D-SACK */
	LINK_LOST = 8,     /* by chance, behind the queue */
};

/* What a frame says: a segment, an acknowledgement, or both. */
struct link_frame {
	uint64_t due_ns, left_ns;  /* at the other end; out of the queue */
	void *to;                  /* borrowed: for on_frame */
	uint32_t segment;          /* its number; without LINK_DATA the next one's */
	uint32_t stamp_ms, echo_ms; /* RFC 7323: when it was sent; 0: nothing yet */
	uint32_t acked;            /* all segments below arrived, */
	uint32_t window;           /* and so many bytes behind them may */
	uint32_t sacks[LINK_SACKS][2]; /* from, to before */
	uint16_t bytes;            /* on the line */
	uint8_t sack_count, flags;
};

struct link {
	struct world_link args;
	struct events *events;     /* borrowed */
	void (*on_frame)(const struct link_frame *frame);
	/* Frames go there instead: then it is no link, and nothing else of it is used. */
	void (*divert)(void *ctx, const struct link_frame *frame);
	void *divert_ctx;
	struct rand rand;
	struct event arrival;
	struct link_frame *ring;   /* a power of two */
	uint32_t cap;
	uint32_t head, left, tail; /* arrives next; leaves the queue next; free */
	uint64_t queued_bytes, line_free_ns, last_due_ns;
	bool cut, losing;
	/* Where in the trace the line is. */
	uint64_t start_ns;         /* time 0 of the trace; losses begin */
	uint64_t cycle_ns;         /* the start of this round of it */
	size_t step;
	uint64_t delivered_bytes, lost_frames, lost_bytes, entered_bytes;
};

/* args are copied, but the trace is borrowed. Until start_us it loses nothing
 * by chance, and has the best rate of its trace. -ENOMEM. */
int link_init(struct link *link, const struct world_link *args,
              struct events *events, uint64_t seed, uint64_t start_us,
              void (*on_frame)(const struct link_frame *frame));
void link_finish(struct link *link);
/* What is wrong with args; NULL: nothing. */
const char *link_check(const struct world_link *args);

/* A frame enters, if there is room; it is copied. */
void link_push(struct link *link, const struct link_frame *frame);
/* Everything in it is lost, and what enters until it is undone. */
void link_cut(struct link *link, bool cut);
void link_state(const struct link *link, struct world_link_state *out);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one direction of an emulated link: a drop-tail queue, a line of a
 * given rate, and the way (delay, jitter, loss) behind it. Pure: frames and
 * now_ns go in, frames come out when they are due.
 *
 * The line works in virtual time: a frame starts when the one before it was
 * through, not when somebody woke up, so late calls never cost rate. now_ns
 * must not go back between calls.
 */
#ifndef TESTS_LAB_SHAPER_H
#define TESTS_LAB_SHAPER_H

#include "agg/base/rand.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPER_FCS_LEN 4          /* on the line, but not in the frame */
#define SHAPER_FRAME_MIN 64       /* on the line, FCS and padding included */
#define SHAPER_QUEUE_BYTES_MIN (2 * 1518) /* a queue holds at least this */
#define SHAPER_PACKETS_MAX 131072 /* waiting and under way, one direction */

struct shaper_config {
	uint64_t rate_bits;  /* per second, of whole frames with FCS; 0: no limit */
	uint64_t delay_ns;   /* one way */
	uint64_t jitter_ns;  /* 0 .. this much more, each frame anew, order kept */
	uint64_t queue_ns;   /* the queue's length: this long at rate_bits */
	uint32_t loss_ppm;   /* of the frames that were sent on the line */
	uint32_t burst;      /* mean frames in a row that are lost; 0, 1: at random */
	bool cut;            /* frames vanish, those under way too */
};

struct shaper_counters {
	uint64_t delivered, delivered_bytes; /* frame bytes without FCS */
	uint64_t dropped_queue, dropped_loss, dropped_cut;
};

/* A frame that is due; the taker frees it with free(). */
struct shaper_packet {
	struct shaper_packet *next;
	uint64_t due_ns;
	uint32_t len;
	uint8_t frame[];
};

struct shaper_fifo {
	struct shaper_packet *first, **end;
};

struct shaper {
	struct shaper_config config; /* change it with shaper_configure() */
	struct shaper_counters counters;
	uint64_t queued_bytes;       /* on the line's measure, with FCS */
	/* private state */
	struct shaper_fifo waiting;  /* the first is on the line */
	struct shaper_fifo flying;
	unsigned packets;
	uint64_t line_done_ns;       /* when the last frame was, or the first is */
	uint64_t last_due_ns;
	bool losing;                 /* in a burst of losses */
	struct rand rand;
};

void shaper_init(struct shaper *s, const struct shaper_config *config,
                 uint64_t seed);
void shaper_finish(struct shaper *s); /* frees every frame inside */

/* New values from now on. What is on the line stays as it was; a cut empties
 * the queue and the way. */
void shaper_configure(struct shaper *s, const struct shaper_config *config,
                      uint64_t now_ns);

/* A frame arrives; it is copied, or counted as dropped. */
void shaper_push(struct shaper *s, const void *frame, size_t len,
                 uint64_t now_ns);
/* A frame that is due at now_ns, in order; NULL: none is. */
struct shaper_packet *shaper_pop(struct shaper *s, uint64_t now_ns);
/* No frame is due before; UINT64_MAX: nothing is inside. */
uint64_t shaper_next_ns(const struct shaper *s);

#endif

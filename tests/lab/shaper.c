/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: shaper.c - queue, line and way of one direction of a link. A frame
 * waits in the queue until the line is free, is on the line for its length
 * over the rate, may be lost behind it, and is due after delay and jitter.
 * Losses in bursts follow Gilbert (1960): a state in which every frame is
 * lost, left with probability 1/burst, entered so that the mean is loss_ppm.
 */
#include "tests/lab/shaper.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000u
#define PPM 1000000u

static void fifo_init(struct shaper_fifo *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void fifo_put(struct shaper_fifo *q, struct shaper_packet *p)
{
	p->next = NULL;
	*q->end = p;
	q->end = &p->next;
}

static struct shaper_packet *fifo_take(struct shaper_fifo *q)
{
	struct shaper_packet *p = q->first;

	q->first = p->next;
	if (!q->first)
		q->end = &q->first;
	return p;
}

static uint64_t line_bytes(size_t frame_len)
{
	size_t len = frame_len + SHAPER_FCS_LEN;

	return len < SHAPER_FRAME_MIN ? SHAPER_FRAME_MIN : len;
}

static uint64_t queue_bytes_max(const struct shaper_config *c)
{
	uint64_t bytes;

	if (!c->rate_bits)
		return UINT64_MAX;
	bytes = (uint64_t)((double)c->rate_bits / 8 * (double)c->queue_ns / NS_PER_S);
	return bytes < SHAPER_QUEUE_BYTES_MIN ? SHAPER_QUEUE_BYTES_MIN : bytes;
}

/* The first of the queue goes on the line at start_ns. */
static void line_start(struct shaper *s, uint64_t start_ns)
{
	uint64_t bits = line_bytes(s->waiting.first->len) * 8;

	s->line_done_ns = start_ns;
	if (s->config.rate_bits)
		s->line_done_ns += bits * NS_PER_S / s->config.rate_bits;
}

static bool draw(struct shaper *s, double probability)
{
	return rand_unit(&s->rand) < probability;
}

static bool draw_loss(struct shaper *s)
{
	double loss = (double)s->config.loss_ppm / PPM;
	double leave;

	if (s->config.loss_ppm == 0 || s->config.loss_ppm >= PPM)
		return s->config.loss_ppm != 0;
	if (s->config.burst <= 1)
		return draw(s, loss);
	leave = 1.0 / s->config.burst;
	s->losing = s->losing ? !draw(s, leave) : draw(s, leave * loss / (1 - loss));
	return s->losing;
}

static void way_enter(struct shaper *s, struct shaper_packet *p)
{
	uint64_t due_ns = s->line_done_ns + s->config.delay_ns;

	if (draw_loss(s)) {
		s->counters.dropped_loss++;
		s->packets--;
		free(p);
		return;
	}
	if (s->config.jitter_ns)
		due_ns += rand_below(&s->rand, s->config.jitter_ns + 1);
	p->due_ns = due_ns > s->last_due_ns ? due_ns : s->last_due_ns;
	s->last_due_ns = p->due_ns;
	fifo_put(&s->flying, p);
}

static void advance(struct shaper *s, uint64_t now_ns)
{
	while (s->waiting.first && s->line_done_ns <= now_ns) {
		struct shaper_packet *p = fifo_take(&s->waiting);

		s->queued_bytes -= line_bytes(p->len);
		way_enter(s, p);
		if (s->waiting.first)
			line_start(s, s->line_done_ns);
	}
}

static unsigned fifo_empty(struct shaper_fifo *q)
{
	unsigned n = 0;

	for (; q->first; n++)
		free(fifo_take(q));
	return n;
}

static void lose_all(struct shaper *s)
{
	s->counters.dropped_cut += fifo_empty(&s->waiting);
	s->counters.dropped_cut += fifo_empty(&s->flying);
	s->queued_bytes = 0;
	s->packets = 0;
	s->last_due_ns = 0;
	s->line_done_ns = 0;
}

void shaper_init(struct shaper *s, const struct shaper_config *config,
                 uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->rand.state = seed;
	fifo_init(&s->waiting);
	fifo_init(&s->flying);
}

void shaper_finish(struct shaper *s)
{
	fifo_empty(&s->waiting);
	fifo_empty(&s->flying);
}

void shaper_configure(struct shaper *s, const struct shaper_config *config,
                      uint64_t now_ns)
{
	advance(s, now_ns);
	s->config = *config;
	if (s->config.cut)
		lose_all(s);
}

void shaper_push(struct shaper *s, const void *frame, size_t len,
                 uint64_t now_ns)
{
	struct shaper_packet *p;
	uint64_t bytes = line_bytes(len);

	advance(s, now_ns);
	if (s->config.cut) {
		s->counters.dropped_cut++;
		return;
	}
	if (s->packets >= SHAPER_PACKETS_MAX ||
	    s->queued_bytes + bytes > queue_bytes_max(&s->config) ||
	    !(p = malloc(sizeof(*p) + len))) {
		s->counters.dropped_queue++;
		return;
	}
	memcpy(p->frame, frame, len);
	p->len = (uint32_t)len;
	s->packets++;
	s->queued_bytes += bytes;
	fifo_put(&s->waiting, p);
	if (s->waiting.first == p)
		line_start(s, s->line_done_ns > now_ns ? s->line_done_ns : now_ns);
}

struct shaper_packet *shaper_pop(struct shaper *s, uint64_t now_ns)
{
	struct shaper_packet *p = s->flying.first;

	if (!p || p->due_ns > now_ns) {
		advance(s, now_ns);
		p = s->flying.first;
	}
	if (!p || p->due_ns > now_ns)
		return NULL;
	fifo_take(&s->flying);
	s->packets--;
	s->counters.delivered++;
	s->counters.delivered_bytes += p->len;
	return p;
}

uint64_t shaper_next_ns(const struct shaper *s)
{
	if (s->flying.first)
		return s->flying.first->due_ns;
	if (s->waiting.first)
		return s->line_done_ns + s->config.delay_ns;
	return UINT64_MAX;
}

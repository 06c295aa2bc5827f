/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see link.h. A ring of frames in the order of their entry: those that
 * have left the queue are [head, left), those in it [left, tail). Bursts of
 * losses follow Gilbert (1960) as in the lab.
 */
#include "scheduler/sim/link.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_US 1000u
#define PPM 1000000u
#define CAP_MIN 256u
#define QUEUE_MIN (2u * 1518u) /* a queue holds at least this, as in the lab */

const char *link_check(const struct world_link *args)
{
	const struct world_trace *trace = &args->trace;
	uint64_t most = 0;

	if (args->loss_ppm > PPM)
		return "loss: 0 to 1000000 ppm";
	if (!trace->count)
		return args->rate_bps ? NULL : "rate: above 0";
	for (size_t i = 0; i < trace->count; i++) {
		if (i && trace->rates[i].at_us <= trace->rates[i - 1].at_us)
			return "trace: times that grow";
		if (trace->rates[i].rate_bps > most)
			most = trace->rates[i].rate_bps;
	}
	if (!most)
		return "trace: a rate above 0 somewhere";
	if (trace->period_us <= trace->rates[trace->count - 1].at_us -
	                        trace->rates[0].at_us)
		return "trace: a period that is longer than its times";
	return NULL;
}

static void on_arrival(void *ctx);

int link_init(struct link *link, const struct world_link *args,
              struct events *events, uint64_t seed, uint64_t start_us,
              void (*on_frame)(const struct link_frame *frame))
{
	*link = (struct link){
		.args = *args, .events = events, .on_frame = on_frame,
		.rand.state = seed, .cap = CAP_MIN,
		.start_ns = start_us * NS_PER_US,
		.cycle_ns = start_us * NS_PER_US,
	};
	if (link->args.queue_bytes < QUEUE_MIN)
		link->args.queue_bytes = QUEUE_MIN;
	for (size_t i = 0; i < args->trace.count; i++)
		if (args->trace.rates[i].rate_bps > link->args.rate_bps)
			link->args.rate_bps = args->trace.rates[i].rate_bps;
	event_init(&link->arrival, on_arrival, link);
	link->ring = malloc(link->cap * sizeof(*link->ring));
	return link->ring ? 0 : -ENOMEM;
}

void link_finish(struct link *link)
{
	free(link->ring);
	link->ring = NULL;
}

static struct link_frame *frame_at(const struct link *link, uint32_t i)
{
	return &link->ring[i & (link->cap - 1)];
}

static bool grow(struct link *link)
{
	uint32_t cap = link->cap * 2;
	struct link_frame *ring = cap <= LINK_FRAMES_MAX ?
		malloc(cap * sizeof(*ring)) : NULL;

	if (!ring)
		return false;
	for (uint32_t i = link->head; i != link->tail; i++)
		ring[i & (cap - 1)] = *frame_at(link, i);
	free(link->ring);
	link->ring = ring;
	link->cap = cap;
	return true;
}

/* The line ------------------------------------------------------------- */

static uint64_t step_at_ns(const struct link *link, size_t step)
{
	return link->cycle_ns + link->args.trace.rates[step].at_us * NS_PER_US;
}

/* When the step after this one begins. */
static uint64_t step_end_ns(const struct link *link)
{
	const struct world_trace *trace = &link->args.trace;

	if (link->step + 1 < trace->count)
		return step_at_ns(link, link->step + 1);
	return step_at_ns(link, 0) + trace->period_us * NS_PER_US;
}

static void next_step(struct link *link)
{
	if (++link->step < link->args.trace.count)
		return;
	link->step = 0;
	link->cycle_ns += link->args.trace.period_us * NS_PER_US;
}

/* Before the first time of a trace it is as at its end. */
static uint64_t rate_before(const struct world_trace *trace, size_t step)
{
	return trace->rates[step ? step - 1 : trace->count - 1].rate_bps;
}

/* When the line, beginning at at_ns, has sent so many bytes. */
static uint64_t line_done_ns(struct link *link, uint64_t at_ns, uint64_t bytes)
{
	const struct world_trace *trace = &link->args.trace;
	uint64_t scaled = bytes * NS_PER_S;

	if (!trace->count || at_ns < link->start_ns)
		return at_ns + scaled / link->args.rate_bps;
	while (step_end_ns(link) <= at_ns)
		next_step(link);
	for (;;) {
		bool before = at_ns < step_at_ns(link, link->step);
		uint64_t end = before ? step_at_ns(link, link->step)
		                      : step_end_ns(link);
		uint64_t rate = before ? rate_before(trace, link->step)
		                       : trace->rates[link->step].rate_bps;
		if (rate && scaled / rate <= end - at_ns)
			return at_ns + scaled / rate;
		scaled -= rate * (end - at_ns);
		at_ns = end;
		if (!before)
			next_step(link);
	}
}

/* The line may be ahead of the time: this looks from the start. */
static uint64_t rate_now(const struct link *link)
{
	const struct world_trace *trace = &link->args.trace;
	uint64_t first_us, at_us, n = trace->count;

	if (!n || link->events->now_ns < link->start_ns)
		return link->args.rate_bps;
	first_us = trace->rates[0].at_us;
	at_us = (link->events->now_ns - link->start_ns) / NS_PER_US;
	if (at_us >= first_us + trace->period_us)
		at_us = first_us + (at_us - first_us) % trace->period_us;
	while (n && trace->rates[n - 1].at_us > at_us)
		n--;
	return n ? trace->rates[n - 1].rate_bps : rate_before(trace, 0);
}

/* Frames in and out ---------------------------------------------------- */

/* What has left the queue by now. */
static void advance(struct link *link)
{
	while (link->left != link->tail) {
		const struct link_frame *frame = frame_at(link, link->left);
		if (frame->left_ns > link->events->now_ns)
			break;
		link->queued_bytes -= frame->bytes;
		link->left++;
		link->events->count++;
	}
}

static bool draw(struct link *link, double probability)
{
	return rand_unit(&link->rand) < probability;
}

static bool draw_loss(struct link *link)
{
	double loss = (double)link->args.loss_ppm / PPM;

	if (link->events->now_ns < link->start_ns || link->args.loss_ppm == 0)
		return false;
	if (link->args.loss_ppm >= PPM)
		return true;
	if (link->args.loss_burst <= 1)
		return draw(link, loss);
	double leave = 1.0 / link->args.loss_burst;
	link->losing = link->losing ? !draw(link, leave)
	                            : draw(link, leave * loss / (1 - loss));
	return link->losing;
}

static uint64_t due_ns(struct link *link, uint64_t left_ns)
{
	uint64_t at = left_ns + link->args.delay_us * NS_PER_US;

	if (link->args.jitter_us)
		at += rand_below(&link->rand,
		                 link->args.jitter_us * NS_PER_US + 1);
	if (at < link->last_due_ns)
		at = link->last_due_ns;
	return link->last_due_ns = at;
}

void link_push(struct link *link, const struct link_frame *frame)
{
	if (link->divert) {
		link->divert(link->divert_ctx, frame);
		return;
	}
	uint64_t now = link->events->now_ns;
	advance(link);
	link->entered_bytes += frame->bytes;
	if (link->cut || link->queued_bytes + frame->bytes > link->args.queue_bytes ||
	    (link->tail - link->head == link->cap && !grow(link))) {
		link->lost_frames++;
		link->lost_bytes += frame->bytes;
		return;
	}
	struct link_frame *in = frame_at(link, link->tail);
	*in = *frame;
	link->line_free_ns = line_done_ns(link, link->line_free_ns > now ?
	                                  link->line_free_ns : now, in->bytes);
	in->left_ns = link->line_free_ns;
	if (draw_loss(link)) {
		in->flags |= LINK_LOST;
		in->due_ns = in->left_ns > link->last_due_ns ? in->left_ns
		                                             : link->last_due_ns;
	} else {
		in->due_ns = due_ns(link, in->left_ns);
	}
	link->queued_bytes += in->bytes;
	if (link->head == link->tail++)
		event_set(link->events, &link->arrival, in->due_ns);
}

static void on_arrival(void *ctx)
{
	struct link *link = ctx;
	struct link_frame frame = *frame_at(link, link->head);

	advance(link);
	link->head++;
	if (link->head != link->tail)
		event_set(link->events, &link->arrival,
		          frame_at(link, link->head)->due_ns);
	if (frame.flags & LINK_LOST) {
		link->lost_frames++;
		link->lost_bytes += frame.bytes;
		return;
	}
	link->delivered_bytes += frame.bytes;
	link->on_frame(&frame);
}

void link_cut(struct link *link, bool cut)
{
	link->cut = cut;
	if (!cut)
		return;
	for (; link->head != link->tail; link->head++) {
		link->lost_frames++;
		link->lost_bytes += frame_at(link, link->head)->bytes;
	}
	link->left = link->tail;
	link->queued_bytes = 0;
	link->line_free_ns = link->last_due_ns = 0;
	event_clear(link->events, &link->arrival);
}

void link_state(const struct link *link, struct world_link_state *out)
{
	*out = (struct world_link_state){
		.rate_bps = link->cut ? 0 : rate_now(link),
		.delivered_bytes = link->delivered_bytes,
		.lost_frames = link->lost_frames,
	};
	for (uint32_t i = link->head; i != link->tail; i++) {
		const struct link_frame *frame = frame_at(link, i);
		if (frame->left_ns > link->events->now_ns)
			out->queue_bytes += frame->bytes;
		else
			out->pipe_bytes += frame->bytes;
	}
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see fluid.h. Time goes in steps; in each, streams are offered in their
 * order until no path has room or all wait, as the session's pump does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scheduler/fluid.h"

#include <stdlib.h>

#define STEP_US 250u
#define STEPS_MAX 400000u
#define LOWAT_US 10000u
#define PIECE_US 5000u
#define PIECE_MAX 16384u
#define MSS 1400u
#define PIECES_MAX 65536u
#define SECOND_US 1000000u

struct piece {
	uint64_t bytes, acked_us;
};

/* What a path was given: pieces leave one behind the other. */
struct line {
	uint64_t free_us;
	uint64_t unacked_bytes;
	struct piece *pieces; /* a queue: head .. tail */
	unsigned head, tail;
};

struct flow {
	uint64_t left_bytes, sent_bytes, turn, passed_at;
	uint8_t scope[SCHED_SCOPE_BYTES_MAX];
};

struct run {
	struct fluid *f;
	uint64_t now_us, turns, round;
	uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];
	struct line lines[SCHED_PATHS_MAX];
	struct flow flows[FLUID_STREAMS_MAX];
	const struct order_ops *order;
};

static uint64_t at_least(uint64_t value, uint64_t min)
{
	return value > min ? value : min;
}

static uint64_t queued_bytes(const struct run *run, unsigned i)
{
	uint64_t free_us = run->lines[i].free_us;

	return free_us <= run->now_us ? 0 :
		(free_us - run->now_us) * run->f->paths[i].rate_bps / SECOND_US;
}

static void look(struct run *run, unsigned i, struct sched_path *out)
{
	const struct fluid_path *path = &run->f->paths[i];
	struct line *line = &run->lines[i];
	uint64_t lowat = at_least(path->rate_bps * LOWAT_US / SECOND_US, 4 * MSS);
	uint64_t queued = queued_bytes(run, i);

	while (line->head < line->tail &&
	       line->pieces[line->head].acked_us <= run->now_us)
		line->unacked_bytes -= line->pieces[line->head++].bytes;
	*out = (struct sched_path){
		.id = (uint8_t)i, .mss = MSS, .rate_bps = path->rate_bps,
		.srtt_us = 2 * path->delay_us, .min_rtt_us = 2 * path->delay_us,
		.cwnd_bytes = at_least(path->rate_bps * path->delay_us * 2 /
		                       SECOND_US, 2 * MSS),
		.backlog_bytes = line->unacked_bytes,
		.queued_bytes = queued,
		.inflight_bytes = line->unacked_bytes > queued ?
			line->unacked_bytes - queued : 0,
		.room_bytes = queued < lowat ? lowat - queued : 0,
	};
}

/* The stream that is to be offered next, or NULL: all done or passed over. */
static struct flow *next_flow(struct run *run)
{
	struct flow *best = NULL;
	uint64_t best_key = 0;

	for (unsigned k = 0; k < run->f->stream_count; k++) {
		struct flow *flow = &run->flows[k];
		struct order_stream is = {
			.burst = k, .sent_bytes = flow->sent_bytes,
			.pending_bytes = flow->left_bytes,
			.remaining_bytes = run->f->sizes_unknown ? SCHED_UNKNOWN
				: flow->left_bytes,
		};
		uint64_t key = run->order->key(&is);
		if (!flow->left_bytes || flow->passed_at == run->round)
			continue;
		if (!best || key < best_key ||
		    (key == best_key && flow->turn < best->turn)) {
			best = flow;
			best_key = key;
		}
	}
	return best;
}

static void commit(struct run *run, struct flow *flow, unsigned i,
                   uint64_t bytes)
{
	struct fluid *f = run->f;
	struct line *line = &run->lines[i];
	struct sched_event sent = { .type = SCHED_EV_SENT, .path = (uint8_t)i,
	                            .bytes = bytes, .now_us = run->now_us };
	uint64_t left_us = at_least(line->free_us, run->now_us) +
	                   bytes * SECOND_US / f->paths[i].rate_bps;
	uint64_t there_us = left_us + f->paths[i].delay_us;
	uint64_t *done_us = &f->done_us[flow - run->flows];

	assert_true(line->tail < PIECES_MAX);
	line->pieces[line->tail++] = (struct piece){
		bytes, there_us + f->paths[i].delay_us };
	line->free_us = left_us;
	line->unacked_bytes += bytes;
	f->path_bytes[i] += bytes;
	*done_us = at_least(*done_us, there_us);
	if (f->ops->event)
		f->ops->event(run->instance, &sent);
}

static void send(struct run *run, struct flow *flow, uint32_t mask)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < run->f->path_count; i++) {
		uint64_t piece = at_least(run->f->paths[i].rate_bps * PIECE_US /
		                          SECOND_US, 2 * MSS);
		if (!(mask & 1u << i))
			continue;
		if (!bytes)
			bytes = piece < PIECE_MAX ? piece : PIECE_MAX;
		if (bytes > flow->left_bytes)
			bytes = flow->left_bytes;
		commit(run, flow, i, bytes);
	}
	flow->left_bytes -= bytes;
	flow->sent_bytes += bytes;
	flow->turn = ++run->turns;
}

/* Everything that goes out now; false when all is sent. */
static bool pump(struct run *run)
{
	struct fluid *f = run->f;
	struct sched_path paths[SCHED_PATHS_MAX];
	struct flow *flow;
	uint64_t ahead = 0, queued = 0;
	bool room = true;

	run->round++;
	for (unsigned k = 0; k < f->stream_count; k++)
		queued += run->flows[k].left_bytes;
	while (room && (flow = next_flow(run))) {
		struct sched_decision got = { 0 };
		struct sched_unit unit = {
			.len_bytes = PIECE_MAX,
			.remaining_bytes = f->sizes_unknown ? SCHED_UNKNOWN
			                                    : flow->left_bytes,
			.sent_bytes = flow->sent_bytes,
			.pending_bytes = flow->left_bytes,
			.left_bytes = flow->left_bytes,
			.ahead_bytes = ahead,
			.queued_bytes = run->order->in_turn ? queued
				: ahead + flow->left_bytes,
			.window_bytes = UINT64_C(1) << 30,
		};
		struct sched_view view = { run->now_us, paths, f->path_count,
		                           &unit };
		room = false;
		for (unsigned i = 0; i < f->path_count; i++) {
			look(run, i, &paths[i]);
			room |= paths[i].room_bytes > 0;
		}
		if (!room)
			break;
		f->ops->pick(run->instance, flow->scope, &view, &got);
		if (got.verdict == SCHED_SEND) {
			uint64_t before = flow->left_bytes;
			send(run, flow, got.mask);
			queued -= before - flow->left_bytes;
		} else {
			flow->passed_at = run->round;
			ahead += order_left(unit.remaining_bytes,
			                    unit.sent_bytes, unit.pending_bytes);
		}
	}
	return queued > 0;
}

void fluid_run(struct fluid *f)
{
	struct run *run = calloc(1, sizeof(*run));
	unsigned steps = 0;

	assert_non_null(run);
	run->f = f;
	run->order = order_find(f->order ? f->order : f->ops->order);
	run->now_us = SECOND_US;
	for (unsigned i = 0; i < f->path_count; i++) {
		run->lines[i].pieces = calloc(PIECES_MAX, sizeof(struct piece));
		assert_non_null(run->lines[i].pieces);
		f->path_bytes[i] = 0;
	}
	for (unsigned k = 0; k < f->stream_count; k++) {
		run->flows[k].left_bytes = f->sizes[k];
		f->done_us[k] = 0;
	}
	for (; pump(run) && steps < STEPS_MAX; steps++)
		run->now_us += STEP_US;
	assert_true(steps < STEPS_MAX);
	for (unsigned k = 0; k < f->stream_count; k++)
		f->done_us[k] -= SECOND_US;
	for (unsigned i = 0; i < f->path_count; i++)
		free(run->lines[i].pieces);
	free(run);
}

uint64_t fluid_mean_us(const struct fluid *f)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < f->stream_count; k++)
		sum += f->done_us[k];
	return sum / f->stream_count;
}

/* What can be there by then, at most. */
static uint64_t capacity(const struct fluid *f, uint64_t us)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < f->path_count; i++)
		if (us > f->paths[i].delay_us)
			bytes += (us - f->paths[i].delay_us) *
			         f->paths[i].rate_bps / SECOND_US;
	return bytes;
}

uint64_t fluid_bound_us(const struct fluid *f, uint64_t bytes)
{
	uint64_t least = 0, most = UINT64_C(100) * SECOND_US;

	while (least < most) {
		uint64_t middle = (least + most) / 2;
		if (capacity(f, middle) >= bytes)
			most = middle;
		else
			least = middle + 1;
	}
	return most;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t fluid_mean_bound_us(const struct fluid *f)
{
	struct fluid sorted = *f;
	uint64_t bytes = 0, sum = 0;

	qsort(sorted.sizes, f->stream_count, sizeof(sorted.sizes[0]), by_size);
	for (unsigned k = 0; k < f->stream_count; k++) {
		bytes += sorted.sizes[k];
		sum += fluid_bound_us(f, bytes);
	}
	return sum / f->stream_count;
}

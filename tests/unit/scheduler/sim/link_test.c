/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * A link: queue, rate, delay, jitter, loss, cut, trace, and that no byte gets
 * lost without being counted.
 */
#include "scheduler/sim/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define FRAME 1250u        /* a millisecond at 10 Mbit/s */
#define RATE 1250000u      /* bytes/s */
#define MS UINT64_C(1000000)
#define FRAMES_MAX 20000u

struct bench {
	struct events events;
	struct link link;
	uint64_t at_ns[FRAMES_MAX];
	uint32_t segment[FRAMES_MAX];
	unsigned arrived;
};

static void on_frame(const struct link_frame *frame)
{
	struct bench *b = frame->to;

	assert_true(b->arrived < FRAMES_MAX);
	assert_int_equal(b->events.now_ns, frame->due_ns);
	b->at_ns[b->arrived] = b->events.now_ns;
	b->segment[b->arrived++] = frame->segment;
}

static void start(struct bench *b, const struct world_link *args)
{
	memset(b, 0, sizeof(*b));
	assert_null(link_check(args));
	events_init(&b->events, 0);
	assert_int_equal(events_reserve(&b->events, 1), 0);
	assert_int_equal(link_init(&b->link, args, &b->events, 1, 0, on_frame), 0);
}

static void push(struct bench *b, unsigned n)
{
	struct link_frame frame = { .to = b, .bytes = FRAME };

	for (unsigned i = 0; i < n; i++, frame.segment++)
		link_push(&b->link, &frame);
}

static void run(struct bench *b, uint64_t until_ns)
{
	while (events_next_ns(&b->events) <= until_ns)
		events_step(&b->events);
	b->events.now_ns = until_ns;
}

static void finish(struct bench *b)
{
	struct world_link_state state;

	link_state(&b->link, &state);
	assert_int_equal(b->link.entered_bytes, state.delivered_bytes +
	                 b->link.lost_bytes + state.queue_bytes +
	                 state.pipe_bytes);
	assert_int_equal(state.delivered_bytes, (uint64_t)b->arrived * FRAME);
	link_finish(&b->link);
	events_finish(&b->events);
}

static void test_rate_and_delay(void **state)
{
	struct world_link args = { .rate_bps = RATE, .delay_us = 20000,
	                           .queue_bytes = 100 * FRAME };
	struct world_link_state seen;
	struct bench b;

	start(&b, &args);
	push(&b, 10);
	run(&b, 5 * MS + 1);
	link_state(&b.link, &seen);
	assert_int_equal(seen.queue_bytes, 5 * FRAME);
	assert_int_equal(seen.pipe_bytes, 5 * FRAME);
	assert_int_equal(seen.rate_bps, RATE);
	run(&b, 100 * MS);
	assert_int_equal(b.arrived, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(b.at_ns[i], (i + 1) * MS + 20 * MS);
		assert_int_equal(b.segment[i], i);
	}
	finish(&b);
}

static void test_queue_drops_its_tail(void **state)
{
	struct world_link args = { .rate_bps = RATE, .delay_us = 1000,
	                           .queue_bytes = 4 * FRAME };
	struct bench b;

	start(&b, &args);
	push(&b, 10); /* 0 to 3 stay */
	assert_int_equal(b.link.lost_frames, 6);
	run(&b, 2 * MS); /* two have left */
	push(&b, 3);
	assert_int_equal(b.link.lost_frames, 7);
	run(&b, 100 * MS);
	assert_int_equal(b.arrived, 6);
	assert_int_equal(b.segment[3], 3);
	assert_int_equal(b.segment[5], 1);
	finish(&b);
}

static void test_jitter_keeps_the_order(void **state)
{
	struct world_link args = { .rate_bps = RATE, .delay_us = 10000,
	                           .jitter_us = 8000,
	                           .queue_bytes = 1000 * FRAME };
	struct bench b;
	bool late = false;

	start(&b, &args);
	push(&b, 500);
	run(&b, 1000 * MS);
	assert_int_equal(b.arrived, 500);
	for (unsigned i = 0; i < 500; i++) {
		uint64_t least = (i + 1) * MS + 10 * MS;
		assert_int_equal(b.segment[i], i);
		assert_true(b.at_ns[i] >= least);
		assert_true(b.at_ns[i] <= least + 8 * MS);
		late |= b.at_ns[i] > least + 4 * MS;
	}
	assert_true(late);
	finish(&b);
}

static unsigned runs_of_losses(const struct bench *b)
{
	unsigned runs = 0;

	for (unsigned i = 1; i < b->arrived; i++)
		runs += b->segment[i] != b->segment[i - 1] + 1;
	return runs;
}

static void lose(uint32_t burst, double *share, double *length)
{
	struct world_link args = { .rate_bps = RATE, .loss_ppm = 50000,
	                           .loss_burst = burst,
	                           .queue_bytes = FRAMES_MAX * FRAME };
	struct bench b;

	start(&b, &args);
	push(&b, FRAMES_MAX);
	run(&b, FRAMES_MAX * MS + MS);
	*share = (double)b.link.lost_frames / FRAMES_MAX;
	*length = (double)b.link.lost_frames / runs_of_losses(&b);
	finish(&b);
}

static void test_loss_by_chance(void **state)
{
	double share, length;

	lose(1, &share, &length);
	assert_true(share > 0.04 && share < 0.06);
	assert_true(length < 1.2);
	lose(5, &share, &length);
	assert_true(share > 0.035 && share < 0.065);
	assert_true(length > 4 && length < 6.5);
}

static void test_nothing_lost_before_the_start(void **state)
{
	struct world_link args = { .rate_bps = RATE, .loss_ppm = 1000000,
	                           .queue_bytes = 100 * FRAME };
	struct bench b = { 0 };

	events_init(&b.events, 0);
	assert_int_equal(events_reserve(&b.events, 1), 0);
	assert_int_equal(link_init(&b.link, &args, &b.events, 1, 50000, on_frame), 0);
	push(&b, 10);
	run(&b, 50 * MS);
	assert_int_equal(b.arrived, 10);
	push(&b, 10);
	run(&b, 100 * MS);
	assert_int_equal(b.arrived, 10);
	finish(&b);
}

static void test_cut(void **state)
{
	struct world_link args = { .rate_bps = RATE, .delay_us = 5000,
	                           .queue_bytes = 100 * FRAME };
	struct bench b;

	start(&b, &args);
	push(&b, 10);
	run(&b, 7 * MS + 1); /* two are there */
	link_cut(&b.link, true);
	push(&b, 5);
	run(&b, 100 * MS);
	assert_int_equal(b.arrived, 2);
	assert_int_equal(b.link.lost_frames, 13);
	link_cut(&b.link, false);
	push(&b, 1);
	run(&b, 200 * MS);
	assert_int_equal(b.arrived, 3);
	assert_int_equal(b.at_ns[2], 106 * MS);
	finish(&b);
}

static void test_trace_is_followed(void **state)
{
	static const struct world_rate rates[] = {
		{ 10000, RATE }, { 20000, 0 }, { 30000, 2 * RATE },
	};
	struct world_link args = {
		.queue_bytes = 1000 * FRAME,
		.trace = { .rates = rates, .count = 3, .period_us = 40000 },
	};
	struct bench b;

	start(&b, &args);
	push(&b, 150);
	/* Before its first time as at its end: 20 in 10 ms, then 10, none, 40
	 * until the first comes again at 50 ms. */
	run(&b, 10 * MS);
	assert_int_equal(b.arrived, 20);
	run(&b, 20 * MS);
	assert_int_equal(b.arrived, 30);
	run(&b, 30 * MS);
	assert_int_equal(b.arrived, 30);
	run(&b, 40 * MS);
	assert_int_equal(b.arrived, 50);
	run(&b, 50 * MS);
	assert_int_equal(b.arrived, 70);
	run(&b, 60 * MS);
	assert_int_equal(b.arrived, 80);
	run(&b, 90 * MS);
	assert_int_equal(b.arrived, 120);
	run(&b, 101 * MS);
	struct world_link_state seen;
	link_state(&b.link, &seen);
	assert_int_equal(seen.rate_bps, 0);
	run(&b, 200 * MS);
	assert_int_equal(b.arrived, 150);
	finish(&b);
}

/* A frame that is on the line when the rate changes. */
static void test_rate_changes_under_way(void **state)
{
	static const struct world_rate rates[] = {
		{ 10400, RATE }, { 12900, 2 * RATE },
	};
	struct world_link args = {
		.queue_bytes = 1000 * FRAME,
		.trace = { .rates = rates, .count = 2, .period_us = 40000 },
	};
	struct bench b;

	start(&b, &args);
	push(&b, 24);
	run(&b, 100 * MS);
	assert_int_equal(b.at_ns[19], 10 * MS);
	assert_int_equal(b.at_ns[20], 10600 * MS / 1000); /* 4/5 before */
	assert_int_equal(b.at_ns[22], 12600 * MS / 1000);
	assert_int_equal(b.at_ns[23], 13250 * MS / 1000); /* 3/10 before */
	finish(&b);
}

static void test_bad_ones(void **state)
{
	static const struct world_rate back[] = { { 10, 1 }, { 10, 2 } };
	static const struct world_rate still[] = { { 0, 0 }, { 10, 0 } };
	static const struct world_rate good[] = { { 0, 1 }, { 10, 0 } };
	struct world_link args = { 0 };

	assert_non_null(link_check(&args));
	args.rate_bps = 1;
	assert_null(link_check(&args));
	args.loss_ppm = 1000001;
	assert_non_null(link_check(&args));
	args.loss_ppm = 0;
	args.trace = (struct world_trace){ back, 2, 100 };
	assert_non_null(link_check(&args));
	args.trace = (struct world_trace){ still, 2, 100 };
	assert_non_null(link_check(&args));
	args.trace = (struct world_trace){ good, 2, 10 };
	assert_non_null(link_check(&args));
	args.trace.period_us = 11;
	assert_null(link_check(&args));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_and_delay),
		cmocka_unit_test(test_queue_drops_its_tail),
		cmocka_unit_test(test_jitter_keeps_the_order),
		cmocka_unit_test(test_loss_by_chance),
		cmocka_unit_test(test_nothing_lost_before_the_start),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_trace_is_followed),
		cmocka_unit_test(test_rate_changes_under_way),
		cmocka_unit_test(test_bad_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

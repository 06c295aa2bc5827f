/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/spill.h"

#include "scheduler/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS UINT64_C(1000)
#define S (1000 * MS)
#define MBIT 125000u
#define LEN 1400u

static struct spill_paths ps;
static struct spill_flow f;
static struct spill_choice out[SPILL_PATHS];
static uint64_t now_us;

static void path(unsigned i, unsigned mbit, unsigned delay_ms)
{
	ps.path[i] = (struct spill_path){
		.usable = true, .known = true, .delay_us = (int64_t)(delay_ms * MS),
		.rate_bps = mbit * MBIT, .rtt_us = 2 * delay_ms * MS,
	};
}

/* 50 Mbit/s of 5 ms and 20 Mbit/s of 30 ms. */
static int begin(void **state)
{
	ps = (struct spill_paths){ 0 };
	f = (struct spill_flow){ 0 };
	now_us = 10 * S;
	path(0, 50, 5);
	path(1, 20, 30);
	return 0;
}

static uint32_t put; /* of the flow's packets */

static unsigned ask(enum spill_kind kind, uint64_t backlog_bytes)
{
	struct spill_ask a = { .kind = kind, .backlog_bytes = backlog_bytes, .len = LEN,
	                       .put = put, .now_us = now_us };

	spill_begin(&ps, now_us);
	unsigned count = spill_choose(&ps, &f, &a, out);
	if ((f.spills || f.leaves_us) && !f.numbered_us) /* as the tunnel does */
		f.numbered_us = now_us;
	return count;
}

static void take(unsigned p, uint64_t bytes)
{
	for (; bytes >= LEN; bytes -= LEN)
		spill_took(&ps, &f, p, LEN, true, now_us);
}

/* So many ms of a flow that takes so much of both, and has so much in its queue. */
static void flow(unsigned ms, unsigned mbit0, unsigned mbit1, uint64_t backlog_bytes)
{
	for (unsigned i = 0; i < ms; i += 10, now_us += 10 * MS) {
		ask(SPILL_BULK, backlog_bytes);
		take(0, mbit0 * MBIT / 100);
		take(1, mbit1 * MBIT / 100);
	}
}

static void test_small_goes_where_it_arrives_first(void **state)
{
	assert_int_equal(ask(SPILL_SMALL, LEN), 1);
	assert_int_equal(out[0].path, 0);
	assert_int_equal(out[0].depth_bytes, 0);
	assert_false(f.spills);
}

/* A twentieth of a second is what 5 % are worth, of which each costs a second. */
static void test_small_goes_where_less_is_lost(void **state)
{
	ps.path[0].loss_ppm = 50000;
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 1);
	f = (struct spill_flow){ 0 };
	ps.path[0].loss_ppm = 10000;
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 0);
	/* Nothing was heard of that one for long. */
	f = (struct spill_flow){ 0 };
	ps.path[0].loss_ppm = 50000;
	ps.path[0].known = false;
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 0);
}

/* Once it left for where nothing is lost, it does not come back for the delay. */
static void test_a_call_stays_where_less_is_lost(void **state)
{
	path(1, 20, 20);
	ask(SPILL_REALTIME, LEN);
	assert_int_equal(out[0].path, 0);
	ps.path[0].loss_ppm = 10000;
	for (unsigned i = 0; i < 200; i++, now_us += 20 * MS) {
		ask(SPILL_REALTIME, LEN);
		assert_int_equal(out[0].path, 1);
	}
	ps.path[0].loss_ppm = 0;
	for (unsigned i = 0; i < 200; i++, now_us += 20 * MS)
		ask(SPILL_REALTIME, LEN);
	assert_int_equal(out[0].path, 0);
}

static void test_small_moves_only_for_much(void **state)
{
	ask(SPILL_SMALL, LEN);
	take(0, LEN);
	now_us += 100 * MS;
	ps.path[0].wait_us = 27 * MS; /* 32 against 30 */
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 0);
	ps.path[0].wait_us = 60 * MS;
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 1);
}

static void test_a_flow_without_a_queue_is_not_spread(void **state)
{
	flow(500, 40, 0, 20000);
	assert_int_equal(ask(SPILL_BULK, 20000), 1);
	assert_int_equal(out[0].path, 0);
}

static void test_the_slow_path_takes_what_is_deep(void **state)
{
	flow(500, 50, 0, 20000);
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
	assert_int_equal(out[1].path, 1);
	/* 25 ms and its own packet's time, of 50 Mbit/s. */
	assert_in_range(out[1].depth_bytes, 140000, 185000);
	assert_true(f.spills);
	/* So long for a third less, too, beside a part of the farther one's round trip. */
	assert_in_range(spill_queue_us(&ps, &f, 5 * MS), 15 * MS + 36 * MS, 15 * MS + 38 * MS);
}

static void test_too_much_later_is_too_late(void **state)
{
	path(1, 20, 80);
	flow(500, 50, 0, 20000);
	assert_int_equal(ask(SPILL_BULK, 2000000), 1);
	assert_int_equal(spill_queue_us(&ps, &f, 5 * MS), 5 * MS);
}

static void test_a_lossy_path_is_not_spilled_over(void **state)
{
	ps.path[1].loss_ppm = 10000;
	flow(500, 50, 0, 20000);
	assert_int_equal(ask(SPILL_BULK, 400000), 1);
	ps.path[1].loss_ppm = 10; /* 1e-5 of the smaller part */
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
}

/* A twentieth more is not worth what may be lost or disordered by it. */
static void test_what_adds_little_is_left(void **state)
{
	path(0, 60, 10);
	path(1, 3, 8);
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(500, 60, 0, 400000);
	assert_int_equal(ask(SPILL_BULK, 400000), 1);
	assert_int_equal(out[0].path, 0);
	f.heedless = true; /* it is for who sends more than its home has */
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
	f.heedless = false;
	ps.path[1].untried = true; /* as far as known */
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
	path(1, 8, 8);
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
}

/* Its queue drops and drops, and it sends no less. */
static void test_who_does_not_mind_losses_is_spilled_over_them(void **state)
{
	path(1, 20, 10);
	ps.path[1].loss_ppm = 10000;
	for (unsigned i = 0; i < 3; i++) {
		assert_false(f.spills);
		for (unsigned k = 0; k < 50; k++)
			spill_dropped(&f);
		flow(800, 50, 0, 400000);
	}
	assert_true(f.spills);
}

/* So many ms of one that offers so much, of which its home takes so much. */
static void offer(unsigned ms, double mbit, unsigned goes)
{
	for (unsigned i = 0; i < ms; i += 10, now_us += 10 * MS) {
		put += (uint32_t)(mbit * MBIT / 100 / LEN);
		ask(SPILL_BULK, 400000);
		take(f.home - 1u, goes * MBIT / 100);
		if (i % 100 == 0)
			spill_dropped(&f);
	}
}

/* Losses, delays and drops are nothing to it: over what is lossy, and what is quicker. */
static void test_who_heeds_nothing_is_spilled_over_all(void **state)
{
	path(0, 20, 5);
	path(1, 50, 30);
	ps.path[0].loss_ppm = 10000;
	f.home = 2;
	offer(700, 80, 50);
	assert_false(f.heedless);
	assert_false(f.spills);
	offer(600, 80, 50);
	assert_true(f.heedless);
	assert_true(f.spills);
	/* It gives way: so it is none. */
	offer(600, 30, 30);
	assert_false(f.heedless);
	assert_false(f.spills);
}

/* Half as much more each time: it begins, and has not heard of its drops. Nor is one
 * heedless of which no more comes than goes. */
static void test_who_begins_is_not_heedless(void **state)
{
	path(0, 20, 5);
	path(1, 50, 30);
	ps.path[0].loss_ppm = 10000;
	f.home = 2;
	for (double mbit = 10; mbit < 400; mbit *= 1.5) {
		offer(250, mbit, (unsigned)(mbit * 0.8));
		assert_false(f.heedless);
	}
	offer(3000, 50, 50);
	assert_false(f.heedless);
}

/* It comes to a tenth of its lossy home, which is far, and there is a clean one. */
static void test_who_minds_losses_leaves_them(void **state)
{
	path(0, 50, 70);
	path(1, 20, 15);
	ps.path[0].loss_ppm = 3000;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(1500, 5, 0, LEN);
	assert_int_equal(f.home, 1);
	flow(2000, 5, 0, LEN);
	assert_int_equal(f.home, 2);
}

/* Losses that are about as many do not lead it to and fro: what is rested on looks better, as
 * less of what was lost there is more than luck. */
static void test_who_minds_losses_stays_among_equals(void **state)
{
	path(0, 40, 11);
	path(1, 40, 11);
	ps.path[0].loss_ppm = 2000;
	ps.path[1].loss_ppm = 1000;
	ps.path[1].likely_ppm = 2000;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(9000, 11, 0, LEN);
	assert_true(f.minds);
	assert_int_equal(f.home, 1);
	ps.path[1].likely_ppm = 1000;
	flow(1000, 11, 0, LEN);
	assert_int_equal(f.home, 2);
}

/* By the formula it has 14 Mbit/s there and has 9, which the clean one has, too. */
static void test_what_a_lossy_home_brings_is_learned(void **state)
{
	path(0, 80, 10);
	path(1, 11, 7);
	ps.path[0].loss_ppm = 3000;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(3000, 14, 0, LEN);
	assert_true(f.minds);
	assert_int_equal(f.home, 1);
	flow(6000, 14, 0, LEN);
	assert_int_equal(f.home, 1);
	flow(6000, 9, 0, LEN);
	assert_int_equal(f.home, 2);
}

/* A start from nothing tells neither that it does not mind, nor, while it grows, that it
 * does. */
static void test_a_start_is_no_reaction(void **state)
{
	path(0, 90, 50);
	path(1, 7, 55);
	ps.path[0].loss_ppm = 2500;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	for (unsigned mbit = 2; mbit < 60; mbit *= 2) {
		flow(1010, mbit, 0, LEN);
		assert_false(f.minds);
	}
	f = (struct spill_flow){ .home = 1 };
	now_us += 5 * S;
	flow(1010, 7, 0, LEN);
	flow(1010, 3, 0, LEN);
	assert_true(f.minds);
	assert_int_equal(f.home, 2);
}

/* It still has more than the clean one, but not for long: there it need not climb. */
static void test_what_is_left_of_a_start_is_taken_along(void **state)
{
	path(0, 90, 50);
	path(1, 7, 55);
	ps.path[0].loss_ppm = 2500;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(1010, 30, 0, LEN);
	flow(1010, 20, 0, LEN);
	assert_true(f.minds);
	assert_int_equal(f.home, 1);
	flow(1010, 12, 0, LEN);
	assert_int_equal(f.home, 2);
}

/* It was seen to slow down: a few calm seconds are not enough to try it. */
static void test_who_minds_losses_is_seldom_tried(void **state)
{
	path(0, 90, 50);
	path(1, 28, 55);
	ps.path[0].loss_ppm = 2500;
	f.home = 2;
	f.minds = true;
	ask(SPILL_SMALL, LEN);
	flow(10000, 0, 28, LEN);
	assert_false(f.tolerant);
	for (unsigned i = 0; i < 4000 && !f.tolerant; i++)
		flow(10, 0, 28, LEN);
	assert_true(f.tolerant);
}

/* Who is unknown may mind them; what is near can be gone to later, */
static void test_a_long_flow_begins_where_nothing_is_lost(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = LEN, .is_long = true,
	                       .now_us = now_us };

	path(0, 80, 5);
	path(1, 60, 35);
	ps.path[0].loss_ppm = 3000;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 1);
	/* as soon as it fills that one for so long and nothing was lost. */
	take(1, LEN);
	flow(4000, 0, 60, LEN);
	assert_int_equal(f.home, 2);
	flow(8000, 0, 60, LEN);
	assert_true(f.tolerant);
	assert_int_equal(f.home, 1);
	/* What is far cannot. */
	f = (struct spill_flow){ 0 };
	path(0, 10, 5);
	path(1, 60, 40);
	ps.path[1].loss_ppm = 3000;
	a.now_us = now_us += S;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 1);
	/* It need not be so far: with two of its least round trips under way, a sender that goes
	 * by it (BBR) would not have it whole. */
	f = (struct spill_flow){ 0 };
	path(0, 29, 6);
	path(1, 38, 22);
	ps.path[0].loss_ppm = ps.path[1].loss_ppm = 1100;
	a.now_us = now_us += S;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 1);
}

/* Nor does who sends less than his home has, or now and then loses something. */
static void test_who_is_not_calm_stays_unknown(void **state)
{
	path(0, 80, 5);
	path(1, 60, 35);
	ps.path[0].loss_ppm = 3000;
	ask(SPILL_SMALL, LEN);
	f.home = 2;
	flow(12000, 0, 55, LEN);
	assert_false(f.tolerant);
	for (unsigned i = 0; i < 4; i++) {
		flow(5000, 0, 60, LEN);
		spill_dropped(&f);
	}
	assert_false(f.tolerant);
	assert_int_equal(f.home, 2);
}

/* As one whose receiver's window is small: the first sign of the trial is enough, and the
 * next one is long away. Who goes on is believed. */
static void test_a_calm_flow_is_tried_for_a_second(void **state)
{
	path(1, 50, 5);
	ps.path[1].loss_ppm = 10000;
	for (unsigned i = 0; i < 2000 && !f.tolerant; i++)
		flow(10, 50, 0, 40000);
	assert_true(f.tolerant);
	assert_int_equal(ask(SPILL_BULK, 400000), 2);
	flow(300, 15, 15, 40000);
	assert_false(f.tolerant);
	flow(8000, 50, 0, 40000);
	assert_false(f.tolerant);
	for (unsigned i = 0; i < 2000 && !f.tolerant; i++)
		flow(10, 50, 0, 40000);
	assert_true(f.tolerant);
	flow(2000, 30, 30, 40000);
	flow(300, 15, 15, 40000); /* then it is its own matter */
	assert_true(f.tolerant);
}

/* Of a window of 800 packets it lacks 24 at first, and has 200 more when its queue is too
 * long: by CUBIC's cube that is 12 seconds. */
static void test_a_far_flow_is_calm_for_long(void **state)
{
	path(0, 83, 55);
	path(1, 20, 29);
	ps.path[1].loss_ppm = 3000;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	flow(12500, 83, 0, LEN);
	assert_false(f.tolerant);
	for (unsigned i = 0; i < 1000 && !f.tolerant; i++)
		flow(10, 83, 0, LEN);
	assert_true(f.tolerant);
}

/* Losses that slow it down, second by second, are no sign that it does not mind. */
static void test_who_slows_down_minds_losses(void **state)
{
	path(0, 60, 50);
	path(1, 10, 5);
	ps.path[0].loss_ppm = 4500;
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	for (unsigned mbit = 32; mbit >= 4; mbit /= 2)
		flow(1010, mbit, 0, LEN);
	assert_false(f.tolerant);
	flow(1010, 4, 0, LEN);
	assert_int_equal(f.home, 2);
	/* And who goes on as fast does not, until it comes to no more than others would. */
	f = (struct spill_flow){ .home = 1 };
	for (unsigned i = 0; i < 3; i++)
		flow(1010, 55, 0, LEN);
	assert_true(f.tolerant);
	flow(5000, 3, 0, LEN);
	assert_false(f.tolerant);
	assert_int_equal(f.home, 2);
}

/* What holds it up there nobody knows: a nearer path holds it up less; for a while the one
 * that it left is not thought of. */
static void test_who_leaves_much_goes_nearer(void **state)
{
	path(0, 30, 10);
	path(1, 60, 30);
	f.home = 2;
	flow(5000, 0, 45, LEN);
	assert_int_equal(f.home, 2);
	flow(2010, 0, 6, LEN);
	flow(2500, 0, 6, LEN); /* it goes in order */
	assert_int_equal(f.home, 1);
	flow(15000, 28, 0, 400000);
	assert_int_equal(f.home, 1);
	assert_false(f.spills);
	flow(10000, 28, 0, 400000);
	assert_int_equal(f.home, 2);
	/* A queue stands where it is: it does not wait until it would overtake nothing. */
	f = (struct spill_flow){ .home = 2 };
	ps.path[1].delay_us = 100 * MS;
	flow(2010, 0, 6, LEN);
	assert_int_equal(f.home, 2);
	flow(700, 0, 6, LEN);
	assert_int_equal(f.home, 1);
	/* A farther one is no help. */
	f = (struct spill_flow){ .home = 1 };
	flow(10000, 6, 0, LEN);
	assert_int_equal(f.home, 1);
}

/* One early packet would be a least round trip that the home has not. */
static void test_a_much_quicker_path_is_left_to_others(void **state)
{
	path(0, 5, 5);
	path(1, 50, 30);
	ask(SPILL_SMALL, LEN);
	f.home = 2;
	flow(500, 0, 50, 400000);
	assert_int_equal(f.home, 2);
	assert_int_equal(ask(SPILL_BULK, 400000), 1);
	assert_int_equal(out[0].path, 1);
}

static void test_a_long_flow_begins_where_it_ends_first(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = LEN, .is_long = true };

	path(0, 5, 5);
	path(1, 50, 30);
	a.now_us = now_us;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 1);
	f = (struct spill_flow){ 0 };
	ps.path[0].untried = true; /* may have as much */
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 0);
}

/* A train told so of it; that the near one has little counts only when it was tried. */
static void test_a_long_flow_begins_on_what_is_promised(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = LEN, .is_long = true };

	path(0, 3, 3);
	path(1, 3, 70);
	ps.path[1].untried = true;
	ps.path[1].promised_bps = 60 * MBIT;
	a.now_us = now_us;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 1);
	f = (struct spill_flow){ 0 };
	ps.path[0].untried = true;
	ps.path[0].promised_bps = 3 * MBIT;
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 0);
	/* And nobody is held to be slow for what was promised of him. */
	f = (struct spill_flow){ 0 };
	path(0, 50, 5);
	path(1, 20, 10);
	ps.path[0].untried = true;
	ps.path[0].promised_bps = 200 * MBIT;
	flow(5000, 48, 18, 400000);
	assert_true(f.spills);
}

/* Unless it is more than that one carries. */
static void test_answers_do_not_fill_a_path(void **state)
{
	struct spill_ask a = { .kind = SPILL_BULK, .len = 100, .is_long = true,
	                       .backlog_bytes = 5000 };

	path(0, 2, 6);
	path(1, 4, 26);
	ps.path[1].untried = true;
	for (unsigned i = 0; i < 4000; i++, now_us += MS) {
		a.kind = i < 1000 ? SPILL_BULK : SPILL_SMALL;
		a.now_us = now_us;
		spill_begin(&ps, now_us);
		spill_choose(&ps, &f, &a, out);
		for (unsigned k = 0; k < 2; k++)
			spill_took(&ps, &f, out[0].path, 120, a.kind == SPILL_BULK, now_us);
	}
	assert_int_equal(f.home, 2);
	/* 1.7 of 3 Mbit/s, with what they wear all of it; and they do not come back for more. */
	f = (struct spill_flow){ 0 };
	path(0, 3, 6);
	for (unsigned i = 0; i < 4000; i++, now_us += MS) {
		a.now_us = now_us;
		spill_begin(&ps, now_us);
		spill_choose(&ps, &f, &a, out);
		for (unsigned k = 0; k < (f.home == 1 ? 2 : 1) + i % 2; k++)
			spill_took(&ps, &f, out[0].path, 100, false, now_us);
		assert_true(i < 1000 || f.home == 2);
	}
}

/* Who had the path a second ago is no rival there. */
static void test_who_has_gone_is_no_rival(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = LEN, .is_long = true };

	path(0, 60, 25);
	path(1, 35, 5);
	flow(400, 55, 0, 100000);
	f = (struct spill_flow){ 0 };
	now_us += S;
	a.now_us = now_us;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(out[0].path, 0);
}

/* What answers a download to port 443 is no long flow, whatever the paths' rates are: the
 * download is as fast as its answers are quick. */
static void test_answers_take_the_quick_path(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = 60, .is_long = true };

	path(0, 4, 10);
	path(1, 4, 35);
	ps.path[0].loss_ppm = 200;
	for (unsigned i = 0; i < 2000; i++, now_us += 2 * MS) {
		a.now_us = now_us;
		spill_begin(&ps, now_us);
		spill_choose(&ps, &f, &a, out);
		spill_took(&ps, &f, out[0].path, 60, false, now_us);
	}
	assert_int_equal(f.home, 1);
}

/* Whichever is the quicker at the moment: what goes there without a gap overtakes. */
static void test_answers_do_not_jump_to_and_fro(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = 60, .is_long = true };
	unsigned moves = 0, before = 0;

	path(0, 20, 10);
	path(1, 20, 35);
	for (unsigned i = 0; i < 2000; i++, now_us += MS) {
		ps.path[0].wait_us = i / 5 % 2 ? 60 * MS : 0;
		a.now_us = now_us;
		spill_begin(&ps, now_us);
		spill_choose(&ps, &f, &a, out);
		spill_took(&ps, &f, out[0].path, 60, false, now_us);
		moves += i && before == 1 && out[0].path == 0;
		before = out[0].path;
	}
	assert_in_range(moves, 1, 2000 / (16 * 25) + 1);
}

static void test_what_does_not_help_stops(void **state)
{
	flow(2200, 30, 5, 400000); /* 35 of 50 alone */
	assert_false(f.spills);
	flow(29000, 50, 0, 400000);
	assert_false(f.spills);
	flow(2000, 50, 0, 400000); /* tried again */
	assert_true(f.spills);
	flow(2500, 30, 5, 400000); /* and for twice as long not */
	flow(58000, 50, 0, 400000);
	assert_false(f.spills);
	flow(4000, 50, 0, 400000);
	assert_true(f.spills);
}

/* A second that does not make up for the next. */
static void test_what_helps_now_and_then_stops(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		flow(1000, 48, 14, 400000);
		flow(1000, 16, 5, 400000);
	}
	assert_false(f.spills);
}

static void test_what_helps_goes_on(void **state)
{
	flow(20000, 48, 18, 400000);
	assert_true(f.spills);
}

static void test_home_is_the_path_that_gives_most(void **state)
{
	path(0, 20, 10);
	path(1, 60, 15);
	ask(SPILL_SMALL, LEN);
	take(0, LEN);
	assert_int_equal(f.home, 1);
	flow(300, 20, 0, 400000);
	assert_int_equal(f.home, 2);
	ps.path[0].rate_bps = 70 * MBIT; /* not worth a change */
	flow(300, 20, 50, 400000);
	assert_int_equal(f.home, 2);
}

/* What goes the quicker way would overtake what is under way: numbers come first. */
static void test_a_flow_moves_in_order(void **state)
{
	path(0, 20, 40);
	path(1, 60, 10);
	ask(SPILL_SMALL, LEN);
	f.home = 1;
	take(0, LEN);
	flow(20, 20, 0, LEN);
	assert_true(f.leaves_us);
	assert_int_equal(f.home, 1);
	flow(40, 20, 0, LEN);
	assert_int_equal(f.home, 1);
	flow(60, 20, 0, LEN);
	assert_int_equal(f.home, 2);
	assert_false(f.leaves_us);
}

/* Where one goes there is less for the next. */
static void test_not_all_go_at_once(void **state)
{
	struct spill_flow flows[6] = { 0 };
	unsigned moves = 0, there = 0;

	path(0, 20, 10);
	path(1, 40, 12);
	for (unsigned k = 0; k < 6; k++)
		flows[k].home = 1;
	for (unsigned i = 0; i < 3000; i += 10, now_us += 10 * MS)
		for (unsigned k = 0; k < 6; k++) {
			unsigned home = flows[k].home;
			f = flows[k];
			ask(SPILL_BULK, LEN);
			moves += f.home != home;
			take(f.home - 1u, 8000);
			flows[k] = f;
		}
	for (unsigned k = 0; k < 6; k++)
		there += flows[k].home == 2;
	assert_in_range(there, 3, 5);
	assert_in_range(moves, there, 6);
}

/* Its home has a tenth of what is far away: not for a short one. */
static void test_a_long_one_goes_far_for_much_more(void **state)
{
	path(0, 5, 3);
	path(1, 60, 70);
	ask(SPILL_SMALL, LEN);
	flow(4000, 5, 0, 30000);
	assert_int_equal(f.home, 1);
	flow(3000, 5, 0, 30000);
	assert_int_equal(f.home, 2);
	flow(8000, 0, 55, 30000);
	assert_int_equal(f.home, 2);

	f = (struct spill_flow){ 0 };
	now_us += S;
	path(1, 9, 70);
	flow(9000, 5, 0, 30000);
	assert_int_equal(f.home, 1);
	f.tolerant = true; /* BBR is, and it is that which has to find out; */
	flow(4000, 5, 0, 30000);
	assert_int_equal(f.home, 1);
	f.tolerant = false;
	f.minds = true;    /* CUBIC has not. */
	flow(1000, 5, 0, 30000);
	assert_int_equal(f.home, 2);
}

/* Where it would begin otherwise now, as a queue stands or others are there, it stays. */
static void test_a_long_flow_is_not_placed_anew(void **state)
{
	struct spill_ask a = { .kind = SPILL_SMALL, .len = LEN, .is_long = true };

	path(0, 22, 9);
	path(1, 23, 70);
	for (unsigned i = 0; i < 300; i++, now_us += 10 * MS) {
		ps.path[0].wait_us = i < 100 ? 0 : 300 * MS;
		a.now_us = now_us;
		spill_begin(&ps, now_us);
		spill_choose(&ps, &f, &a, out);
		assert_int_equal(f.home, 1);
		take(0, 10000);
	}
	now_us += 2 * S; /* but after a rest */
	a.now_us = now_us;
	spill_begin(&ps, now_us);
	spill_choose(&ps, &f, &a, out);
	assert_int_equal(f.home, 2);
}

static void test_a_dead_home_is_left(void **state)
{
	flow(300, 50, 0, 20000);
	ps.path[0].usable = false;
	assert_int_equal(ask(SPILL_BULK, 20000), 1);
	assert_int_equal(out[0].path, 1);
	assert_int_equal(out[0].depth_bytes, 0);
	ps.path[1].usable = false;
	assert_int_equal(ask(SPILL_BULK, 20000), 0);
}

static void test_a_dearer_path_is_for_when_no_other_is(void **state)
{
	ps.path[0].cost = 1;
	ask(SPILL_SMALL, LEN);
	assert_int_equal(out[0].path, 1);
	flow(500, 0, 20, 400000);
	assert_int_equal(ask(SPILL_BULK, 400000), 1);
	ps.path[1].usable = false;
	ask(SPILL_BULK, 400000);
	assert_int_equal(out[0].path, 0);
}

static void test_a_metered_path_takes_what_is_more(void **state)
{
	ps.path[1].cost = SCHED_CLASS_METERED;
	/* What keeps no queue, and what is small, does not go there, */
	flow(500, 40, 0, 20000);
	assert_int_equal(ask(SPILL_BULK, 20000), 1);
	assert_int_equal(out[0].path, 0);
	assert_int_equal(ask(SPILL_SMALL, LEN), 1);
	assert_int_equal(ask(SPILL_REALTIME, LEN), 1);
	/* what has a long one does. */
	assert_int_equal(ask(SPILL_BULK, 2000000), 2);
	assert_int_equal(out[0].path, 0);
	assert_int_equal(out[1].path, 1);
	/* Faster, it is asked last all the same, and is nobody's home. */
	path(1, 20, 3);
	ps.path[1].cost = SCHED_CLASS_METERED;
	ask(SPILL_BULK, 2000000);
	now_us += S;
	assert_int_equal(ask(SPILL_BULK, 2000000), 2);
	assert_int_equal(out[0].path, 0);
	assert_int_equal(out[1].path, 1);
	assert_int_equal(f.home, 1);
	/* A backup takes nothing. */
	ps.path[1].cost = SCHED_CLASS_BACKUP;
	assert_int_equal(ask(SPILL_BULK, 2000000), 1);
	assert_int_equal(out[0].path, 0);
}

static void test_a_call_keeps_its_path(void **state)
{
	assert_int_equal(ask(SPILL_REALTIME, 160), 2); /* and where a copy would go */
	assert_int_equal(out[0].path, 0);
	assert_int_equal(out[1].path, 1);
	ps.path[0].delay_us += 37 * (int64_t)MS; /* 12 ms worse than the other */
	for (unsigned i = 0; i < 90; i++, now_us += 10 * MS)
		ask(SPILL_REALTIME, 160);
	assert_int_equal(out[0].path, 0);
	now_us += 200 * MS;
	ask(SPILL_REALTIME, 160);
	assert_int_equal(out[0].path, 1);
}

static void test_a_call_leaves_what_loses(void **state)
{
	ask(SPILL_REALTIME, 160);
	ps.path[0].loss_ppm = 30000;
	ask(SPILL_REALTIME, 160);
	assert_int_equal(out[0].path, 1);
}

/* 65536 * 64 us later it is the same delay. */
static void test_delays_are_compared_across_their_wrap(void **state)
{
	ps.path[0].delay_us = 65530 * 64;
	ps.path[1].delay_us = 4 * 64; /* 0.64 ms more */
	ask(SPILL_SMALL, LEN);
	assert_int_equal(ps.order[0], 0);
	assert_in_range(ps.path[1].later_us, 600, 1100);
}

static void test_jitter_does_not_turn_the_order(void **state)
{
	path(1, 50, 6);
	ask(SPILL_SMALL, LEN);
	assert_int_equal(ps.order[0], 0);
	for (unsigned i = 0; i < 50; i++, now_us += 10 * MS) {
		ps.path[0].delay_us = (int64_t)((i % 2 ? 5 : 8) * MS);
		ask(SPILL_SMALL, LEN);
		assert_int_equal(ps.order[0], 0);
	}
	ps.path[0].delay_us = (int64_t)(30 * MS);
	for (unsigned i = 0; i < 12; i++, now_us += 10 * MS)
		ask(SPILL_SMALL, LEN);
	assert_int_equal(ps.order[0], 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_small_goes_where_it_arrives_first),
		TEST(test_small_goes_where_less_is_lost),
		TEST(test_a_call_stays_where_less_is_lost),
		TEST(test_small_moves_only_for_much),
		TEST(test_a_flow_without_a_queue_is_not_spread),
		TEST(test_the_slow_path_takes_what_is_deep),
		TEST(test_too_much_later_is_too_late),
		TEST(test_a_lossy_path_is_not_spilled_over),
		TEST(test_what_adds_little_is_left),
		TEST(test_who_minds_losses_stays_among_equals),
		TEST(test_what_a_lossy_home_brings_is_learned),
		TEST(test_a_start_is_no_reaction),
		TEST(test_what_is_left_of_a_start_is_taken_along),
		TEST(test_who_minds_losses_is_seldom_tried),
		TEST(test_who_does_not_mind_losses_is_spilled_over_them),
		TEST(test_who_heeds_nothing_is_spilled_over_all),
		TEST(test_who_begins_is_not_heedless),
		TEST(test_who_minds_losses_leaves_them),
		TEST(test_who_slows_down_minds_losses),
		TEST(test_a_long_flow_begins_where_nothing_is_lost),
		TEST(test_who_is_not_calm_stays_unknown),
		TEST(test_a_calm_flow_is_tried_for_a_second),
		TEST(test_a_far_flow_is_calm_for_long),
		TEST(test_answers_do_not_fill_a_path),
		TEST(test_who_leaves_much_goes_nearer),
		TEST(test_a_much_quicker_path_is_left_to_others),
		TEST(test_a_long_flow_begins_where_it_ends_first),
		TEST(test_a_long_flow_begins_on_what_is_promised),
		TEST(test_answers_take_the_quick_path),
		TEST(test_answers_do_not_jump_to_and_fro),
		TEST(test_who_has_gone_is_no_rival),
		TEST(test_what_does_not_help_stops),
		TEST(test_what_helps_now_and_then_stops),
		TEST(test_what_helps_goes_on),
		TEST(test_home_is_the_path_that_gives_most),
		TEST(test_a_flow_moves_in_order),
		TEST(test_not_all_go_at_once),
		TEST(test_a_long_one_goes_far_for_much_more),
		TEST(test_a_long_flow_is_not_placed_anew),
		TEST(test_a_dead_home_is_left),
		TEST(test_a_dearer_path_is_for_when_no_other_is),
		TEST(test_a_metered_path_takes_what_is_more),
		TEST(test_a_call_keeps_its_path),
		TEST(test_a_call_leaves_what_loses),
		TEST(test_delays_are_compared_across_their_wrap),
		TEST(test_jitter_does_not_turn_the_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

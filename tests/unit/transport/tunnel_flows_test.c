/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Two tunnels under virtual time, with flows inside: what they get of the paths, in which
 * order and when it arrives, and what becomes of a call beside them. Rates are Mbit/s of
 * IP packets; S1 to S4 are the lab's.
 */
#include "agg/transport/tunnel_copy.h"
#include "tunnel_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S UINT64_C(1000000)
#define MS UINT64_C(1000)
#define BEGUN_S 6 /* what is measured: not the start */

static struct tunnel_world_args one_path(void)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 50, 20, 5, 100);
	return args;
}

static struct tunnel_world_args s1(void)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 50, 20, 10, 100);
	lab_add(&args, 50, 20, 10, 100);
	return args;
}

static struct tunnel_world_args s4(void)
{
	struct tunnel_world_args args = s1();

	args.paths[1].down.loss_ppm = args.paths[1].up.loss_ppm = 10000;
	return args;
}

static struct tunnel_world_args s3(void)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 30, 8, 10, 100);
	lab_add(&args, 60, 20, 25, 300);
	args.paths[1].down.jitter_us = args.paths[1].up.jitter_us = 8 * MS;
	args.paths[1].down.loss_ppm = args.paths[1].up.loss_ppm = 2000;
	lab_add(&args, 20, 4, 300, 100);
	args.paths[2].down.loss_ppm = args.paths[2].up.loss_ppm = 1000;
	return args;
}

struct outcome {
	double mbit;
	double p50_ms, p99_ms;      /* of the flow, one way */
	double call_p99_ms;
	uint64_t disordered, lost, twice, call_lost;
};

static uint64_t lost_of(const struct tunnel_world_flow *flow, uint64_t under_way)
{
	uint64_t arrived = flow->received + under_way;

	return flow->sent > arrived ? flow->sent - arrived : 0;
}

/* One flow down and a call beside it, from the sixth second on. cc NULL: at a rate. */
static struct outcome run(const struct tunnel_world_args *args, const struct cc_ops *cc,
                          double mbit, unsigned seconds)
{
	struct tunnel_world *w = tunnel_world_create(args);
	struct outcome out;

	assert_non_null(w);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = cc ? TUNNEL_WORLD_QUIC : TUNNEL_WORLD_RATE, .cc = cc,
		.rate_bps = (uint64_t)(mbit * MBIT), .from_us = S });
	unsigned call = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_CALL, .from_us = S });
	tunnel_world_run(w, BEGUN_S * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, (BEGUN_S + seconds) * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, flow);
	out = (struct outcome){
		.mbit = (double)got->bytes / seconds / MBIT,
		.p50_ms = tunnel_world_delay_us(w, flow, 0.5) / 1e3,
		.p99_ms = tunnel_world_delay_us(w, flow, 0.99) / 1e3,
		.call_p99_ms = tunnel_world_delay_us(w, call, 0.99) / 1e3,
		.disordered = got->disordered, .twice = got->twice,
		.lost = lost_of(got, (uint64_t)(mbit * MBIT / TUNNEL_WORLD_PACKET / 10)),
		.call_lost = lost_of(tunnel_world_flow(w, call), 3),
	};
	print_message("%.1f Mbit/s, %u out of order, %.1f/%.1f ms; call p99 %.1f ms, %u lost\n",
	              out.mbit, (unsigned)out.disordered, out.p50_ms, out.p99_ms,
	              out.call_p99_ms, (unsigned)out.call_lost);
	tunnel_world_destroy(w);
	return out;
}

/* So much of the sum at least, and the call is within 15 ms of the best path. */
static void expect(const struct tunnel_world_args *args, const struct cc_ops *cc,
                   double share)
{
	struct outcome out = run(args, cc, 0, 12);

	assert_true(out.mbit >= share * lab_limit(args));
	assert_int_equal(out.disordered, 0);
	assert_int_equal(out.twice, 0);
	assert_true(out.call_p99_ms <= (double)args->paths[0].down.delay_us / 1e3 + 15);
	assert_int_equal(out.call_lost, 0);
}

static void test_one_path_is_used_whole(void **state)
{
	struct tunnel_world_args args = one_path();

	expect(&args, &cc_cubic, 0.95);
	expect(&args, &cc_bbr, 0.95);
}

/* After a loss its window falls by a third: what stood in its queue until then is what the
 * path has meanwhile. */
static void test_a_far_path_is_used_for_the_most(void **state)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 40, 40, 90, 100);
	struct tunnel_world *w = tunnel_world_create(&args);
	assert_non_null(w);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_QUIC, .cc = &cc_cubic, .from_us = S });
	tunnel_world_run(w, 15 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 75 * S);
	double mbit = (double)tunnel_world_flow(w, flow)->bytes / 60 / MBIT;
	print_message("%.1f Mbit/s\n", mbit);
	assert_true(mbit > 0.93 * lab_limit(&args));
	tunnel_world_destroy(w);
}

static void test_equal_paths_add_up(void **state)
{
	struct tunnel_world_args args = s1();

	expect(&args, &cc_cubic, 0.88);
	expect(&args, &cc_bbr, 0.90);
}

static void test_uneven_paths_add_up_for_cubic(void **state)
{
	struct tunnel_world_args args = lab_s2();

	expect(&args, &cc_cubic, 0.95);
}

/* Its window is of the least round trip, so it has no queue to spill. */
static void test_bbr_is_not_slower_than_on_its_best_path(void **state)
{
	struct tunnel_world_args args = lab_s2(), best = one_path();
	double alone = run(&best, &cc_bbr, 0, 12).mbit;

	assert_true(run(&args, &cc_bbr, 0, 12).mbit >= 0.97 * alone);
}

static void test_a_lossy_path_does_not_slow_cubic(void **state)
{
	struct tunnel_world_args args = s4(), best = s1();

	best.path_count = 1;
	double alone = run(&best, &cc_cubic, 0, 12).mbit;
	assert_true(run(&args, &cc_cubic, 0, 12).mbit >= 0.97 * alone);
}

/* The fastest path loses, which is not seen before the flow has gone there: once. */
static void test_cubic_goes_where_nothing_is_lost(void **state)
{
	struct tunnel_world_args args = s3(), best = s3();

	best.path_count = 1;
	double alone = run(&best, &cc_cubic, 0, 12).mbit;
	for (args.seed = 1; args.seed <= 4; args.seed++)
		assert_true(run(&args, &cc_cubic, 0, 12).mbit >= 0.8 * alone);
}

/* 90 % of the sum, at a rate. */
static void expect_rate(const struct tunnel_world_args *args, double slowest_ms)
{
	double mbit = 0.9 * lab_limit(args);
	struct outcome out = run(args, NULL, mbit, 12);

	assert_true(out.mbit >= 0.99 * mbit);
	assert_int_equal(out.disordered, 0);
	assert_int_equal(out.lost, 0);
	assert_true(out.p99_ms <= slowest_ms + 20);
	assert_true(out.call_p99_ms <= (double)args->paths[0].down.delay_us / 1e3 + 15);
}

static void test_a_rate_arrives_in_order(void **state)
{
	struct tunnel_world_args args = s1();

	expect_rate(&args, 10);
	args = lab_s2();
	expect_rate(&args, 30);
}

/* From its first packet on, over paths on which nothing went before. */
static void expect_beginning(const struct tunnel_world_args *args, uint64_t from_us,
                             double slowest_ms)
{
	struct tunnel_world *w = tunnel_world_create(args);

	assert_non_null(w);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .rate_bps = (uint64_t)(0.9 * lab_limit(args) * MBIT),
		.from_us = from_us, .until_us = from_us + 5 * S });
	tunnel_world_run(w, from_us + 6 * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, flow);
	double p99_ms = tunnel_world_delay_us(w, flow, 0.99) / 1e3;
	print_message("%u of %u, %u out of order, p99 %.1f ms\n", (unsigned)got->received,
	              (unsigned)got->sent, (unsigned)got->disordered, p99_ms);
	assert_true(got->received * 1000 >= got->sent * 999);
	assert_true(got->disordered * 1000 <= got->received);
	assert_true(p99_ms <= slowest_ms + 20);
	tunnel_world_destroy(w);
}

static void test_a_rate_begins_in_order_and_whole(void **state)
{
	for (unsigned i = 1; i <= 2; i++) {
		struct tunnel_world_args args = s1();
		expect_beginning(&args, i * TUNNEL_WORLD_UP_US, 10);
		args = lab_s2();
		expect_beginning(&args, i * TUNNEL_WORLD_UP_US, 30);
	}
}

/* So much of what its near links carry of it, from its first packet on, and its queue does
 * not stand; up or down. */
static void expect_constant(struct tunnel_world_args args, unsigned near, bool up,
                            double share, double p50_ms)
{
	double all = 0, carried = 0;

	for (unsigned i = 0; i < args.path_count; i++) {
		const struct world_link *link = up ? &args.paths[i].up : &args.paths[i].down;
		all += 0.9 * (double)link->rate_bps;
		carried += i < near ? (double)link->rate_bps * (1 - link->loss_ppm * 1e-6) : 0;
	}
	struct tunnel_world *w = tunnel_world_create(&args);
	assert_non_null(w);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .up = up, .rate_bps = (uint64_t)(all * 0.94),
		.from_us = 2 * S, .until_us = 7 * S });
	tunnel_world_run(w, 8 * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, flow);
	double p50 = tunnel_world_delay_us(w, flow, 0.5) / 1e3;
	print_message("%u of %u, %u out of order, p50 %.1f ms\n", (unsigned)got->received,
	              (unsigned)got->sent, (unsigned)got->disordered, p50);
	assert_true((double)got->received >=
	            share * (double)got->sent * (carried < all ? carried / all : 1));
	assert_true(got->disordered * 200 <= got->received);
	assert_true(p50 <= p50_ms);
	tunnel_world_destroy(w);
}

/* A second is its trial, in which it may be one that minds losses. */
static void test_a_rate_takes_links_that_lose(void **state)
{
	for (unsigned up = 0; up < 2; up++) {
		expect_constant(s4(), 2, up, 0.91, 60);
		expect_constant(lab_s3(), 2, up, 0.89, 200); /* it is more than they carry */
	}
}

/* It is too far for a flow to be spread over it, so no packet ever tried it. */
static void test_a_far_link_that_is_better_is_found(void **state)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 3, 3, 3, 100);
	lab_add(&args, 60, 60, 70, 100);
	struct tunnel_world *w = tunnel_world_create(&args);
	assert_non_null(w);
	tunnel_world_add(w, &(struct tunnel_world_flow_args){ .kind = TUNNEL_WORLD_RATE,
		.rate_bps = (uint64_t)(20 * MBIT), .from_us = S, .until_us = 3 * S });
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_QUIC, .cc = &cc_cubic, .from_us = 5 * S });
	tunnel_world_run(w, 10 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 15 * S);
	double mbit = (double)tunnel_world_flow(w, flow)->bytes / 5 / MBIT;
	print_message("%.1f Mbit/s\n", mbit);
	assert_true(mbit > 35);
	tunnel_world_destroy(w);
}

/* Half of the time, in pieces of 4 ms in the mean, others have the processor. */
static void test_a_busy_machine_is_no_slow_path(void **state)
{
	struct tunnel_world_args args = lab_s2();

	args.run_us = args.stall_us = 4 * MS;
	double mbit = 0.9 * lab_limit(&args);
	struct outcome out = run(&args, NULL, mbit, 12);
	assert_true(out.mbit >= 0.97 * mbit);
	assert_true(out.disordered * 100 <= out.mbit * MBIT * 12 / TUNNEL_WORLD_PACKET);
	assert_true(run(&args, &cc_cubic, 0, 12).mbit >= 0.7 * lab_limit(&args));
	args = s1();
	args.run_us = args.stall_us = 4 * MS;
	mbit = 0; /* where it begins badly it is taken for one that gains nothing */
	for (args.seed = 1; args.seed <= 4; args.seed++)
		mbit += run(&args, &cc_cubic, 0, 12).mbit / 4;
	assert_true(mbit >= 0.6 * lab_limit(&args));
}

/* A call beside a download; its path falls silent, one way or both. */
static void cut_beside(bool down, bool up)
{
	struct tunnel_world_args args = lab_s2();
	struct tunnel_world *w = tunnel_world_create(&args);
	struct tunnel_stats stats;

	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_QUIC, .cc = &cc_cubic, .from_us = S });
	unsigned call = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_CALL, .from_us = S });
	tunnel_world_run(w, 5 * S);
	tunnel_world_cut(w, 0, down, up, true);
	tunnel_world_measure(w);
	tunnel_world_run(w, 8 * S);
	uint64_t gap_us = tunnel_world_flow(w, call)->gap_us;
	print_message("cut %s%s: nothing for %.0f ms\n", down ? "down" : "", up ? "up" : "",
	              (double)gap_us / 1e3);
	assert_true(!down || gap_us <= 260 * MS); /* 200 ms, a packet's time, its way */
	tunnel_stats(tunnel_world_tunnel(w, false), &stats);
	assert_int_equal(stats.refused[TUNNEL_FORGED], 0);
	assert_true(tunnel_world_flow(w, call)->received > 3 * 50 - 15);
	tunnel_world_cut(w, 0, down, up, false);
	tunnel_world_run(w, 11 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 16 * S);
	assert_true((double)tunnel_world_flow(w, flow)->bytes / 5 > 40 * MBIT); /* used again */
	assert_int_equal(tunnel_world_flow(w, call)->twice, 0);
	tunnel_world_destroy(w);
}

static void test_a_silent_cut_moves_the_call(void **state)
{
	cut_beside(true, true);
	cut_beside(true, false);
	cut_beside(false, true);
}

/* Nothing of it is lost, nor comes twice; the other direction is doubled, too. */
static void test_a_doubled_call_loses_nothing_in_a_cut(void **state)
{
	for (unsigned cut = 0; cut < 2; cut++) {
		struct tunnel_world_args args = s1();
		struct tunnel_world *w = tunnel_world_create(&args);
		assert_non_null(w);
		for (unsigned side = 0; side < 2; side++)
			tunnel_double(tunnel_world_tunnel(w, side), true);
		unsigned call = tunnel_world_add(w, &(struct tunnel_world_flow_args){
			.kind = TUNNEL_WORLD_CALL, .from_us = S, .until_us = 8 * S });
		tunnel_world_run(w, 5 * S);
		tunnel_world_cut(w, cut, true, true, true);
		tunnel_world_run(w, 9 * S);
		const struct tunnel_world_flow *got = tunnel_world_flow(w, call);
		assert_int_equal(got->received, got->sent);
		assert_int_equal(got->twice, 0);
		assert_true(got->gap_us < 60 * MS);
		tunnel_world_destroy(w);
	}
}

/* To the port of QUIC, too: what is long begins where 500 KB are there first, a call where
 * its next packet is. */
static void test_real_time_is_no_long_flow(void **state)
{
	struct tunnel_world_args args = { .seed = 1 };
	struct tunnel_world *w;

	lab_add(&args, 4, 4, 5, 100);
	lab_add(&args, 50, 50, 40, 100);
	w = tunnel_world_create(&args);
	assert_non_null(w);
	for (unsigned up = 0; up < 2; up++) /* both are tried */
		tunnel_world_add(w, &(struct tunnel_world_flow_args){
			.kind = TUNNEL_WORLD_QUIC, .cc = &cc_cubic, .up = up, .from_us = S });
	tunnel_world_run(w, 6 * S);
	unsigned call = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_CALL, .dscp = 46, .from_us = 6 * S });
	tunnel_world_run(w, 7 * S);
	double p50_ms = tunnel_world_delay_us(w, call, 0.5) / 1e3;
	print_message("call p50 %.1f ms\n", p50_ms);
	assert_true(p50_ms < 30);
	tunnel_world_destroy(w);
}

/* Where much says that it is real time, its copies take a tenth of the path. */
static void test_copies_are_bounded(void **state)
{
	struct tunnel_world_args args = s1();
	struct tunnel_world *w = tunnel_world_create(&args);
	struct tunnel_stats stats;

	assert_non_null(w);
	for (unsigned side = 0; side < 2; side++)
		tunnel_double(tunnel_world_tunnel(w, side), true);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .dscp = 46, .from_us = S,
		.rate_bps = (uint64_t)(8 * MBIT) });
	tunnel_world_run(w, 11 * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, flow);
	tunnel_stats(tunnel_world_tunnel(w, false), &stats);
	uint64_t sent = stats.path[0].tx_bytes + stats.path[1].tx_bytes;
	assert_int_equal(got->twice, 0);
	assert_true(sent < got->bytes * 108 / 100 + 12 * COPY_FLOW_BPS);
	assert_true(sent > got->bytes + 8 * COPY_FLOW_BPS);
	tunnel_world_destroy(w);
}

/* What is no call but says so, at more than the link carries, waits here and not there. */
static void test_a_flood_that_says_real_time(void **state)
{
	struct tunnel_world_args args = one_path();
	struct tunnel_world *w = tunnel_world_create(&args);

	assert_non_null(w);
	unsigned flood = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .dscp = 46, .from_us = S,
		.rate_bps = (uint64_t)(80 * MBIT) });
	unsigned call = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_CALL, .dscp = 46, .from_us = S });
	tunnel_world_run(w, 4 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 10 * S);
	double p99_ms = tunnel_world_delay_us(w, call, 0.99) / 1e3;
	double mbit = (double)tunnel_world_flow(w, flood)->bytes / 6 / MBIT;
	print_message("%.1f Mbit/s; call p99 %.1f ms, %u lost\n", mbit, p99_ms,
	              (unsigned)lost_of(tunnel_world_flow(w, call), 3));
	assert_true(mbit > 40);
	assert_true(p99_ms < 40);
	assert_int_equal(lost_of(tunnel_world_flow(w, call), 3), 0);
	tunnel_world_destroy(w);
}

/* And leaves what does not say so its half of the link. */
static void test_a_flood_that_says_real_time_starves_nobody(void **state)
{
	struct tunnel_world_args args = one_path();
	struct tunnel_world *w = tunnel_world_create(&args);

	assert_non_null(w);
	tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .dscp = 46, .from_us = S,
		.rate_bps = (uint64_t)(80 * MBIT) });
	unsigned small = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .packet = 200, .from_us = S,
		.rate_bps = (uint64_t)(4 * MBIT) });
	tunnel_world_run(w, 2 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 6 * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, small);
	double p99_ms = tunnel_world_delay_us(w, small, 0.99) / 1e3;
	print_message("%u of %u, p99 %.1f ms\n", (unsigned)got->received,
	              (unsigned)got->sent, p99_ms);
	assert_int_equal(lost_of(got, 200), 0);
	assert_true(p99_ms < 60);
	tunnel_world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_path_is_used_whole),
		cmocka_unit_test(test_a_far_path_is_used_for_the_most),
		cmocka_unit_test(test_equal_paths_add_up),
		cmocka_unit_test(test_uneven_paths_add_up_for_cubic),
		cmocka_unit_test(test_bbr_is_not_slower_than_on_its_best_path),
		cmocka_unit_test(test_a_lossy_path_does_not_slow_cubic),
		cmocka_unit_test(test_cubic_goes_where_nothing_is_lost),
		cmocka_unit_test(test_a_rate_arrives_in_order),
		cmocka_unit_test(test_a_rate_begins_in_order_and_whole),
		cmocka_unit_test(test_a_rate_takes_links_that_lose),
		cmocka_unit_test(test_a_far_link_that_is_better_is_found),
		cmocka_unit_test(test_a_busy_machine_is_no_slow_path),
		cmocka_unit_test(test_a_silent_cut_moves_the_call),
		cmocka_unit_test(test_a_doubled_call_loses_nothing_in_a_cut),
		cmocka_unit_test(test_copies_are_bounded),
		cmocka_unit_test(test_real_time_is_no_long_flow),
		cmocka_unit_test(test_a_flood_that_says_real_time),
		cmocka_unit_test(test_a_flood_that_says_real_time_starves_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * The whole world: what flows get of its paths, that it is the same each time,
 * and what a cut does.
 */
#include "flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define S 1000000u
#define PAYLOAD (1448.0 / 1518.0)

static const struct flow_path one = { 50, 20, 10, 100, 0 };
static const struct flow_path two[] = {
	{ 50, 20, 5, 100, 0 }, { 20, 10, 30, 100, 0 },
};

/* What a flow gets after a while; never more in all than the paths bring. */
static double steady_mbps(const char *congestion, unsigned paths,
                          const struct flow_path *each, double limit)
{
	struct world_args args;
	struct flows f;

	flow_args(&args, congestion, paths, each);
	flows_start(&f, &args);
	struct flow *flow = flow_add(&f, FLOW_ENDLESS);
	flow_mbps(flow, 3 * S);
	double got = flow_mbps(flow, 5 * S);
	assert_null(f.over);
	assert_int_equal(f.wrong_bytes, 0);
	assert_true((double)flow->received * 8 / (8 * S) <= limit);
	print_message("%s: %.1f of %.1f\n", congestion, got, limit);
	flows_finish(&f);
	return got;
}

static void test_bulk_gets_the_path(void **state)
{
	for (unsigned i = 0; i < cc_count; i++) {
		double got = steady_mbps(cc_all[i]->name, 1, &one, 50 * PAYLOAD);
		assert_true(got >= 0.9 * 50 * PAYLOAD);
	}
}

static void test_bulk_gets_both_paths(void **state)
{
	for (unsigned i = 0; i < cc_count; i++) {
		double got = steady_mbps(cc_all[i]->name, 2, two, 70 * PAYLOAD);
		assert_true(got >= 0.9 * 70 * PAYLOAD);
	}
}

static uint64_t run_hash(uint64_t seed, const char *congestion, uint64_t *events)
{
	struct flow_path lossy[] = { { 50, 20, 5, 100, 1 }, { 20, 10, 30, 50, 0 } };
	struct world_args args;
	struct flows f;

	flow_args(&args, congestion, 2, lossy);
	args.seed = seed;
	args.paths[1].down.jitter_us = 3000;
	flows_start(&f, &args);
	for (int i = 0; i < 3; i++)
		flow_add(&f, 2000000);
	world_run(f.world, WORLD_START_US + 4 * S);
	assert_null(f.over);
	*events = world_events_count(f.world);
	uint64_t hash = f.hash;
	flows_finish(&f);
	return hash;
}

static void test_seed_decides_all(void **state)
{
	for (unsigned i = 0; i < cc_count; i++) {
		uint64_t events[3];
		const char *name = cc_all[i]->name;
		uint64_t first = run_hash(1, name, &events[0]);
		uint64_t same = run_hash(1, name, &events[1]);
		uint64_t other = run_hash(2, name, &events[2]);
		assert_true(first == same);
		assert_int_equal(events[0], events[1]);
		assert_true(first != other);
	}
}

static void test_loss_is_mended_in_order(void **state)
{
	struct flow_path lossy = { 50, 20, 10, 100, 3 };

	for (unsigned i = 0; i < cc_count; i++) {
		struct world_args args;
		struct flows f;
		flow_args(&args, cc_all[i]->name, 1, &lossy);
		flows_start(&f, &args);
		struct flow *flow = flow_add(&f, 3000000);
		world_run(f.world, WORLD_START_US + 60 * S);
		assert_true(flow->done_us);
		assert_int_equal(flow->received, 3000000);
		assert_int_equal(f.wrong_bytes, 0);
		struct world_link_state state_down;
		world_link_state(f.world, 0, true, &state_down);
		assert_true(state_down.lost_frames > 20);
		flows_finish(&f);
	}
}

static void test_cut_and_restored(void **state)
{
	struct world_args args;
	struct flows f;

	flow_args(&args, "bbr", 2, two);
	flows_start(&f, &args);
	struct flow *flow = flow_add(&f, FLOW_ENDLESS);
	flow_mbps(flow, 3 * S);
	world_cut(f.world, 0, true);
	flow_mbps(flow, 2 * S);
	double alone = flow_mbps(flow, 4 * S);
	world_cut(f.world, 0, false);
	flow_mbps(flow, 4 * S);
	double both = flow_mbps(flow, 4 * S);
	print_message("cut %.1f, restored %.1f\n", alone, both);
	assert_true(alone >= 0.85 * 20 * PAYLOAD && alone <= 20 * PAYLOAD);
	assert_true(both >= 0.85 * 70 * PAYLOAD);
	assert_null(f.over);
	assert_int_equal(f.wrong_bytes, 0);
	flows_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_gets_the_path),
		cmocka_unit_test(test_bulk_gets_both_paths),
		cmocka_unit_test(test_seed_decides_all),
		cmocka_unit_test(test_loss_is_mended_in_order),
		cmocka_unit_test(test_cut_and_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: srpt_ecf by table: which streams a slow path is given while the fast one
 * is full; and on ideal links against what is possible. Fast takes 10 ms and a
 * byte a microsecond, slow 40 ms and as much; a piece is of 1,000 bytes, so
 * slow is taken where E * 17/16 >= 41 ms: from K = 28,589 on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "scheduler/scheduler.h"
#include "tests/unit/scheduler/fluid.h"

#include <string.h>

#define NOW_US 1000000u
#define MBPS 1000000u
#define MBIT 125000u
#define WAIT (-1)

struct row {
	const char *about;
	uint64_t left, ahead, queued;
	uint64_t fast_room;
	int want;
};

static const struct row rows[] = {
	{ "short: waits for fast", 28588, 0, 0, 0, WAIT },
	{ "long: slow will do", 28589, 0, 0, 0, 1 },
	{ "short, but behind others", 1000, 27589, 0, 0, 1 },
	{ "short, behind fewer", 1000, 27588, 0, 0, WAIT },
	{ "how much is queued in all is no matter", 1000, 0, 1000000, 0, WAIT },
	{ "fast has room: the first stream", 1000000, 0, 0, 5000, 0 },
	{ "no overflow", UINT64_MAX - 1, UINT64_MAX - 1, 0, 0, 1 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct sched_path paths[2] = {
			{ .rate_bps = MBPS, .min_rtt_us = 20000, .srtt_us = 20000,
			  .mss = 1000, .backlog_bytes = 20000,
			  .room_bytes = row->fast_room },
			{ .rate_bps = MBPS, .min_rtt_us = 80000, .srtt_us = 80000,
			  .mss = 1000, .room_bytes = 5000 },
		};
		struct sched_unit unit = {
			.len_bytes = 1000, .pending_bytes = 1000,
			.left_bytes = row->left,
			.ahead_bytes = row->ahead, .queued_bytes = row->queued };
		struct sched_view view = { NOW_US, paths, 2, &unit };
		struct sched_decision got;
		sched_find("srpt_ecf")->pick(NULL, NULL, &view, &got);
		int path = got.verdict == SCHED_SEND ? __builtin_ctz(got.mask)
		                                     : WAIT;
		if (path != row->want)
			fail_msg("%s: %d, not %d", row->about, path, row->want);
		assert_true(path != WAIT || got.wait_for == 0);
	}
}

static uint64_t mean_us(const char *name, struct fluid f)
{
	f.ops = sched_find(name);
	fluid_run(&f);
	return fluid_mean_us(&f);
}

/* Twenty equal objects, delays 15 and 50 ms: the pool's order is worth much. */
static void test_equal_streams(void **state)
{
	struct fluid f = {
		.paths = { { 20 * MBIT, 15000 }, { 20 * MBIT, 50000 } },
		.path_count = 2, .stream_count = 20,
	};

	for (int k = 0; k < 20; k++)
		f.sizes[k] = 100000;
	uint64_t mean = mean_us("srpt_ecf", f);
	assert_true(mean <= fluid_mean_bound_us(&f) * 105 / 100);
	assert_true(mean * 10 <= mean_us("lowrtt", f) * 7);
	f.sizes_unknown = true;
	assert_true(mean_us("srpt_ecf", f) <= fluid_mean_bound_us(&f) * 120 / 100);
}

/* Pages: objects of 2 KB to half a MB, over links like the lab's S2 and S3, and
 * with a satellite. */
static void test_mixed_streams(void **state)
{
	static const struct fluid_path links[][3] = {
		{ { 50 * MBIT, 5000 }, { 20 * MBIT, 30000 } },
		{ { 30 * MBIT, 10000 }, { 60 * MBIT, 25000 },
		  { 20 * MBIT, 300000 } },
		{ { 50 * MBIT, 5000 }, { 20 * MBIT, 150000 } },
	};

	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct rand r = { seed };
		struct fluid f = { .stream_count = 40 };
		f.path_count = seed % 3 == 1 ? 3 : 2;
		memcpy(f.paths, links[seed % 3], sizeof(links[0]));
		for (int k = 0; k < 40; k++)
			f.sizes[k] = UINT64_C(2000) << rand_below(&r, 9);
		uint64_t mean = mean_us("srpt_ecf", f);
		assert_true(mean <= fluid_mean_bound_us(&f) * 115 / 100);
		assert_true(mean < mean_us("ecf", f));
		assert_true(mean < mean_us("lowrtt", f));
		f.sizes_unknown = true;
		assert_true(mean_us("srpt_ecf", f) <= mean * 5 / 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_equal_streams),
		cmocka_unit_test(test_mixed_streams),
	};

	return cmocka_run_group_tests_name("scheduler/srpt_ecf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: ecf by table: a fast path of 20 ms and 100,000 bytes a round trip that
 * is full, a slow one of 100 ms with room, and how much is queued. Worked by
 * hand from the paper's two conditions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"
#include "tests/unit/scheduler/fluid.h"

#include <string.h>

#define NOW_US 1000000u
#define CWND 100000u
#define MBIT 125000u

/* Fast: done with k after (1 + k / CWND) * 20 ms. Slow: 100 ms + sigma. */
struct row {
	const char *about;
	uint64_t queued_bytes, slow_cwnd_bytes, sigma_us;
	bool waiting;            /* before */
	bool wait, waiting_then; /* and then */
};

static const struct row rows[] = {
	{ "fast needs 99 ms: wait", 395000, CWND, 0, false, true, true },
	{ "fast needs 101 ms: send", 405000, CWND, 0, false, false, false },
	{ "124 ms, it waits already: still", 520000, CWND, 0, true, true, true },
	{ "126 ms, it waited: no more", 530000, CWND, 0, true, false, false },
	{ "sigma is in favour of waiting", 405000, CWND, 10000, false, true, true },
	{ "and is weighed with beta too", 570000, CWND, 20000, true, true, true },
	{ "little: slow takes no less than its 100 ms", 1000, CWND, 0, false, true,
	  true },
	{ "nothing", 0, CWND, 0, true, true, true },
	{ "more follows than is known of", SCHED_UNKNOWN, CWND, 0, true, false,
	  false },
};

static void ask(struct sched_path *paths, unsigned count, uint64_t queued_bytes,
                bool *waiting, struct sched_decision *got)
{
	struct sched_unit unit = { .len_bytes = 1000,
	                           .queued_bytes = queued_bytes };
	struct sched_view view = { NOW_US, paths, count, &unit };
	uint8_t scope[SCHED_SCOPE_BYTES_MAX] = { *waiting };

	sched_find("ecf")->pick(NULL, scope, &view, got);
	*waiting = scope[0];
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct sched_path paths[] = {
			{ .srtt_us = 20000, .cwnd_bytes = CWND },
			{ .srtt_us = 100000, .cwnd_bytes = row->slow_cwnd_bytes,
			  .rttvar_us = row->sigma_us, .room_bytes = 5000 },
		};
		struct sched_decision got;
		bool waiting = row->waiting;
		ask(paths, 2, row->queued_bytes, &waiting, &got);
		if ((got.verdict == SCHED_WAIT) != row->wait ||
		    waiting != row->waiting_then)
			fail_msg("%s: %s, %s", row->about,
			         got.verdict == SCHED_WAIT ? "wait" : "send",
			         waiting ? "waiting" : "not waiting");
		if (row->wait) {
			assert_int_equal(got.wait_for, 0);
			assert_int_equal(got.recheck_us, NOW_US + 40000);
		} else {
			assert_int_equal(got.mask, 2);
		}
	}
}

/* Slow is not as slow as two round trips of fast: 38 ms for up to its window. */
static void test_not_so_slow(void **state)
{
	struct sched_path paths[] = {
		{ .srtt_us = 20000, .cwnd_bytes = CWND },
		{ .srtt_us = 38000, .cwnd_bytes = CWND / 2, .room_bytes = 5000 },
	};
	struct sched_decision got;
	bool waiting = true;

	ask(paths, 2, 50000, &waiting, &got);
	assert_int_equal(got.verdict, SCHED_SEND);
	assert_true(waiting); /* as it was */
	waiting = false;
	ask(paths, 2, 52000, &waiting, &got);
	assert_int_equal(got.verdict, SCHED_SEND);
	assert_false(waiting);
	ask(paths, 2, 53000, &waiting, &got); /* 40.3 ms, and fast 30.6 */
	assert_int_equal(got.verdict, SCHED_WAIT);
	assert_true(waiting);
	paths[1].rttvar_us = 1000; /* takes 41 ms to be worth it */
	ask(paths, 2, 53000, &waiting, &got);
	assert_int_equal(got.verdict, SCHED_SEND);
}

/* Three paths: the slow one is asked against each faster one. */
static void test_every_faster_path(void **state)
{
	struct sched_path paths[] = {
		{ .srtt_us = 200000, .cwnd_bytes = CWND, .room_bytes = 5000 },
		{ .srtt_us = 20000, .cwnd_bytes = CWND / 20 },
		{ .srtt_us = 40000, .cwnd_bytes = CWND },
	};
	struct sched_decision got;
	bool waiting = false;

	ask(paths, 3, 200000, &waiting, &got); /* the fastest needs 820 ms */
	assert_int_equal(got.verdict, SCHED_WAIT);
	assert_int_equal(got.wait_for, 2);     /* but this one 120 ms */
	paths[2].path_class = SCHED_CLASS_METERED;
	ask(paths, 3, 200000, &waiting, &got);
	assert_int_equal(got.verdict, SCHED_SEND);
}

/* A round-trip time of nothing is none: there is no wait for it. */
static void test_unmeasured(void **state)
{
	struct sched_path paths[] = {
		{ .flags = SCHED_NO_RTT_YET },
		{ .srtt_us = 100000, .cwnd_bytes = CWND, .room_bytes = 5000 },
	};
	struct sched_decision got;
	bool waiting = true;

	ask(paths, 2, 395000, &waiting, &got);
	assert_int_equal(got.verdict, SCHED_SEND);
}

/* Objects over ideal links: the last bytes do not take the slowest path. */
static void test_ideal(void **state)
{
	static const uint64_t sizes[] = { 100000, 1000000, 10000000 };
	struct fluid f = {
		.ops = sched_find("ecf"), .stream_count = 1, .path_count = 3,
		.paths = { { 30 * MBIT, 10000 }, { 60 * MBIT, 25000 },
		           { 20 * MBIT, 300000 } },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		f.sizes[0] = sizes[i];
		fluid_run(&f);
		assert_true(f.done_us[0] <=
		            fluid_bound_us(&f, sizes[i]) * 6 / 5 + 5000);
	}
	assert_true(f.path_bytes[2] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_not_so_slow),
		cmocka_unit_test(test_every_faster_path),
		cmocka_unit_test(test_unmeasured),
		cmocka_unit_test(test_ideal),
	};

	return cmocka_run_group_tests_name("scheduler/ecf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: eat by table, and on ideal links. The fast path takes 10 ms and a byte
 * a microsecond, the slow one 40 ms and as much; a piece is of 1,000 bytes, so
 * by the slow path it is there after 41 ms, when fast has brought 31,000.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"
#include "tests/unit/scheduler/fluid.h"

#define NOW_US 1000000u
#define MBPS 1000000u
#define MBIT 125000u
#define WAIT (-1)

struct row {
	const char *about;
	uint64_t queued_bytes;
	uint64_t fast_backlog, slow_backlog, fast_room, slow_room;
	int want; /* 0: fast, 1: slow */
};

static const struct row rows[] = {
	{ "the faster one", 1000, 0, 0, 5000, 5000, 0 },
	{ "also where much is queued", 1000000, 0, 0, 5000, 5000, 0 },
	{ "fast is full: 31,999 bytes are there before", 31999, 20000, 0, 0, 5000,
	  WAIT },
	{ "of 32,000 the last is not", 32000, 20000, 0, 0, 5000, 1 },
	{ "with 5 ms of queue before fast", 26999, 25000, 0, 0, 5000, WAIT },
	{ "the same", 27000, 25000, 0, 0, 5000, 1 },
	{ "more queue than that of slow takes", 1000, 52000, 0, 5000, 5000, 1 },
	{ "and full too", 1000, 52000, 0, 0, 5000, 1 },
	{ "slow is full: no matter", 1000000, 0, 80000, 5000, 0, 0 },
	{ "slow is full, but earlier", 1000, 60000, 0, 5000, 0, WAIT },
	{ "more follows than is known of", SCHED_UNKNOWN, 20000, 0, 0, 5000, 1 },
};

static int ask(const struct sched_path *paths, unsigned count,
               struct sched_unit unit, struct sched_decision *got)
{
	struct sched_view view = { NOW_US, paths, count, &unit };

	sched_find("eat")->pick(NULL, NULL, &view, got);
	return got->verdict == SCHED_SEND ? __builtin_ctz(got->mask) : WAIT;
}

static void fill(const struct row *row, struct sched_path *paths)
{
	paths[0] = (struct sched_path){
		.rate_bps = MBPS, .min_rtt_us = 20000, .srtt_us = 20000,
		.mss = 1000, .backlog_bytes = row->fast_backlog,
		.room_bytes = row->fast_room };
	paths[1] = (struct sched_path){
		.rate_bps = MBPS, .min_rtt_us = 80000, .srtt_us = 80000,
		.mss = 1000, .backlog_bytes = row->slow_backlog,
		.room_bytes = row->slow_room };
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sched_path paths[2];
		struct sched_decision got;
		struct sched_unit unit = { .len_bytes = 1000,
			.pending_bytes = 1000,
			.queued_bytes = rows[i].queued_bytes };
		fill(&rows[i], paths);
		int path = ask(paths, 2, unit, &got);
		if (path != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].about, path,
			         rows[i].want);
	}
}

static void test_wait(void **state)
{
	struct row row = { "", 0, 25000, 0, 0, 5000, WAIT };
	struct sched_path paths[2];
	struct sched_decision got;
	struct sched_unit unit = { .len_bytes = 1000, .pending_bytes = 1000,
	                           .queued_bytes = 1000 };

	fill(&row, paths);
	assert_int_equal(ask(paths, 2, unit, &got), WAIT);
	assert_int_equal(got.wait_for, 0);
	assert_int_equal(got.recheck_us, NOW_US + 25000); /* drained, and told */
	paths[0].backlog_bytes = 45000;
	assert_int_equal(ask(paths, 2, unit, &got), WAIT);
	assert_int_equal(got.recheck_us, NOW_US + 40000); /* two round trips */
	unit.kind = SCHED_DOUBLE; /* it is not lost: the better path, or none */
	assert_int_equal(ask(paths, 2, unit, &got), WAIT);
	unit.kind = SCHED_REINJECT;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
	unit.kind = SCHED_STREAM;
	unit.tried_mask = 1;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
	unit.tried_mask = 0;
	paths[0].state = SCHED_PATH_SUSPECT;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
}

/* What was never measured is tried, but not waited for. */
static void test_unmeasured(void **state)
{
	struct row row = { "", 0, 20000, 0, 5000, 0, 0 };
	struct sched_path paths[3] = { 0 };
	struct sched_decision got;
	struct sched_unit unit = { .len_bytes = 1000, .pending_bytes = 1000,
	                           .queued_bytes = 1000 };

	fill(&row, paths);
	paths[2].flags = SCHED_NO_RTT_YET;
	assert_int_equal(ask(paths, 3, unit, &got), 0);
	paths[2].room_bytes = 5000;
	assert_int_equal(ask(paths, 3, unit, &got), 2);
}

/* Of a short message no more is counted than there is: by the near path, which
 * is slow, 100 bytes are there after 12 ms, but 1,000 not before 30. */
static void test_short(void **state)
{
	struct sched_path paths[] = {
		{ .rate_bps = 50000, .min_rtt_us = 20000, .srtt_us = 20000,
		  .room_bytes = 5000 },
		{ .rate_bps = MBPS, .min_rtt_us = 50000, .srtt_us = 50000,
		  .room_bytes = 5000 },
	};
	struct sched_decision got;
	struct sched_unit unit = { .len_bytes = 1000, .pending_bytes = 100 };

	assert_int_equal(ask(paths, 2, unit, &got), 0);
	unit.pending_bytes = 1000;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
	unit.pending_bytes = 100; /* of its stream, not of what goes again */
	unit.kind = SCHED_REINJECT;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
}

/* A path of another class is neither waited for nor sent on. */
static void test_classes(void **state)
{
	struct row row = { "", 0, 20000, 0, 0, 5000, 1 };
	struct sched_path paths[2];
	struct sched_decision got;
	struct sched_unit unit = { .len_bytes = 1000, .pending_bytes = 1000,
	                           .queued_bytes = 1000 };

	fill(&row, paths);
	paths[0].path_class = SCHED_CLASS_METERED;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
	paths[0].path_class = SCHED_CLASS_NORMAL;
	paths[1].path_class = SCHED_CLASS_METERED;
	assert_int_equal(ask(paths, 2, unit, &got), WAIT);
	unit.queued_bytes = 1000000;
	assert_int_equal(ask(paths, 2, unit, &got), 1);
	paths[1].path_class = SCHED_CLASS_BACKUP;
	assert_int_equal(ask(paths, 2, unit, &got), WAIT);
}

/* One object over ideal links: within a piece or two of what is possible. */
static void test_ideal(void **state)
{
	static const uint64_t sizes[] = { 20000, 100000, 1000000, 10000000 };
	struct fluid f = {
		.ops = sched_find("eat"), .stream_count = 1, .path_count = 3,
		.paths = { { 30 * MBIT, 10000 }, { 60 * MBIT, 25000 },
		           { 20 * MBIT, 300000 } },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		f.sizes[0] = sizes[i];
		fluid_run(&f);
		assert_true(f.done_us[0] + 2000 >= fluid_bound_us(&f, sizes[i]));
		assert_true(f.done_us[0] <=
		            fluid_bound_us(&f, sizes[i]) * 11 / 10 + 5000);
	}
	assert_true(f.path_bytes[2] > 0); /* 10 MB need the slowest one too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_unmeasured),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_ideal),
	};

	return cmocka_run_group_tests_name("scheduler/eat", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: arrival times, worked by hand, and the pool held against its own
 * definition: what all paths have delivered by then is what was asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "scheduler/arrival.h"

#define MBPS 1000000u /* bytes/s; a byte a microsecond */

struct row {
	const char *about;
	struct sched_path path;
	uint64_t rate_bps, first_us, after_1000_us;
};

static const struct row rows[] = {
	{ "idle", { .rate_bps = MBPS, .min_rtt_us = 20000, .srtt_us = 50000 },
	  MBPS, 10000, 11000 },
	{ "the pipe's fill is no queue",
	  { .rate_bps = MBPS, .min_rtt_us = 20000, .backlog_bytes = 20000 },
	  MBPS, 10000, 11000 },
	{ "what is more than that is",
	  { .rate_bps = MBPS, .min_rtt_us = 20000, .backlog_bytes = 25000 },
	  MBPS, 15000, 16000 },
	{ "at the path's rate",
	  { .rate_bps = MBPS / 2, .min_rtt_us = 20000, .backlog_bytes = 25000 },
	  MBPS / 2, 40000, 42000 },
	{ "by its subflow where the path's backlog is not told",
	  { .rate_bps = MBPS, .min_rtt_us = 20000, .inflight_bytes = 20000,
	    .queued_bytes = 3000 }, MBPS, 13000, 14000 },
	{ "no least round trip: the smoothed one",
	  { .rate_bps = MBPS, .srtt_us = 50000 }, MBPS, 25000, 26000 },
	{ "rate unknown: a window a round trip",
	  { .srtt_us = 20000, .min_rtt_us = 20000, .cwnd_bytes = 10000 },
	  MBPS / 2, 10000, 12000 },
	{ "a rate that was measured is believed",
	  { .rate_bps = MBPS / 4, .srtt_us = 20000, .min_rtt_us = 20000,
	    .cwnd_bytes = 10000 }, MBPS / 4, 10000, 14000 },
	{ "unless nobody asked for more",
	  { .rate_bps = MBPS / 4, .srtt_us = 20000, .min_rtt_us = 20000,
	    .cwnd_bytes = 10000, .flags = SCHED_APP_LIMITED },
	  MBPS / 2, 10000, 12000 },
	{ "and the window is no more than that",
	  { .rate_bps = MBPS, .srtt_us = 20000, .min_rtt_us = 20000,
	    .cwnd_bytes = 10000, .flags = SCHED_APP_LIMITED },
	  MBPS, 10000, 11000 },
	{ "nothing is known", { .mss = 1400 }, 0, 0, 0 },
};

static void test_rows(void **state)
{
	struct sched_unit unit = { .len_bytes = 1000 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct sched_view view = { 0, &row->path, 1, &unit };
		struct arrival a;
		arrival_init(&a, &view);
		if (a.paths[0].rate_bps != row->rate_bps ||
		    a.paths[0].first_us != row->first_us ||
		    arrival_us(&a, 0, 1000) != row->after_1000_us)
			fail_msg("%s: %lu bytes/s, first %lu us, last %lu us",
			         row->about, (unsigned long)a.paths[0].rate_bps,
			         (unsigned long)a.paths[0].first_us,
			         (unsigned long)arrival_us(&a, 0, 1000));
	}
}

/* 1 byte/us after 10 ms, 2 after 30 ms, and one that is suspect. */
static void test_pool(void **state)
{
	struct sched_path paths[] = {
		{ .rate_bps = 2 * MBPS, .min_rtt_us = 60000 },
		{ .rate_bps = 9 * MBPS, .min_rtt_us = 100,
		  .state = SCHED_PATH_SUSPECT },
		{ .rate_bps = MBPS, .min_rtt_us = 20000 },
		{ .rate_bps = 9 * MBPS, .min_rtt_us = 100,
		  .path_class = SCHED_CLASS_METERED },
		{ .srtt_us = 0 },
	};
	struct sched_unit unit = { .len_bytes = 1000 };
	struct sched_view view = { 0, paths, 5, &unit };
	struct arrival a;

	arrival_init(&a, &view);
	assert_int_equal(arrival_pooled_us(&a, 0, 0), 10000);
	assert_int_equal(arrival_pooled_us(&a, 0, 1000), 11000);
	assert_int_equal(arrival_pooled_us(&a, 0, 20000), 30000);
	assert_int_equal(arrival_pooled_us(&a, 0, 20300), 30100);
	assert_int_equal(arrival_pooled_us(&a, 0, 50000), 40000);
	assert_int_equal(arrival_pooled_us(&a, SCHED_CLASS_METERED, 900), 150);
}

static uint64_t delivered(const struct arrival *a, uint64_t by_us)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < a->view->count; i++)
		if (a->paths[i].first_us < by_us)
			bytes += (by_us - a->paths[i].first_us) *
			         a->paths[i].rate_bps / 1000000;
	return bytes;
}

static void test_pool_is_inverse(void **state)
{
	struct rand r = { 7 };

	for (int k = 0; k < 10000; k++) {
		struct sched_path paths[SCHED_PATHS_MAX] = { 0 };
		struct sched_unit unit = { .len_bytes = 1000 };
		struct sched_view view = { 0, paths,
			1 + (unsigned)rand_below(&r, SCHED_PATHS_MAX), &unit };
		struct arrival a;
		uint64_t bytes = 1 + rand_below(&r, 100000000);
		for (unsigned i = 0; i < view.count; i++) {
			paths[i].rate_bps = 8000 + rand_below(&r, 100000000);
			paths[i].min_rtt_us = 1000 + rand_below(&r, 600000);
			paths[i].backlog_bytes = rand_below(&r, 10000000);
		}
		arrival_init(&a, &view);
		uint64_t at_us = arrival_pooled_us(&a, 0, bytes);
		/* Rounded down: a byte where each path joins in, and a
		 * microsecond of all paths. */
		assert_true(delivered(&a, at_us) <= bytes + view.count);
		assert_true(delivered(&a, at_us + 2) + 2 * SCHED_PATHS_MAX >=
		            bytes);
	}
}

/* 100 Gbit/s and 10 s: exact to the microsecond. */
static void test_large(void **state)
{
	struct sched_path paths[] = {
		{ .rate_bps = UINT64_C(12500000000), .min_rtt_us = 10000000,
		  .backlog_bytes = UINT64_C(250000000000) },
		{ .rate_bps = UINT64_C(12500000000), .min_rtt_us = 10000000 },
	};
	struct sched_unit unit = { .len_bytes = 1000 };
	struct sched_view view = { 0, paths, 2, &unit };
	struct arrival a;

	arrival_init(&a, &view);
	assert_int_equal(a.paths[0].first_us, 15000000);
	assert_int_equal(arrival_pooled_us(&a, 0, UINT64_C(250000000000)),
	                 20000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_is_inverse),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("scheduler/arrival", tests, NULL, NULL);
}

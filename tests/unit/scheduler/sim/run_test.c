/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: every kind of load on small worlds: all is delivered, nothing is faster
 * than the paths allow, the same run comes out again, and what goes wrong is
 * said.
 */
#include "scheduler/sim/run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAIN "config scenario\noption title t\noption limit 60s\n"
#define PATHS "config path near\noption rate 20\noption delay 15ms\n" \
	"config path far\noption rate 10\noption delay 40ms\n"
#define LOSSY PATHS "option loss 2\noption jitter 5ms\n"

static struct scenario *parse(const char *text)
{
	struct conf_error error;
	struct scenario *s;

	if (scenario_parse("f", text, strlen(text), NULL, &s, &error))
		fail_msg("%s", error.text);
	return s;
}

static void run_it(const struct scenario *s, const char *scheduler, uint64_t seed,
                   struct run *out)
{
	struct run_setup setup = { .scenario = s, .reinjection = -1, .seed = seed,
	                           .scheduler = sched_find(scheduler) };

	assert_int_equal(run_scenario(&setup, out), 0);
}

/* Runs it well; all items were done, none in no time. */
static void run_well(const char *text, const char *scheduler, struct run *out)
{
	struct scenario *s = parse(text);

	run_it(s, scheduler, 1, out);
	assert_string_equal(out->error, "");
	assert_int_equal(out->load_count, s->load_count);
	for (unsigned i = 0; i < out->load_count; i++)
		for (size_t j = 0; j < out->loads[i].count; j++) {
			const struct run_item *item = &out->loads[i].items[j];
			assert_true(item->end_us != UINT64_MAX);
			assert_true(item->end_us <= out->end_us);
			if (item->end_us - item->start_us < item->bound_us)
				fail_msg("item %zu took %llu us, and needs %llu", j,
				         (unsigned long long)(item->end_us - item->start_us),
				         (unsigned long long)item->bound_us);
		}
	scenario_free(s);
}

static void every_kind_is_delivered(void **state)
{
	static const struct { const char *load; size_t count; } kinds[] = {
		{ "config load l\noption kind batch\noption count 7\nlist size 50000\n",
		  7 },
		{ "config load l\noption kind batch\noption direction up\noption count "
		  "7\nlist size 50000\nlist size 10\n", 7 },
		{ "config load l\noption kind poisson\noption rate 20\noption count 30\n"
		  "option sizes pareto\noption size_min 1000\noption size_max 300000\n",
		  30 },
		{ "config load l\noption kind objects\noption count 4\nlist size 1\n"
		  "list size 200000\n", 4 },
		{ "config load l\noption kind objects\noption direction up\noption count "
		  "4\nlist size 1\nlist size 200000\noption interval 2s\n", 4 },
		{ "config load l\noption kind page\noption count 20\noption sizes "
		  "lognormal\noption size_sum 400000\n", 20 },
		{ "config load l\noption kind page\noption count 20\noption sizes "
		  "lognormal\noption size_sum 400000\noption kept 0\n", 20 },
		{ "config load l\noption kind page\noption count 2\nlist size 9000\n",
		  2 },
		{ "config load l\noption kind video\noption count 6\noption chunk 1s\n"
		  "option buffer 2s\nlist level 1\nlist level 4\nlist level 60\n", 6 },
		{ "config load l\noption kind call\noption count 40\nlist size 160\n",
		  80 },
		{ "config load l\noption kind requests\noption count 8\nlist size "
		  "10240\n", 8 },
		{ "config load l\noption kind requests\noption direction up\noption count "
		  "8\nlist size 10240\n", 8 },
	};
	char text[1024];
	struct run run;

	for (size_t n = 0; n < sched_count; n++)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			snprintf(text, sizeof(text), MAIN "%s%s", LOSSY,
			         kinds[i].load);
			run_well(text, sched_all[n]->name, &run);
			assert_int_equal(run.loads[0].count, kinds[i].count);
			run_finish(&run);
		}
}

static void bulk_fills_the_paths(void **state)
{
	static const char *const ways[] = { "down", "up" };
	double limit = 30 * 125000.0 * 1448 / 1518;
	char text[1024];
	struct run run;

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), MAIN "option direction %s\n" PATHS
		         "config load l\noption kind bulk\noption direction %s\n"
		         "option duration 8s\noption skip 3s\noption count 2\n",
		         ways[i], ways[i]);
		run_well(text, "lowrtt", &run);
		double got = (double)run.loads[0].counted_bytes * 1e6 /
		             (double)run.loads[0].counted_us;
		assert_int_equal(run.loads[0].counted_us, 5000000);
		/* More: a hole closed. */
		if (got > limit * 1.05 || got < limit * 0.8)
			fail_msg("%g of %g", got, limit);
		assert_true(run.path_bytes[0] > run.path_bytes[1]);
		run_finish(&run);
	}
}

static void what_has_no_end_ends_with_the_rest(void **state)
{
	struct run run;

	run_well(MAIN PATHS "config load b\noption kind bulk\n"
	         "config load u\noption kind bulk\noption direction up\noption start "
	         "100ms\n"
	         "config load late\noption kind bulk\noption start 50s\n"
	         "config load o\noption kind objects\noption count 5\nlist size "
	         "100000\noption start 1s\n", "ecf", &run);
	assert_true(run.loads[0].counted_bytes > 1000000);
	assert_true(run.loads[1].counted_bytes > 1000000);
	assert_int_equal(run.loads[2].counted_bytes, 0);
	assert_true(run.end_us < 30000000);
	run_finish(&run);
}

static void a_warm_start_is_faster(void **state)
{
	const char *load = "config load l\noption kind objects\noption count 1\n"
	                   "list size 1000000\n";
	char text[1024];
	struct run cold, warm;

	snprintf(text, sizeof(text), MAIN PATHS "%s", load);
	run_well(text, "lowrtt", &cold);
	snprintf(text, sizeof(text), MAIN "option warmup 2s\n" PATHS "%s", load);
	run_well(text, "lowrtt", &warm);
	assert_int_equal(warm.loads[0].items[0].start_us, 0);
	assert_true(warm.end_us < cold.end_us);
	run_finish(&cold);
	run_finish(&warm);
}

static void a_cut_path_costs_time_and_nothing_else(void **state)
{
	const char *load = "config load l\noption kind objects\noption count 1\n"
	                   "list size 4000000\n";
	char text[1024];
	struct run whole, cut;

	snprintf(text, sizeof(text), MAIN PATHS "%s", load);
	run_well(text, "lowrtt", &whole);
	snprintf(text, sizeof(text), MAIN PATHS "%sconfig cut\noption path near\n"
	         "option at 300ms\noption duration 4s\n", load);
	run_well(text, "lowrtt", &cut);
	assert_true(cut.end_us > whole.end_us * 3 / 2);
	assert_true(cut.path_bytes[1] > whole.path_bytes[1]);
	run_finish(&whole);
	run_finish(&cut);
}

static void paths_that_lose_much_connect_in_the_end(void **state)
{
	struct scenario *s = parse("config scenario\noption title t\nconfig path "
		"a\noption rate 6\noption delay 90ms\noption jitter 29ms\noption "
		"loss 4\nconfig load o\noption kind objects\noption count 2\nlist "
		"size 9000\n");

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct run run;
		run_it(s, "lowrtt", seed, &run);
		assert_string_equal(run.error, "");
		run_finish(&run);
	}
	scenario_free(s);
}

static bool runs_equal(const struct run *a, const struct run *b)
{
	bool equal = a->end_us == b->end_us && a->events == b->events &&
	             !memcmp(a->path_bytes, b->path_bytes, sizeof(a->path_bytes));

	for (size_t i = 0; i < a->loads[0].count; i++)
		equal &= a->loads[0].items[i].end_us == b->loads[0].items[i].end_us;
	return equal;
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct scenario *s = parse(MAIN LOSSY "config load l\noption kind poisson\n"
		"option rate 20\noption count 60\noption sizes pareto\noption "
		"size_min 1000\noption size_max 300000\n");
	struct run first, second, other;

	run_it(s, "ecf", 1, &first);
	run_it(s, "ecf", 1, &second);
	run_it(s, "ecf", 2, &other);
	assert_true(runs_equal(&first, &second));
	assert_false(runs_equal(&first, &other));
	run_finish(&first);
	run_finish(&second);
	run_finish(&other);
	scenario_free(s);
}

static void too_slow_is_an_error(void **state)
{
	struct scenario *s = parse("config scenario\noption title t\noption limit "
		"1s\n" PATHS "config load l\noption kind batch\noption count 9\n"
		"list size 10\nlist size 4000000\n");
	struct run run;

	run_it(s, "lowrtt", 1, &run);
	assert_non_null(strstr(run.error, "not done after 1 s"));
	assert_int_equal(run.loads[0].count, 9);
	assert_true(run.loads[0].items[0].end_us < 1000000);
	assert_true(run.loads[0].items[1].end_us == UINT64_MAX);
	run_finish(&run);
	scenario_free(s);
}

static void too_many_streams_are_an_error(void **state)
{
	struct scenario *s = parse("config scenario\noption title t\noption limit "
		"30s\nconfig path a\noption rate 1\noption delay 700ms\nconfig load l\n"
		"option kind poisson\noption rate 5000\noption count 9000\nlist size "
		"10\n");
	struct run run;

	run_it(s, "lowrtt", 1, &run);
	if (!strstr(run.error, "cannot be opened"))
		fail_msg("it says '%s'", run.error);
	run_finish(&run);
	scenario_free(s);
}

static void bounds_count_all_ways(void **state)
{
	struct scenario *s = parse("config scenario\noption title t\noption host "
		"2ms\nconfig path a\noption rate 15.18\noption rate_up 1.518\noption "
		"delay 10ms\nconfig load d\noption kind batch\noption count 1\nlist "
		"size 1\nconfig load c\noption kind call\noption count 1\nlist size 1\n");

	/* 14.48 and 1.448 Mbit/s of payload: 181 kB take 100 ms, and 1 s. */
	assert_true(fabs(run_bound_us(s, &s->loads[0], false, 181000) - 122e3) < 1);
	assert_true(fabs(run_bound_us(s, &s->loads[0], true, 181000) - 1022e3) < 1);
	assert_true(fabs(run_bound_us(s, &s->loads[1], false, 181000) - 111e3) < 1);
	scenario_free(s);
}

/* What a reader may be sent at first is what such a path holds. */
static void a_fast_and_long_path_is_filled_at_once(void **state)
{
	struct run run;

	run_well(MAIN "option congestion bbr\noption warmup 3s\n"
	         "config path p\noption rate 200\noption delay 60ms\n"
	         "config load l\noption kind objects\noption count 3\n"
	         "list size 10000000\n", "srpt_ecf", &run);
	for (size_t i = 0; i < run.loads[0].count; i++) {
		const struct run_item *item = &run.loads[0].items[i];
		assert_true(item->end_us - item->start_us <
		            item->bound_us + item->bound_us / 20);
	}
	run_finish(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_delivered),
		cmocka_unit_test(bulk_fills_the_paths),
		cmocka_unit_test(what_has_no_end_ends_with_the_rest),
		cmocka_unit_test(a_warm_start_is_faster),
		cmocka_unit_test(a_fast_and_long_path_is_filled_at_once),
		cmocka_unit_test(a_cut_path_costs_time_and_nothing_else),
		cmocka_unit_test(paths_that_lose_much_connect_in_the_end),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(too_slow_is_an_error),
		cmocka_unit_test(too_many_streams_are_an_error),
		cmocka_unit_test(bounds_count_all_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

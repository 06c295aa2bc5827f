/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: scenarios from text: what is read, what is refused and with which words,
 * recorded rates; and scenarios by hand.
 */
#include "scheduler/sim/scenario.h"

#include "scheduler/sim/shipped.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAIN "config scenario\noption title t\n"
#define PATH "config path a\noption rate 20\noption delay 15ms\n"
#define LOAD "config load l\noption kind batch\noption count 3\nlist size 1000\n"

/* scenario_files: one file, "rates", whose text is ctx. */
static int read_rates(void *ctx, const char *name, struct buf *out)
{
	if (strcmp(name, "rates"))
		return -ENOENT;
	return buf_printf(out, "%s", (const char *)ctx);
}

static struct scenario *good(const char *text, const char *rates)
{
	char copy[512];
	struct scenario_files files = { read_rates, copy };
	struct conf_error error;
	struct scenario *s;

	snprintf(copy, sizeof(copy), "%s", rates ? rates : "");
	if (scenario_parse("f", text, strlen(text), &files, &s, &error))
		fail_msg("%s", error.text);
	return s;
}

static void assert_bad(const char *text, const char *rates, const char *want)
{
	char copy[512];
	struct scenario_files files = { read_rates, copy };
	struct conf_error error;
	struct scenario *s;

	snprintf(copy, sizeof(copy), "%s", rates ? rates : "");
	assert_int_not_equal(scenario_parse("f", text, strlen(text), &files, &s,
	                                    &error), 0);
	assert_null(s);
	if (!strstr(error.text, want))
		fail_msg("'%s' is not in '%s'", want, error.text);
}

static void defaults_are_filled_in(void **state)
{
	struct scenario *s = good(MAIN PATH LOAD, NULL);

	assert_string_equal(s->main.title, "t");
	assert_int_equal(s->main.seed, 1);
	assert_int_equal(s->main.repeat, 1);
	assert_int_equal(s->main.bundles, 2);
	assert_string_equal(s->main.order, "auto");
	assert_int_equal(s->main.scheduler_count, 0);
	assert_int_equal(s->paths[0].down_bits, 20000000);
	assert_int_equal(s->paths[0].delay_us, 15000);
	assert_int_equal(s->loads[0].kind, SCENARIO_BATCH);
	assert_int_equal(s->loads[0].count, 3);
	assert_int_equal(s->loads[0].size_bytes[0], 1000);
	assert_int_equal(s->loads[0].request_bytes, 300);
	assert_int_equal(scenario_find_load(s, ""), 0);
	assert_int_equal(scenario_find_path(s, "a"), 0);
	assert_int_equal(scenario_find_path(s, "b"), -1);
	scenario_free(s);
}

static void links_are_in_bytes(void **state)
{
	struct scenario *s = good(MAIN "config path a\noption rate 8.6\n"
		"option rate_up 1\noption delay 20ms\noption jitter 3ms\n"
		"option loss 0.25\noption burst 4\noption queue 50ms\n"
		"config path b\noption rate 0.1\noption queue_packets 400\n" LOAD,
		NULL);
	struct world_link link;

	scenario_link(&s->paths[0], SCENARIO_DOWN, &link);
	assert_int_equal(link.rate_bps, 1075000);
	assert_int_equal(link.delay_us, 20000);
	assert_int_equal(link.jitter_us, 3000);
	assert_int_equal(link.loss_ppm, 2500);
	assert_int_equal(link.loss_burst, 4);
	assert_int_equal(link.queue_bytes, 53750);
	scenario_link(&s->paths[0], SCENARIO_UP, &link);
	assert_int_equal(link.rate_bps, 125000);
	assert_int_equal(link.queue_bytes, 6250);
	scenario_link(&s->paths[1], SCENARIO_UP, &link);
	assert_int_equal(link.rate_bps, 12500);
	assert_int_equal(link.queue_bytes, 400 * 1518);
	scenario_free(s);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct { const char *text, *want; } bad[] = {
		{ PATH LOAD, "f: no section 'scenario'" },
		{ MAIN LOAD, "needs a path" },
		{ MAIN PATH, "needs a load" },
		{ MAIN MAIN PATH LOAD, "f:3: one section 'scenario' too many" },
		{ "config scenaro\n", "f:1: unknown section 'scenaro', did you mean "
		  "'scenario'?" },
		{ MAIN PATH "option spped 4\n" LOAD, "f:6: path 'a': unknown key" },
		{ MAIN "config path a\noption rate fast\n" LOAD,
		  "f:4: path 'a': rate 'fast' is not allowed; allowed: a number" },
		{ MAIN "config path a\noption delay 1ms\n" LOAD,
		  "f:3: path 'a': 'rate' is missing" },
		{ MAIN PATH "option loss 50.1\n" LOAD, "from 0 to 50" },
		{ MAIN PATH "option queue 9ms\noption queue_packets 9\n" LOAD,
		  "f:3: path 'a': queue and queue_packets" },
		{ MAIN PATH "option trace none\n" LOAD,
		  "trace 'none' cannot be read" },
		{ MAIN PATH "config load l\noption count 1\n",
		  "f:6: load 'l': 'kind' is missing: option kind '...'; allowed: "
		  "batch, poisson" },
		{ MAIN PATH "config load l\noption kind bath\n",
		  "f:7: load 'l': kind 'bath', did you mean 'batch'?" },
		{ MAIN PATH LOAD "option rate 5\n",
		  "f:10: load 'l': 'rate' has no meaning for this kind; allowed: "
		  "kind, direction" },
		{ MAIN PATH "config load l\noption kind batch\noption count 3\n",
		  "its size is missing" },
		{ MAIN PATH LOAD "option sizes pareto\n", "size_min" },
		{ MAIN PATH LOAD "option sizes uniform\noption size_min 3\noption "
		  "size_max 2\n", "size_min" },
		{ MAIN PATH LOAD "option sizes lognormal\n", "size_sum" },
		{ MAIN PATH "config load l\noption kind batch\noption count 4001\n"
		  "list size 1\n", "more than 4000 at once" },
		{ MAIN PATH "config load l\noption kind poisson\noption count 100000\n"
		  "list size 1\noption rate 1\n" LOAD, "f:11: a section 'l' is already" },
		{ MAIN PATH "config load m\noption kind poisson\noption count 100000\n"
		  "list size 1\noption rate 1\n" LOAD, "more than 100000 objects" },
		{ MAIN PATH "config load l\noption kind bulk\n", "it has no end" },
		{ MAIN PATH "config load l\noption kind bulk\noption duration 2s\n"
		  "option skip 2s\n", "nothing is left" },
		{ MAIN PATH "config load l\noption kind video\noption count 2\n",
		  "'level' is missing" },
		{ MAIN PATH "config load l\noption kind video\noption count 2\n"
		  "list level 2\nlist level 1\n", "do not grow" },
		{ MAIN PATH "config load l\noption kind video\noption count 2\n"
		  "list level 2\noption buffer 4s\n", "does not hold one chunk" },
		{ MAIN "option scheduler ec\n" PATH LOAD,
		  "f:3: scenario: scheduler 'ec'" },
		{ MAIN "option order shortest\n" PATH LOAD, "f:3: scenario: order "
		  "'shortest' is not allowed; allowed: auto" },
		{ MAIN "option reinjection tali\n" PATH LOAD,
		  "did you mean 'tail'?" },
		{ MAIN "option congestion reno\n" PATH LOAD,
		  "f:1: scenario: congestion 'reno' is not allowed; allowed: " },
		{ MAIN PATH LOAD "config cut\noption path z\noption at 1s\n",
		  "f:10: cut: there is no path 'z'" },
		{ MAIN PATH LOAD "config expect\noption metric mean\noption value 1\n"
		  "option source s\noption word w\n", "'scheduler' is missing" },
		{ MAIN PATH LOAD "config expect\noption metric bound\noption value 1\n"
		  "option source s\noption word w\noption scheduler ecf\n",
		  "has no scheduler" },
		{ MAIN "list scheduler lowrtt\n" PATH LOAD "config expect\noption "
		  "metric mean\noption value 1\noption source s\noption word w\n"
		  "option scheduler ecf\n", "does not run scheduler 'ecf'" },
		{ MAIN PATH LOAD "config expect\noption metric share\noption value 1\n"
		  "option source s\noption word w\noption scheduler ecf\n",
		  "there is no path ''" },
		{ MAIN PATH LOAD "config expect\noption metric mean\noption value 3\n"
		  "option value_max 2\noption source s\noption word w\n"
		  "option scheduler ecf\n", "value_max is below value" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_bad(bad[i].text, NULL, bad[i].want);
}

static void recorded_rates_begin_at_0_and_come_again(void **state)
{
	struct scenario *s = good(MAIN PATH "option trace rates\n" LOAD,
		"# a comment\n100 8\n150.5 0.8\r\n\n300 16");
	struct world_link link;

	scenario_link(&s->paths[0], SCENARIO_DOWN, &link);
	assert_int_equal(link.trace.count, 3);
	assert_int_equal(link.trace.rates[0].at_us, 0);
	assert_int_equal(link.trace.rates[0].rate_bps, 1000000);
	assert_int_equal(link.trace.rates[1].at_us, 50500);
	assert_int_equal(link.trace.rates[1].rate_bps, 100000);
	assert_int_equal(link.trace.rates[2].at_us, 200000);
	assert_int_equal(link.trace.period_us, 349500);
	scenario_link(&s->paths[0], SCENARIO_UP, &link);
	assert_int_equal(link.trace.count, 0);
	scenario_free(s);
}

static void bad_recorded_rates_are_named(void **state)
{
	static const struct { const char *rates, *want; } bad[] = {
		{ "", "rates: fewer than 2 rows" },
		{ "0 1\n", "rates: fewer than 2 rows" },
		{ "0 1\nten 5\n", "rates:2: 'ten 5' is no row; allowed" },
		{ "0 1\n10\n", "rates:2: " }, { "0 1\n10 5 5\n", "rates:2: " },
		{ "0 1\n10 nan\n", "rates:2: " }, { "0 1\n10 -1\n", "rates:2: " },
		{ "0 1\n10 1e9\n", "rates:2: " }, { "-1 1\n", "rates:1: " },
		{ "0 1\n5 2\n5 3\n", "rates:3: its time is not after" },
		{ "0 0\n5 0\n", "nothing ever passes" },
		{ "0 1\n1111111111111111111111111111111111111111111111111111111111111"
		  "111111 2\n", "rates:2: the line is longer" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_bad(MAIN PATH "option trace rates\n" LOAD, bad[i].rates,
		           bad[i].want);
}

static void without_files_none_can_be_named(void **state)
{
	const char *text = MAIN PATH "option trace rates\n" LOAD;
	struct conf_error error;
	struct scenario *s;

	assert_int_not_equal(scenario_parse("f", text, strlen(text), NULL, &s,
	                                    &error), 0);
	assert_non_null(strstr(error.text, "no file can be read here"));
}

static void by_hand_it_is_as_from_a_file(void **state)
{
	struct scenario *file = good(MAIN PATH LOAD, NULL);
	struct scenario *hand = scenario_create();
	struct scenario_path *path = scenario_add_path(hand, "a");
	struct scenario_load *load = scenario_add_load(hand, "l", SCENARIO_BATCH);
	struct conf_error error;

	strcpy(hand->main.title, "t");
	path->down_bits = 20000000;
	path->delay_us = 15000;
	load->count = 3;
	load->size_bytes[load->size_count++] = 1000;
	assert_int_equal(scenario_check(hand, "hand", &error), 0);
	file->main.line = file->paths[0].line = file->loads[0].line = 0;
	assert_memory_equal(file, hand, sizeof(*hand));
	load->count = 0;
	assert_int_not_equal(scenario_check(hand, "hand", &error), 0);
	assert_string_equal(error.text, "hand: load 'l': its count is 0");
	scenario_free(hand);
	scenario_free(file);
}

static void there_is_an_end_to_adding(void **state)
{
	struct scenario *s = scenario_create();

	for (int i = 0; i < SCENARIO_PATHS_MAX; i++)
		assert_non_null(scenario_add_path(s, "p"));
	assert_null(scenario_add_path(s, "p"));
	for (int i = 0; i < SCENARIO_LOADS_MAX; i++)
		assert_non_null(scenario_add_load(s, "l", SCENARIO_BULK));
	assert_null(scenario_add_load(s, "l", SCENARIO_BULK));
	scenario_free(s);
	scenario_free(NULL);
}

static void what_is_shipped_is_good(void **state)
{
	assert_true(shipped_count >= 6);
	for (size_t i = 0; i < shipped_count; i++) {
		const struct shipped *shipped = &shipped_all[i];
		struct conf_error error;
		struct scenario *s;
		if (scenario_parse(shipped->name, shipped->text, shipped->size, NULL,
		                   &s, &error))
			fail_msg("%s", error.text);
		assert_true(shipped->published ? s->expect_count > 0
		                               : s->expect_count == 0);
		scenario_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in),
		cmocka_unit_test(links_are_in_bytes),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(recorded_rates_begin_at_0_and_come_again),
		cmocka_unit_test(bad_recorded_rates_are_named),
		cmocka_unit_test(without_files_none_can_be_named),
		cmocka_unit_test(by_hand_it_is_as_from_a_file),
		cmocka_unit_test(there_is_an_end_to_adding),
		cmocka_unit_test(what_is_shipped_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

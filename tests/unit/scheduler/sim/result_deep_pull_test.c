/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: deep pull, in whole: a download beside a satellite is not silent, by no
 * scheduler, with little memory, among others, while the satellite dies; and
 * it is silent where deep pull is off, else the rest would show nothing.
 */
#include "scheduler/sim/result.h"
#include "scheduler/sim/simsched.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIBRE "config path fibre\noption rate 80\noption rate_up 30\n" \
	"option delay 6ms\noption queue 60ms\n"
#define SATELLITE "config path sat\noption rate 10\noption rate_up 3\n" \
	"option delay 280ms\noption queue 600ms\n"
#define LINKS FIBRE SATELLITE
#define LOSSY_LINKS "config path dsl\noption rate 30\noption rate_up 8\n" \
	"option delay 10ms\noption queue 100ms\n" \
	"config path lte\noption rate 60\noption rate_up 20\noption delay 25ms\n" \
	"option queue 300ms\noption jitter 8ms\noption loss 0.2\n" \
	"config path sat\noption rate 20\noption rate_up 4\noption delay 300ms\n" \
	"option queue 100ms\noption loss 0.1\n"
#define BULK "config load b\noption kind bulk\noption duration 14s\noption skip 4s\n"

static const struct result_choice as_it_says = { .reinjection = -1 };

struct figures {
	double silence_ms, mbit, half_mbit, twice_percent;
};

static struct figures run_on(const char *links, const char *scheduler,
                             const char *main, const char *rest)
{
	struct result_set *set = calloc(1, sizeof(*set));
	struct conf_error error;
	struct scenario *s;
	char text[2048];

	snprintf(text, sizeof(text), "config scenario\noption title t\n"
	         "option congestion bbr\nlist scheduler %s\n%s%s%s", scheduler, main,
	         links, rest);
	if (scenario_parse("f", text, strlen(text), NULL, &s, &error))
		fail_msg("%s", error.text);
	assert_int_equal(result_set_init(set, s), 0);
	assert_int_equal(result_add(set, simsched_find(scheduler), &as_it_says, NULL),
	                 0);
	assert_string_equal(set->runs[0].error, "");
	const struct result *r = &set->runs[0];
	struct figures out = {
		result_metric(set, r, SCENARIO_SILENCE, 0, 0),
		result_metric(set, r, SCENARIO_GOODPUT, 0, 0),
		result_metric(set, r, SCENARIO_WORST_HALF, 0, 0),
		result_metric(set, r, SCENARIO_TWICE, 0, 0),
	};
	print_message("%s: silence %.0f ms, %.1f Mbit/s, at worst %.1f, twice %.1f %%\n",
	              scheduler, out.silence_ms, out.mbit, out.half_mbit,
	              out.twice_percent);
	free(set);
	scenario_free(s);
	return out;
}

static struct figures run(const char *scheduler, const char *main, const char *rest)
{
	return run_on(LINKS, scheduler, main, rest);
}

static void without_it_all_stands_still(void **state)
{
	struct figures f = run("srpt_ecf", "option deep_pull 0\n", BULK);

	assert_true(f.silence_ms > 400);
	assert_true(f.half_mbit < 5);
}

/* Those that wait, and order paths by another clock, too. */
static void no_scheduler_is_silent(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct figures f = run(sched_all[i]->name, "", BULK);
		if (!strcmp(sched_all[i]->name, "redundant"))
			continue; /* it is as fast as the fibre alone */
		assert_true(f.silence_ms < 150);
		assert_true(f.mbit > 70 && f.half_mbit > 35);
		assert_true(f.twice_percent < 4);
	}
}

static void an_upload_is_not_either(void **state)
{
	struct figures f = run("srpt_ecf", "option direction up\n",
	                       BULK "option direction up\n");

	assert_true(f.silence_ms < 150 && f.mbit > 26);
}

/* What the fibre brings must not fill the window behind the satellite's hole. */
static void little_memory_is_enough_for_the_fibre(void **state)
{
	struct figures f = run("srpt_ecf", "option memory 8M\n", BULK);

	assert_true(f.silence_ms < 200 && f.mbit > 65);
}

static void four_share_it(void **state)
{
	struct figures f = run("srpt_ecf", "", BULK "option count 4\n");

	assert_true(f.silence_ms < 400 && f.mbit > 70);
}

static void a_satellite_that_dies_is_not_missed(void **state)
{
	struct figures f = run("srpt_ecf", "", BULK
		"config cut\noption path sat\noption at 7s\noption duration 4s\n");

	assert_true(f.silence_ms < 200);
}

/* The satellite has no queue before what must go again then, though its control
 * doubles without end, as it is never given enough. */
static void a_fibre_that_dies_is_missed_for_a_moment(void **state)
{
	static const unsigned at_s[] = { 6, 7, 8, 10 };
	char rest[200];

	for (unsigned i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		snprintf(rest, sizeof(rest), "config load b\noption kind bulk\n"
		         "option duration %us\noption skip 3s\n"
		         "config cut\noption path fibre\noption at %us\n",
		         at_s[i] + 3, at_s[i]);
		assert_true(run("srpt_ecf", "", rest).silence_ms < 550);
	}
}

/* A satellite with a short queue, beside two that are near: it is not overfilled until
 * it loses, nor given up for that, and what it brings late goes seldom twice. */
static void a_satellite_that_loses_is_used(void **state)
{
	struct figures sum = { 0 };
	char main[40];

	for (unsigned seed = 1; seed <= 4; seed++) {
		snprintf(main, sizeof(main), "option seed %u\n", seed);
		struct figures f = run_on(LOSSY_LINKS, "srpt_ecf", main,
			"config load b\noption kind bulk\noption duration 24s\n"
			"option skip 4s\n");
		assert_true(f.silence_ms < 300);
		sum.mbit += f.mbit / 4;
		sum.twice_percent += f.twice_percent / 4;
	}
	assert_true(sum.mbit > 94);
	assert_true(sum.twice_percent < 2.2);
}

/* What is late of one of them goes by who has it there first, not by who has room. */
static void four_share_those(void **state)
{
	struct figures f = run_on(LOSSY_LINKS, "srpt_ecf", "option seed 2\n",
		"config load b\noption kind bulk\noption duration 24s\n"
		"option skip 4s\noption count 4\n");

	assert_true(f.silence_ms < 300 && f.mbit > 91 && f.twice_percent < 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_it_all_stands_still),
		cmocka_unit_test(no_scheduler_is_silent),
		cmocka_unit_test(an_upload_is_not_either),
		cmocka_unit_test(little_memory_is_enough_for_the_fibre),
		cmocka_unit_test(four_share_it),
		cmocka_unit_test(a_satellite_that_dies_is_not_missed),
		cmocka_unit_test(a_satellite_that_loses_is_used),
		cmocka_unit_test(four_share_those),
		cmocka_unit_test(a_fibre_that_dies_is_missed_for_a_moment),
	};

	return cmocka_run_group_tests_name("sim/deep_pull", tests, NULL, NULL);
}

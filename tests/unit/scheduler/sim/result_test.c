/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: figures: those that can be worked out are right, and the table and the
 * JSON say the same.
 */
#include "scheduler/sim/result.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct result_choice as_it_says = { .reinjection = -1 };

static struct result_set *run_all(const char *text)
{
	const struct sched_ops *schedulers[SCENARIO_SCHEDULERS_MAX];
	struct result_set *set = calloc(1, sizeof(*set));
	struct conf_error error;
	struct scenario *s;

	if (scenario_parse("f", text, strlen(text), NULL, &s, &error))
		fail_msg("%s", error.text);
	assert_int_equal(result_set_init(set, s), 0);
	unsigned count = result_schedulers(s, schedulers, SCENARIO_SCHEDULERS_MAX);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(result_add(set, schedulers[i], &as_it_says, NULL), 0);
	return set;
}

static void free_set(struct result_set *set)
{
	struct scenario *s = (struct scenario *)(uintptr_t)set->scenario;

	free(set);
	scenario_free(s);
}

static double metric(const struct result_set *set, const char *scheduler,
                     enum scenario_metric m, unsigned load, unsigned path)
{
	return result_metric(set, result_find(set, scheduler), m, load, path);
}

#define ONE "config path a\noption rate 15.18\noption delay 10ms\n"
#define TWO ONE "config path b\noption rate 15.18\noption delay 10ms\n"

/* 14.48 Mbit/s of payload: 181 bytes are 0.1 ms, and 20 ms both ways. */
static void limits_are_those_of_the_paths(void **state)
{
	struct result_set *set = run_all("config scenario\noption title t\n"
		"option host 0\nlist scheduler lowrtt\n" ONE
		"config load b\noption kind batch\noption count 3\nlist size 181000\n"
		"config load o\noption kind objects\noption count 2\nlist size 181000\n"
		"config load p\noption kind page\noption count 4\nlist size 181000\n"
		"config load d\noption kind bulk\noption duration 1s\n");

	assert_true(fabs(metric(set, "", SCENARIO_BOUND, 0, 0) - 220) < 0.01);
	assert_true(fabs(metric(set, "", SCENARIO_SHARING, 0, 0) - 320) < 0.01);
	assert_true(fabs(metric(set, "", SCENARIO_BOUND, 1, 0) - 120) < 0.01);
	assert_true(fabs(set->limits[2].total_us - 420e3) < 10);
	assert_true(metric(set, "", SCENARIO_BOUND, 3, 0) == 0);
	assert_true(isnan(metric(set, "", SCENARIO_MEAN, 0, 0)));
	free_set(set);
}

static void figures_fit_together(void **state)
{
	struct result_set *set = run_all("config scenario\noption title t\n"
		"list scheduler lowrtt\nlist scheduler roundrobin\n" TWO
		"config load o\noption kind objects\noption count 20\nlist size 1000\n"
		"list size 200000\noption deadline 40ms\n");

	for (unsigned i = 0; i < 2; i++) {
		const char *name = set->runs[i].scheduler->name;
		const struct result_load *l = &set->runs[i].loads[0];
		assert_string_equal(set->runs[i].error, "");
		assert_int_equal(l->time_us.count, 20);
		assert_int_equal(l->undone, 0);
		assert_true(l->late >= 10 && l->late < 15); /* the large */
		assert_true(metric(set, name, SCENARIO_LATE, 0, 0) ==
		            (double)l->late * 5);
		assert_true((metric(set, name, SCENARIO_P50, 0, 0) > 40) ==
		            (l->late > 10));
		assert_true(metric(set, name, SCENARIO_P99, 0, 0) ==
		            metric(set, name, SCENARIO_LONGEST, 0, 0));
		assert_true(metric(set, name, SCENARIO_SLOWDOWN, 0, 0) >= 1);
		assert_true(metric(set, name, SCENARIO_SLOWDOWN_P99, 0, 0) >=
		            metric(set, name, SCENARIO_SLOWDOWN, 0, 0));
		assert_true(fabs(metric(set, name, SCENARIO_SHARE, 0, 0) +
		                 metric(set, name, SCENARIO_SHARE, 0, 1) - 100) < 1e-6);
		assert_true(fabs(l->total_us - 20 * l->time_us.mean) < 100);
		assert_true(fabs(l->goodput_bps * l->total_us / 1e6 - 2010000) < 1);
	}
	free_set(set);
}

static void repetitions_are_pooled(void **state)
{
	const char *head = "config scenario\noption title t\nlist scheduler lowrtt\n";
	const char *rest = ONE "option loss 3\nconfig load o\noption kind objects\n"
	                   "option count 5\nlist size 20000\n";
	char text[512];
	double sum = 0;

	for (int seed = 4; seed < 7; seed++) {
		snprintf(text, sizeof(text), "%soption seed %d\n%s", head, seed, rest);
		struct result_set *one = run_all(text);
		sum += metric(one, "lowrtt", SCENARIO_MEAN, 0, 0);
		free_set(one);
	}
	snprintf(text, sizeof(text), "%soption seed 4\noption repeat 3\n%s", head,
	         rest);
	struct result_set *all = run_all(text);
	assert_int_equal(all->runs[0].loads[0].time_us.count, 15);
	assert_true(fabs(metric(all, "lowrtt", SCENARIO_MEAN, 0, 0) - sum / 3) <
	            1e-6);
	free_set(all);
}

/* The path is dead for a second, and nothing is resent by another. */
static void a_silence_is_seen(void **state)
{
	struct result_set *set = run_all("config scenario\noption title t\n"
		"list scheduler lowrtt\n" ONE
		"config cut\noption path a\noption at 6s\noption duration 1s\n"
		"config load d\noption kind bulk\noption duration 10s\noption skip 4s\n"
		"config load o\noption kind objects\noption count 1\nlist size 1000\n");
	double silence_ms = metric(set, "lowrtt", SCENARIO_SILENCE, 0, 0);

	assert_true(silence_ms >= 1000 && silence_ms < 3000);
	assert_true(metric(set, "lowrtt", SCENARIO_WORST_HALF, 0, 0) == 0);
	assert_true(metric(set, "lowrtt", SCENARIO_GOODPUT, 0, 0) > 5);
	assert_true(isnan(metric(set, "lowrtt", SCENARIO_SILENCE, 1, 0)));
	free_set(set);
}

static void a_player_that_gets_all_does_not_stall(void **state)
{
	const char *paths[] = { "option rate 30\n", "option rate 1\n" };

	for (int i = 0; i < 2; i++) {
		char text[512];
		snprintf(text, sizeof(text), "config scenario\noption title t\n"
		         "list scheduler lowrtt\nconfig path a\n%sconfig load v\n"
		         "option kind video\noption count 6\noption chunk 2s\noption "
		         "buffer 4s\nlist level 2\n", paths[i]);
		struct result_set *set = run_all(text);
		const struct result_load *l = &set->runs[0].loads[0];
		if (i) { /* it gets half of what it plays */
			assert_true(l->stalled_us > 8e6);
			assert_true(l->quality > 1.9);
		} else {
			assert_true(l->stalled_us == 0);
			assert_true(l->quality == 1);
		}
		free_set(set);
	}
}

static void the_choice_is_obeyed(void **state)
{
	const char *text = "config scenario\noption title t\noption order fifo\n"
		"option reinjection off\nlist scheduler lowrtt\n" ONE
		"config load b\noption kind batch\noption count 2\nlist size 10\n";
	const struct result_choice choice = { REINJECT_DEADLINE,
	                                      order_find("srpt") };
	struct result_set *set = run_all(text);

	assert_string_equal(set->runs[0].policy.order->name, "fifo");
	assert_int_equal(set->runs[0].policy.reinjection, REINJECT_OFF);
	assert_int_equal(result_add(set, sched_find("ecf"), &choice, NULL), 0);
	assert_string_equal(set->runs[1].policy.order->name, "srpt");
	assert_int_equal(set->runs[1].policy.reinjection, REINJECT_DEADLINE);
	assert_ptr_equal(set->runs[1].policy.scheduler[0], sched_find("ecf"));
	free_set(set);
}

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no '%s'", key);
	return value;
}

/* Every figure of the JSON stands in the table, rounded as there. */
static void table_and_json_say_the_same(void **state)
{
	struct result_set *set = run_all("config scenario\noption title 'Its \"name\"'"
		"\n" TWO "config load x\noption kind batch\noption count 5\nlist size "
		"50000\nconfig load d\noption kind bulk\n");
	const struct result_set *sets[] = { set, set };
	char cell[64], *table_text;
	struct buf table, json;

	buf_init(&table, RESULT_TEXT_MAX);
	buf_init(&json, RESULT_TEXT_MAX);
	assert_int_equal(result_table(set, 0, &table), 0);
	assert_int_equal(result_json(sets, 2, &json), 0);
	buf_put(&table, "", 1);
	buf_put(&json, "", 1);
	table_text = (char *)buf_head(&table);
	struct json_object *all = json_tokener_parse((char *)buf_head(&json));
	assert_non_null(all);
	struct json_object *scenarios = get(all, "scenarios");
	assert_int_equal(json_object_array_length(scenarios), 2);
	struct json_object *runs = get(json_object_array_get_idx(scenarios, 1), "runs");
	assert_int_equal(json_object_array_length(runs), set->count);
	for (unsigned i = 0; i < set->count; i++) {
		struct json_object *run = json_object_array_get_idx(runs, i);
		struct json_object *load =
			json_object_array_get_idx(get(run, "loads"), 0);
		const char *name = json_object_get_string(get(run, "scheduler"));
		assert_string_equal(name, set->runs[i].scheduler->name);
		assert_non_null(strstr(table_text, name));
		double mean = metric(set, name, SCENARIO_MEAN, 0, 0);
		double slowdown = metric(set, name, SCENARIO_SLOWDOWN, 0, 0);
		snprintf(cell, sizeof(cell), " %.1f ", mean);
		assert_non_null(strstr(table_text, cell));
		snprintf(cell, sizeof(cell), " %.2f ", slowdown);
		assert_non_null(strstr(table_text, cell));
		assert_true(fabs(mean - json_object_get_double(
			get(load, "mean_ms"))) < 0.00051);
		assert_true(fabs(slowdown - json_object_get_double(
			get(load, "slowdown"))) < 0.00051);
		assert_null(get(run, "error"));
	}
	json_object_put(all);
	buf_finish(&table);
	buf_finish(&json);
	free_set(set);
}

/* On a terminal nothing is wider than it, and nothing lacks; else a row is one
 * line. */
static void the_table_fits_the_terminal(void **state)
{
	struct result_set *set = run_all("config scenario\noption title 'A title "
		"with so many words that no terminal of eighty characters shows it "
		"in one line'\n" TWO "config load x\noption kind batch\noption "
		"count 5\noption deadline 1s\nlist size 50000\n");
	static const char *const words[] = {
		"\n    ", "slowdown ", "its p99 ", "late % ", "twice % ", "a % ", "b % ",
	};
	unsigned lines[2] = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		unsigned line_max = i ? 80 : 0;
		struct buf table;
		buf_init(&table, RESULT_TEXT_MAX);
		assert_int_equal(result_table(set, line_max, &table), 0);
		buf_put(&table, "", 1);
		char *text = (char *)buf_head(&table);
		for (unsigned w = 0; i && w < sizeof(words) / sizeof(words[0]); w++)
			assert_non_null(strstr(text, words[w]));
		for (char *at = text; *at; at += strcspn(at, "\n") + 1, lines[i]++)
			assert_true(!i || strcspn(at, "\n") <= line_max);
		buf_finish(&table);
	}
	/* Title, two paths, how, a blank one, load, heading. */
	assert_int_equal(lines[0], 7 + set->count);
	assert_true(lines[1] > lines[0]);
	free_set(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_those_of_the_paths),
		cmocka_unit_test(figures_fit_together),
		cmocka_unit_test(repetitions_are_pooled),
		cmocka_unit_test(a_silence_is_seen),
		cmocka_unit_test(a_player_that_gets_all_does_not_stall),
		cmocka_unit_test(the_choice_is_obeyed),
		cmocka_unit_test(table_and_json_say_the_same),
		cmocka_unit_test(the_table_fits_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

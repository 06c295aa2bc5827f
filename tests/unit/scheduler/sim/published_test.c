/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: docs/published.md was written from the scenarios as they are: all of it
 * but our figures is the same, and each row has one.
 */
#include "scheduler/sim/published.h"

#include "scheduler/sim/shipped.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS 4 /* the cell, counted from 1 */

/* What is written where nothing was run. */
static void expected(struct buf *out)
{
	buf_init(out, RESULT_TEXT_MAX);
	assert_int_equal(published_head(out), 0);
	for (size_t i = 0; i < shipped_count; i++) {
		const struct shipped *shipped = &shipped_all[i];
		struct conf_error error;
		struct scenario *s;
		if (!shipped->published)
			continue;
		if (scenario_parse(shipped->name, shipped->text, shipped->size, NULL,
		                   &s, &error))
			fail_msg("%s", error.text);
		snprintf(s->main.name, sizeof(s->main.name), "%s", shipped->name);
		assert_int_equal(published_scenario(s, NULL, out), 0);
		scenario_free(s);
	}
	assert_int_equal(buf_put(out, "", 1), 0);
}

/* Takes a line's ours cell out: it is a number. */
static void forget_ours(char *line)
{
	char *cell = line, *end;

	for (int i = 0; i < OURS && cell; i++)
		cell = strchr(cell + (i > 0), '|');
	if (!cell)
		fail_msg("no figure of ours in: %s", line);
	cell++;
	double value = strtod(cell, &end);
	if (end == cell || *end != ' ' || !(value >= 0))
		fail_msg("no figure of ours in: %s", line);
	memmove(cell + 2, end, strlen(end) + 1);
	memcpy(cell, " " PUBLISHED_OURS_UNKNOWN, 2);
}

static void the_file_is_of_the_scenarios(void **state)
{
	struct buf want, got;
	char *want_line, *got_line, *want_rest, *got_rest;

	expected(&want);
	golden_read(PUBLISHED_FILE, &got);
	buf_put(&got, "", 1);
	want_line = strtok_r((char *)buf_head(&want), "\n", &want_rest);
	got_line = strtok_r((char *)buf_head(&got), "\n", &got_rest);
	while (want_line && got_line) {
		if (strstr(want_line, "| " PUBLISHED_OURS_UNKNOWN " |"))
			forget_ours(got_line);
		if (strcmp(want_line, got_line))
			fail_msg("it is old, 'ninja published-doc' writes it;\n"
			         "wanted: %s\ngot:    %s", want_line, got_line);
		want_line = strtok_r(NULL, "\n", &want_rest);
		got_line = strtok_r(NULL, "\n", &got_rest);
	}
	assert_null(want_line);
	assert_null(got_line);
	buf_finish(&want);
	buf_finish(&got);
}

static void cells_hold_what_they_should(void **state)
{
	const char *text = "config scenario one\noption title t\noption note n\n"
		"list scheduler lowrtt\nlist scheduler ecf\nconfig path p\noption rate 8\n"
		"config load l\noption kind objects\noption count 2\nlist size 1000\n"
		"config expect\noption metric share\noption path p\noption scheduler "
		"lowrtt\noption value 99.5\noption value_max 101\noption source a|b\n"
		"option word w\nconfig expect\noption metric mean\noption scheduler ecf\n"
		"option against lowrtt\noption value 0.8\noption source s\noption word w\n";
	const struct result_choice choice = { .reinjection = -1 };
	struct result_set *set = calloc(1, sizeof(*set));
	struct conf_error error;
	struct scenario *s;
	struct buf out;

	if (scenario_parse("f", text, strlen(text), NULL, &s, &error))
		fail_msg("%s", error.text);
	assert_int_equal(result_set_init(set, s), 0);
	assert_int_equal(result_add(set, sched_find("lowrtt"), &choice, NULL), 0);
	assert_int_equal(result_add(set, sched_find("ecf"), &choice, NULL), 0);
	buf_init(&out, RESULT_TEXT_MAX);
	assert_int_equal(published_scenario(s, set, &out), 0);
	buf_put(&out, "", 1);
	const char *got = (const char *)buf_head(&out);
	assert_non_null(strstr(got, "## one: t\n\nn\n\n"));
	assert_non_null(strstr(got, "| share of p, % | lowrtt | 99.5-101 | 100.0 | "
	                            "a\\|b | w |\n"));
	assert_non_null(strstr(got, "| mean | ecf of lowrtt | 0.8 | 1.00 | s | w |\n"));
	buf_finish(&out);
	free(set);
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_of_the_scenarios),
		cmocka_unit_test(cells_hold_what_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

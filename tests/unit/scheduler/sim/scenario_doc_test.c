/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: docs/aggsim.scn.md is what the tables say. GOLDEN_WRITE=1 writes it.
 */
#include "scheduler/sim/result.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void the_manual_is_of_the_tables(void **state)
{
	struct buf text;

	buf_init(&text, RESULT_TEXT_MAX);
	assert_int_equal(scenario_help(&text), 0);
	golden_check(SCENARIO_MANUAL, &text);
	buf_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_is_of_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

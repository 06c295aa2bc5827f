/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: docs/aggd.conf.md is what the key tables say. After a change of them,
 * `ninja -C build conf-doc` writes it anew.
 */
#include "agg/conf/conf.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void manual_is_what_the_tables_say(void **state)
{
	struct buf text;

	buf_init(&text, CONF_PRINT_MAX);
	assert_int_equal(conf_help(&text), 0);
	golden_check(CONF_MANUAL, &text);
	buf_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_is_what_the_tables_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

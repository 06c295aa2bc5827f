/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: code points by name and number, and back.
 */
#include "agg/conf/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void names_are_read(void **state)
{
	static const struct { const char *text; unsigned dscp; } cases[] = {
		{ "CS0", 0 }, { "cs1", 8 }, { "CS7", 56 }, { "AF11", 10 },
		{ "AF43", 38 }, { "af21", 18 }, { "EF", 46 }, { "ef", 46 },
		{ "LE", 1 }, { "0", 0 }, { "07", 7 }, { "63", 63 },
	};
	unsigned dscp;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(conf_dscp_read(cases[i].text, &dscp), 0);
		assert_int_equal(dscp, cases[i].dscp);
	}
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = {
		"", "64", "100", "-1", " 1", "1 ", "0x2", "CS8", "CS", "CS10",
		"AF01", "AF51", "AF10", "AF14", "AF1", "AF111", "EFX", "VA",
	};
	unsigned dscp = 99;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (conf_dscp_read(texts[i], &dscp) != -EINVAL)
			fail_msg("'%s' is not refused", texts[i]);
	assert_int_equal(dscp, 99);
}

static void what_is_printed_reads_the_same(void **state)
{
	char text[CONF_VALUE_TEXT_MAX];
	unsigned again, names = 0;

	for (unsigned dscp = 0; dscp < 64; dscp++) {
		conf_dscp_format(dscp, text);
		assert_int_equal(conf_dscp_read(text, &again), 0);
		assert_int_equal(again, dscp);
		names += text[0] >= 'A';
	}
	assert_int_equal(names, 8 + 12 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_read),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(what_is_printed_reads_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

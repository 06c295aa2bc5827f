/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/cap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define GB UINT64_C(1000000000)

static void test_cost(void **state)
{
	static const struct {
		enum conf_cost configured;
		uint64_t cap, used;
		enum conf_cost is;
	} rows[] = {
		{ CONF_COST_NORMAL, 0, 1000 * GB, CONF_COST_NORMAL },
		{ CONF_COST_NORMAL, 100 * GB, 90 * GB - 1, CONF_COST_NORMAL },
		{ CONF_COST_NORMAL, 100 * GB, 90 * GB, CONF_COST_METERED },
		{ CONF_COST_NORMAL, 100 * GB, 100 * GB - 1, CONF_COST_METERED },
		{ CONF_COST_NORMAL, 100 * GB, 100 * GB, CONF_COST_BACKUP },
		{ CONF_COST_METERED, 100 * GB, 0, CONF_COST_METERED },
		{ CONF_COST_METERED, 100 * GB, 200 * GB, CONF_COST_BACKUP },
		{ CONF_COST_BACKUP, 100 * GB, 95 * GB, CONF_COST_BACKUP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cap_cost(rows[i].configured, rows[i].cap, rows[i].used),
		                 rows[i].is);
}

static void test_words(void **state)
{
	char words[CAP_WORDS_MAX + 1];

	/* 2026-09-21 */
	cap_words(100 * GB, 92 * GB, 5, 1790000000, words);
	assert_string_equal(words, "92.0 GB of its 100 GB are used, until 2026-10-05");
	cap_words(100 * GB, 101 * GB, 31, 1790000000, words);
	assert_string_equal(words, "its cap of 100 GB is used up, until 2026-09-30");
	cap_words(100 * GB, 101 * GB, 21, 1790000000, words);
	assert_string_equal(words, "its cap of 100 GB is used up, until 2026-10-21");
	/* 2026-02-10, of 30 January: not 2 March. */
	cap_words(100 * GB, 101 * GB, 30, 1770681600, words);
	assert_string_equal(words, "its cap of 100 GB is used up, until 2026-02-28");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: single values that no key of aggd's file has, and what is printed of
 * them.
 */
#include "agg/conf/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct conf_rules no_rules;
static const struct conf_key decimal = {
	.type = CONF_DECIMAL, .min = 100000, .max = 10000000000,
};
static const struct conf_key duration = {
	.type = CONF_DURATION, .min = 0, .max = 10000000,
};

static int read(const struct conf_key *key, const char *text, uint64_t *value)
{
	char allowed[CONF_VALUE_TEXT_MAX];

	return conf_value_read(key, &no_rules, text, value, allowed);
}

static void decimals_are_exact_to_a_millionth(void **state)
{
	static const struct { const char *text; uint64_t value; } good[] = {
		{ "0.1", 100000 }, { "1", 1000000 }, { "1.000001", 1000001 },
		{ "8.6", 8600000 }, { "007.50", 7500000 }, { "10000", 10000000000 },
	};
	static const char *const bad[] = {
		"", ".5", "1.", "0.0999", "10000.000001", "1.0000001", "1.2.3",
		"-1", "+1", "1e3", "1 ", " 1", "0x1", "1234567890",
	};
	uint64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(read(&decimal, good[i].text, &value), 0);
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		value = 42;
		assert_int_equal(read(&decimal, bad[i], &value), -EINVAL);
		assert_int_equal(value, 42);
	}
}

static void what_is_printed_reads_the_same(void **state)
{
	static const uint64_t values[] = { 100000, 1000001, 8600000, 120000000 };
	char text[CONF_VALUE_TEXT_MAX];
	uint64_t again;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		conf_value_format(&decimal, &values[i], text);
		assert_int_equal(read(&decimal, text, &again), 0);
		assert_int_equal(again, values[i]);
	}
	assert_string_equal(conf_value_format(&decimal, &values[2], text), "8.6");
	assert_string_equal(conf_value_format(&decimal, &values[3], text), "120");
	assert_string_equal(conf_value_allowed(&decimal, &no_rules, text),
	                    "a number, with a point if need be, from 0.1 to 10000");
}

static void times_have_microseconds(void **state)
{
	char text[CONF_VALUE_TEXT_MAX];
	uint64_t value;

	assert_int_equal(read(&duration, "12500us", &value), 0);
	assert_int_equal(value, 12500);
	assert_string_equal(conf_value_format(&duration, &value, text), "12500us");
	assert_int_equal(read(&duration, "13000us", &value), 0);
	assert_string_equal(conf_value_format(&duration, &value, text), "13ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_are_exact_to_a_millionth),
		cmocka_unit_test(what_is_printed_reads_the_same),
		cmocka_unit_test(times_have_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

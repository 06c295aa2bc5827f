/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/report/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct number {
	uint64_t value;
	const char *text;
};

static void bytes(void **state)
{
	static const struct number cases[] = {
		{ 0, "0 B" },           { 999, "999 B" },
		{ 1000, "1.00 kB" },    { 9994, "9.99 kB" },
		{ 9996, "10.0 kB" },    { 99960, "100 kB" },
		{ 999499, "999 kB" },   { 999500, "1.00 MB" },
		{ 1204000000, "1.20 GB" }, { UINT64_MAX, "18447 PB" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(human_bytes(cases[i].value, buf),
		                    cases[i].text);
}

static void rates(void **state)
{
	static const struct number cases[] = {
		{ 0, "0.0" }, { 5887500, "47.1" }, { 12500000, "100" },
		{ 125000000, "1000" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(human_rate(cases[i].value, buf),
		                    cases[i].text);
}

static void times(void **state)
{
	static const struct number ms[] = {
		{ 80, "0.08 ms" }, { 12345, "12.3 ms" }, { 312345, "312 ms" },
	};
	static const struct number ages[] = {
		{ 999999, "0 s" }, { 59 * 1000000, "59 s" },
		{ 60 * 1000000, "1 min 0 s" }, { 3599 * 1000000ull, "59 min 59 s" },
		{ 3600 * 1000000ull, "1 h 0 min" },
		{ 86400 * 1000000ull, "1 d 0 h" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < COUNT(ms); i++)
		assert_string_equal(human_ms(ms[i].value, buf), ms[i].text);
	for (size_t i = 0; i < COUNT(ages); i++)
		assert_string_equal(human_age(ages[i].value, buf), ages[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(rates),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void slips_are_told_from_other_words(void **state)
{
	static const char *const words[] = { "device", "cost", "enabled", NULL };

	assert_string_equal(words_near(words, "devcie"), "device");
	assert_string_equal(words_near(words, "devices"), "device");
	assert_string_equal(words_near(words, "cots"), "cost");
	assert_string_equal(words_near(words, "enable"), "enabled");
	assert_string_equal(words_near(words, "DEVICE"), "device");
	assert_null(words_near(words, "port"));
	assert_null(words_near(words, "x"));
	assert_null(words_near(words, ""));
}

static void options_are_found(void **state)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL },
	};

	assert_string_equal(words_near_option(options, "--jsno"), "json");
	assert_null(words_near_option(options, "jsno"));
	assert_null(words_near_option(options, "--html"));
}

static void a_word_that_is_not_there_is_none(void **state)
{
	char name[] = "aggctl", x[] = "-x", s[] = "-s", *const argv[] = { name, x, s, NULL };

	assert_string_equal(words_stopped_at(3, argv, 2), "-x");
	assert_string_equal(words_stopped_at(3, argv, 3), "-s");
	assert_string_equal(words_stopped_at(3, argv, 4), "-s"); /* as musl has it */
}

static void lists_are_cut_where_they_must(void **state)
{
	static const char *const words[] = { "a", "bc", "def", NULL };
	char text[8];

	assert_string_equal(words_list(words, text, sizeof(text)), "a, bc, ");
	assert_string_equal(words_list(words + 3, text, sizeof(text)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_told_from_other_words),
		cmocka_unit_test(options_are_found),
		cmocka_unit_test(a_word_that_is_not_there_is_none),
		cmocka_unit_test(lists_are_cut_where_they_must),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

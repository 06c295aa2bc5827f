/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what of others' text reaches a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/printable.h"
#include "agg/base/rand.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void rows(void **state)
{
	static const struct { const char *in, *out; } row[] = {
		{ "", "" },
		{ "plain text, 100 %", "plain text, 100 %" },
		{ "a\\n", "a\\n" },
		{ "B\xc3\xbcro \xe2\x82\xac \xf0\x9f\x90\x9f",
		  "B\xc3\xbcro \xe2\x82\xac \xf0\x9f\x90\x9f" },
		{ "bye\naggd: info: forged", "bye\\x0aaggd: info: forged" },
		{ "\t\r\x1b[2J\x7f", "\\x09\\x0d\\x1b[2J\\x7f" },
		{ "\xc2\x9b" "2J", "\\xc2\\x9b2J" },            /* C1 */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },          /* a new line */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },          /* turned round */
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\x80", "\\x80" },
		{ "\xc3", "\\xc3" },                            /* cut short */
		{ "\xc3x", "\\xc3x" },
		{ "\xc0\x8a", "\\xc0\\x8a" },                   /* overlong */
		{ "\xe0\x80\x8a", "\\xe0\\x80\\x8a" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* too high */
		{ "\xf8\x88\x80\x80", "\\xf8\\x88\\x80\\x80" },
	};
	char out[128];

	for (size_t i = 0; i < COUNT(row); i++) {
		assert_int_equal(printable(out, sizeof(out), row[i].in),
		                 strlen(row[i].out));
		assert_string_equal(out, row[i].out);
	}
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
	char out[6];

	assert_int_equal(printable(out, 6, "abcdefgh"), 5);
	assert_string_equal(out, "abcde");
	assert_int_equal(printable(out, 6, "abcd\xc3\xbc"), 4);
	assert_string_equal(out, "abcd");
	assert_int_equal(printable(out, 6, "ab\n"), 2);
	assert_string_equal(out, "ab");
	assert_int_equal(printable(out, 1, "a"), 0);
	assert_string_equal(out, "");
}

static void whatever_comes_one_line_leaves(void **state)
{
	struct rand r = { 1 };
	char in[64], out[5 * sizeof(in)];

	for (int round = 0; round < 20000; round++) {
		size_t n = rand_below(&r, sizeof(in));
		for (size_t i = 0; i < n; i++)
			in[i] = (char)(1 + rand_below(&r, 255));
		in[n] = 0;
		size_t len = printable(out, sizeof(out), in);
		assert_int_equal(strlen(out), len);
		for (size_t i = 0; i < len; i++)
			assert_true((uint8_t)out[i] >= 0x20 && out[i] != 0x7f);
	}
}

static void what_a_terminal_obeys_is_taken_out(void **state)
{
	char buf[8];

	assert_string_equal(printable_ascii(buf, sizeof(buf), "a\x1b[2J\n"), "a?[2J?");
	assert_string_equal(printable_ascii(buf, sizeof(buf), "\xc3\xa4\x7f"), "???");
	assert_string_equal(printable_ascii(buf, sizeof(buf), "123456789"), "1234567");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole),
		cmocka_unit_test(what_a_terminal_obeys_is_taken_out),
		cmocka_unit_test(whatever_comes_one_line_leaves),
	};

	return cmocka_run_group_tests_name("base/printable", tests, NULL, NULL);
}

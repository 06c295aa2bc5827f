/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the load tool's judgement: any part of a body is the same bytes, and
 * one wrong bit is found where it is.
 */
#include "tests/lab/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 42
#define LEN 1000

static void test_parts_are_the_whole(void **state)
{
	uint8_t whole[LEN], part[LEN];

	body_fill(SEED, 0, whole, LEN);
	for (size_t offset = 0; offset < 40; offset++) {
		for (size_t n = 0; n < 40; n++) {
			body_fill(SEED, offset, part, n);
			assert_memory_equal(part, whole + offset, n);
			assert_int_equal(body_check(SEED, offset, part, n), n);
		}
	}
	body_fill(SEED + 1, 0, part, LEN);
	assert_memory_not_equal(whole, part, LEN);
}

static void test_a_wrong_bit_is_found(void **state)
{
	uint8_t body[LEN];

	for (size_t wrong = 0; wrong < LEN; wrong += 7) {
		body_fill(SEED, 3, body, LEN);
		body[wrong] ^= 0x10;
		assert_int_equal(body_check(SEED, 3, body, LEN), wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_the_whole),
		cmocka_unit_test(test_a_wrong_bit_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the load tool's judgement: any part of a body is the same bytes, and
 * one wrong bit is found where it is. And the sizes that it draws.
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

static void test_sizes_are_drawn_from_the_seed(void **state)
{
	enum { COUNT = 1000, MIN = 100, MAX = 10000 };
	unsigned small = 0, same = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t size = body_size(SEED, i, MIN, MAX);

		assert_in_range(size, MIN, MAX);
		assert_int_equal(size, body_size(SEED, i, MIN, MAX));
		small += size < 1000; /* the middle of the logarithms */
		same += size == body_size(SEED + 1, i, MIN, MAX);
	}
	assert_in_range(small, COUNT * 2 / 5, COUNT * 3 / 5);
	assert_in_range(same, 0, COUNT / 10);
	assert_int_equal(body_size(SEED, 3, 0, MAX), MAX);
	assert_int_equal(body_size(SEED, 3, MIN, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_the_whole),
		cmocka_unit_test(test_a_wrong_bit_is_found),
		cmocka_unit_test(test_sizes_are_drawn_from_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

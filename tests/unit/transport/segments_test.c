/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: bytes out of order against a flag for each byte; and what they cost,
 * however they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "agg/transport/segments.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 200000u
#define SEEDS 60

static uint8_t bytes[SIZE], got[SIZE];
static uint8_t have[SIZE];

static size_t count(uint64_t from, uint64_t to)
{
	size_t n = 0;

	for (uint64_t i = from; i < to; i++)
		n += have[i];
	return n;
}

/* Takes up to `most` bytes; how many. */
static size_t take(struct segments *q, uint64_t at, size_t most)
{
	size_t all = 0, n;
	const uint8_t *p;

	while (all < most && (n = segments_peek(q, at + all, &p))) {
		if (n > most - all)
			n = most - all;
		memcpy(got + at + all, p, n);
		assert_int_equal(segments_release(q, at + all, at + all + n), n);
		all += n;
	}
	return all;
}

static void test_any_order(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct segments q = { 0 };
		struct rand r = { seed };
		uint64_t window = 1024 + rand_below(&r, 100000), at = 0;

		memset(have, 0, sizeof(have));
		for (int i = 0; i < 400 && at + window < SIZE; i++) {
			uint64_t from = at + rand_below(&r, window);
			size_t n = 1 + rand_below(&r, at + window - from);
			if (rand_below(&r, 3) && n > 50)
				n = 50;
			size_t before = count(at, at + window);
			ssize_t fresh = segments_put(&q, at, window, from,
			                             bytes + from, n);
			memset(have + from, 1, n);
			assert_int_equal(fresh, count(at, at + window) - before);
			assert_true(q.held <= segments_cost(window));
			uint64_t whole = at;
			while (whole < SIZE && have[whole])
				whole++;
			size_t most = rand_below(&r, 30000);
			size_t took = take(&q, at, most);
			assert_int_equal(took, most < whole - at ? most : whole - at);
			at += took;
			assert_int_equal(q.bytes, count(at, SIZE));
		}
		assert_memory_equal(got, bytes, at);
		segments_finish(&q);
		assert_int_equal(q.held, 0);
	}
}

/* A window full of single bytes, with a hole after each, costs what was said;
 * and that is not much more than the window. */
static void test_single_bytes(void **state)
{
	for (uint64_t window = 1024; window <= 128 << 10; window *= 2) {
		struct segments q = { 0 };
		for (uint64_t at = 777; at < 777 + window; at += 2)
			assert_int_equal(segments_put(&q, 777, window, at,
			                              bytes + at, 1), 1);
		assert_int_equal(q.bytes, window / 2);
		assert_true(q.held <= segments_cost(window));
		for (uint64_t at = 778; at < 777 + window; at += 2)
			assert_int_equal(segments_put(&q, 777, window, at,
			                              bytes + at, 1), 1);
		assert_int_equal(take(&q, 777, window), window);
		assert_memory_equal(got + 777, bytes + 777, window);
		assert_int_equal(q.held, 0);
	}
	assert_true(segments_cost(1024) <= 2048);
	assert_true(segments_cost(1 << 20) <= (1 << 20) + (1 << 18));
	assert_true(segments_cost(16 << 20) <= (16 << 20) + (2 << 20) + (1 << 17));
}

/* What is passed over counts as far as it was there. */
static void test_release(void **state)
{
	struct segments q = { 0 };

	assert_int_equal(segments_release(&q, 0, 5000), 0);
	assert_int_equal(segments_put(&q, 0, 64 << 10, 10, bytes + 10, 6000), 6000);
	assert_int_equal(segments_put(&q, 0, 64 << 10, 9000, bytes + 9000, 100), 100);
	assert_int_equal(segments_release(&q, 0, 12), 2);
	assert_int_equal(segments_release(&q, 12, 9001), 5999);
	assert_int_equal(q.bytes, 99);
	assert_int_equal(segments_release(&q, 9001, 20000), 99);
	assert_int_equal(q.held, 0);
}

/* The window grows while it is in use. */
static void test_window_grows(void **state)
{
	struct segments q = { 0 };
	uint64_t window = 1024, end = 0;

	for (; end + window + 1 < SIZE; end += window, window *= 2)
		assert_int_equal(segments_put(&q, 0, end + window, end + 1,
		                              bytes + end + 1, window), window);
	assert_int_equal(take(&q, 0, SIZE), 0);
	assert_int_equal(segments_put(&q, 0, window, 0, bytes, 1), 1);
	assert_int_equal(take(&q, 0, SIZE), end + 1);
	assert_memory_equal(got, bytes, end + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_single_bytes),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_window_grows),
	};

	for (uint32_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	return cmocka_run_group_tests_name("transport/segments", tests, NULL, NULL);
}

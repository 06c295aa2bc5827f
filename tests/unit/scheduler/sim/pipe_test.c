/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * What goes into a pipe comes out, record by record, whatever their sizes.
 */
#include "scheduler/sim/pipe.h"

#include "agg/base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 0x9e3779b1u >> 16);
}

/* A record of n bytes in two frames, or one. */
static void put(struct pipe *p, uint64_t *in, size_t n)
{
	for (size_t left = n; left;) {
		size_t part = left > 1 ? left / 2 : 1;
		uint8_t *to = pipe_reserve(p, part);
		assert_non_null(to);
		for (size_t i = 0; i < part; i++)
			to[i] = byte_at((*in)++);
		pipe_commit(p, part);
		left -= part;
	}
	pipe_seal(p);
}

static void take(struct pipe *p, uint64_t *out, uint64_t wire_end, uint32_t most)
{
	uint32_t count;
	size_t n;
	const uint8_t *bytes = pipe_front(p, wire_end, most, &count, &n);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], byte_at((*out)++));
	pipe_pop(p, count);
}

static void test_all_come_out(void **state)
{
	struct pipe p = { 0 };
	struct rand rand = { 1 };
	uint64_t in = 0, out = 0;

	for (int i = 0; i < 5000; i++) {
		/* It runs full, and empty, and full. */
		unsigned puts = i / 500 % 2 ? 1 : 3;
		for (unsigned k = 0; k < puts; k++)
			put(&p, &in, 1 + rand_below(&rand, PIPE_RECORD_MAX));
		take(&p, &out, UINT64_MAX, (uint32_t)rand_below(&rand, 5));
	}
	while (out < in)
		take(&p, &out, UINT64_MAX, 4);
	assert_int_equal(out, in);
	pipe_finish(&p);
}

static void test_whole_records_only(void **state)
{
	struct pipe p = { 0 };
	uint64_t in = 0, out = 0;
	uint32_t count;
	size_t n;

	put(&p, &in, 100);
	put(&p, &in, 200);
	put(&p, &in, 300);
	assert_int_equal(p.wire_bytes, 600 + 3 * PIPE_RECORD_OVERHEAD);
	assert_null(pipe_front(&p, 100 + PIPE_RECORD_OVERHEAD - 1, 4, &count, &n));
	take(&p, &out, 300 + 2 * PIPE_RECORD_OVERHEAD + 299, 4);
	assert_int_equal(out, 300);
	take(&p, &out, p.wire_bytes, 4);
	assert_int_equal(out, 600);
	assert_null(pipe_front(&p, UINT64_MAX, 4, &count, &n));
	assert_int_equal(n, 0);
	pipe_finish(&p);
}

/* The writer may go on while what is at the front is read. */
static void test_read_while_it_grows(void **state)
{
	struct pipe p = { 0 };
	uint64_t in = 0;
	uint32_t count;
	size_t n;

	put(&p, &in, 1000);
	const uint8_t *bytes = pipe_front(&p, UINT64_MAX, 1, &count, &n);
	for (int i = 0; i < 40; i++) /* it grows three times */
		put(&p, &in, PIPE_RECORD_MAX);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], byte_at(i));
	pipe_pop(&p, count);
	uint64_t out = 1000;
	while (out < in)
		take(&p, &out, UINT64_MAX, 4);
	pipe_finish(&p);
}

static void test_limit(void **state)
{
	struct pipe p = { 0 };
	uint64_t in = 0;

	assert_null(pipe_reserve(&p, PIPE_RECORD_MAX + 1));
	while (pipe_reserve(&p, PIPE_RECORD_MAX)) {
		put(&p, &in, PIPE_RECORD_MAX);
		assert_true(in <= PIPE_BYTES_MAX);
	}
	assert_true(in >= PIPE_BYTES_MAX / 2);
	pipe_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_come_out),
		cmocka_unit_test(test_whole_records_only),
		cmocka_unit_test(test_read_while_it_grows),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

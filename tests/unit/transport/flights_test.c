/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the ring of what is in flight.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/budget.h"
#include "agg/transport/flights.h"

#include <errno.h>

static struct budget budget;
static struct flights f;

static void begin(uint64_t max)
{
	budget_init(&budget, max, NULL);
	flights_init(&f, &budget);
}

static int push(uint64_t wire_end)
{
	struct flight flight = { .wire_end = wire_end };

	return flights_push(&f, &flight);
}

/* However head and tail wander, and the ring grows meanwhile. */
static void they_come_out_in_order(void **state)
{
	uint64_t in = 0, out = 0;

	begin(1 << 20);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(push(++in), 0);
		assert_int_equal(flights_at(&f, 0)->wire_end, out + 1);
		assert_int_equal(flights_at(&f, f.len - 1)->wire_end, in);
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(flights_pop(&f).wire_end, ++out);
	}
	assert_int_equal(f.len, in - out);
	assert_true(budget.used > 0);
	flights_finish(&f);
	assert_int_equal(budget.used, 0);
}

static void there_is_a_limit(void **state)
{
	begin(1 << 30);
	for (unsigned i = 0; i < FLIGHTS_MAX; i++)
		assert_int_equal(push(i), 0);
	assert_int_equal(push(1), -ENOBUFS);
	flights_pop(&f);
	assert_int_equal(push(1), 0);
	flights_finish(&f);
}

/* Without memory the first ring is there all the same, and no other. */
static void memory_ends(void **state)
{
	unsigned n = 0;

	begin(1);
	while (push(n) == 0)
		n++;
	assert_in_range(n, 16, 1024);
	assert_int_equal(f.len, n);
	flights_finish(&f);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_out_in_order),
		cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(memory_ends),
	};

	return cmocka_run_group_tests_name("transport/flights", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the byte queue, also against a plain array under random use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/buf.h"
#include "agg/base/budget.h"
#include "agg/base/rand.h"

#include <errno.h>
#include <string.h>

#define MAX 100000
#define LARGE (MAX - 10)
#define RECORD 16406 /* of TLS, with all that is round it */

static void nothing_fits_always(void **state)
{
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(buf_put(&b, "", 0), 0);
	assert_non_null(buf_reserve(&b, 0));
	assert_int_equal(buf_put(&b, "x", 1), -ENOBUFS);
	buf_take(&b, 0);
	buf_finish(&b);
}

static void first_in_first_out(void **state)
{
	struct buf b;

	buf_init(&b, MAX);
	assert_int_equal(buf_put(&b, "abc", 3), 0);
	assert_int_equal(buf_put(&b, "def", 3), 0);
	buf_take(&b, 2);
	assert_int_equal(b.len, 4);
	assert_memory_equal(buf_head(&b), "cdef", 4);
	buf_take(&b, 4);
	assert_int_equal(b.len, 0);
	buf_finish(&b);
}

static void the_limit_holds_to_the_byte(void **state)
{
	struct buf b;

	buf_init(&b, 10);
	assert_int_equal(buf_space(&b), 10);
	assert_int_equal(buf_put(&b, "0123456", 7), 0);
	assert_int_equal(buf_put(&b, "789a", 4), -ENOBUFS);
	assert_null(buf_reserve(&b, 4));
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(b.len, 7);
	assert_int_equal(buf_put(&b, "789", 3), 0);
	assert_int_equal(buf_space(&b), 0);
	buf_take(&b, 1);
	assert_int_equal(buf_put(&b, "a", 1), 0);
	assert_memory_equal(buf_head(&b), "123456789a", 10);
	buf_finish(&b);
}

static void a_reservation_need_not_be_used_up(void **state)
{
	struct buf b;
	uint8_t *to;

	buf_init(&b, MAX);
	to = buf_reserve(&b, 1000);
	assert_non_null(to);
	memcpy(to, "abc", 3);
	buf_added(&b, 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(buf_head(&b), "abc", 3);
	buf_finish(&b);
}

static void an_empty_queue_gives_much_memory_back(void **state)
{
	static const size_t large[] = { RECORD, LARGE };
	struct buf b;

	buf_init(&b, MAX);
	for (int i = 0; i < 2; i++) {
		assert_non_null(buf_reserve(&b, large[i]));
		buf_added(&b, large[i]);
		assert_true(b.cap >= large[i]);
		buf_take(&b, large[i]);
		assert_int_equal(b.cap, 0);
		assert_int_equal(b.max, MAX);
	}
	assert_int_equal(buf_put(&b, "x", 1), 0);
	buf_finish(&b);
}

/* What one returns the next has, and nobody allocates. */
static void empty_queues_pass_memory_on(void **state)
{
	struct buf_spares spares = { 0 };
	struct buf a, b;

	buf_init(&a, LARGE);
	buf_init(&b, LARGE);
	a.keep = b.keep = LARGE;
	buf_borrow(&a, &spares); /* there is none */
	assert_null(a.data);
	buf_return(&a, &spares);
	assert_int_equal(spares.count, 0);
	assert_int_equal(buf_put(&a, "x", 1), 0);
	uint8_t *data = a.data;
	buf_return(&a, &spares); /* it is in use */
	assert_int_equal(spares.count, 0);
	buf_take(&a, 1);
	buf_return(&a, &spares);
	assert_null(a.data);
	assert_int_equal(a.cap, 0);
	buf_borrow(&b, &spares);
	assert_ptr_equal(b.data, data);
	buf_borrow(&b, &spares); /* it has some */
	assert_int_equal(buf_put(&b, "y", 1), 0);
	assert_ptr_equal(b.data, data);
	assert_int_equal(buf_put(&a, "z", 1), 0);
	buf_take(&a, 1);
	buf_take(&b, 1);
	buf_return(&a, &spares);
	buf_return(&b, &spares);
	assert_int_equal(spares.count, 2);
	buf_spares_finish(&spares);
	assert_int_equal(spares.count, 0);
}

static void no_more_spares_than_that(void **state)
{
	struct buf_spares spares = { 0 };
	struct buf b[BUF_SPARES_MAX + 1];

	for (unsigned i = 0; i <= BUF_SPARES_MAX; i++) {
		buf_init(&b[i], MAX);
		assert_non_null(buf_reserve(&b[i], 1));
	}
	for (unsigned i = 0; i <= BUF_SPARES_MAX; i++)
		buf_return(&b[i], &spares);
	assert_int_equal(spares.count, BUF_SPARES_MAX);
	assert_null(b[BUF_SPARES_MAX].data); /* the last is freed */
	buf_spares_finish(&spares);
}

/* What is borrowed is of who has it. */
static void spares_are_of_the_borrowers_budget(void **state)
{
	struct buf_spares spares = { 0 };
	struct budget budget;
	struct buf b;

	buf_init(&b, MAX);
	assert_non_null(buf_reserve(&b, MAX));
	size_t cap = b.cap;
	buf_return(&b, &spares);
	budget_init(&budget, cap, NULL);
	buf_set_budget(&b, &budget);
	buf_borrow(&b, &spares);
	assert_int_equal(budget.used, cap);
	buf_return(&b, &spares);
	assert_int_equal(budget.used, 0);
	budget.max = cap - 1;
	buf_borrow(&b, &spares);
	assert_null(b.data);
	assert_int_equal(budget.used, 0);
	buf_spares_finish(&spares);
}

/* The bytes are a running count: what is in the queue is known from where
 * its ends are. */
static void like_an_array_under_random_use(void **state)
{
	struct rand r = { 1 };
	struct buf b;
	uint64_t first = 0, last = 0;

	buf_init(&b, 5000);
	for (int i = 0; i < 20000; i++) {
		size_t n = rand_below(&r, 700);
		uint8_t bytes[700];
		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)((last + k) * 37);
		if (rand_below(&r, 2)) {
			int want = n > 5000 - (last - first) ? -ENOBUFS : 0;
			assert_int_equal(buf_put(&b, bytes, n), want);
			last += want ? 0 : n;
		} else {
			n = n < b.len ? n : b.len;
			buf_take(&b, n);
			first += n;
		}
		assert_int_equal(b.len, last - first);
		for (size_t k = 0; k < b.len; k += 97)
			assert_int_equal(buf_head(&b)[k],
			                 (uint8_t)((first + k) * 37));
	}
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_fits_always),
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(the_limit_holds_to_the_byte),
		cmocka_unit_test(a_reservation_need_not_be_used_up),
		cmocka_unit_test(an_empty_queue_gives_much_memory_back),
		cmocka_unit_test(empty_queues_pass_memory_on),
		cmocka_unit_test(no_more_spares_than_that),
		cmocka_unit_test(spares_are_of_the_borrowers_budget),
		cmocka_unit_test(like_an_array_under_random_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

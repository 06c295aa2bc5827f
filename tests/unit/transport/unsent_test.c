/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what was never sent is known exactly, whatever was taken in which order;
 * beside it a plain map of bytes.
 */
#include "agg/transport/unsent.h"

#include "agg/base/budget.h"
#include "agg/base/rand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WRITTEN 400u
#define SEEDS 300u

/* Pieces are only names here. */
static struct piece *name(uintptr_t n)
{
	return (struct piece *)n;
}

static void in_order_nothing_is_allocated(void **state)
{
	struct budget b = { .max = 1000 };
	struct unsent u = { .budget = &b };

	assert_int_equal(unsent_head(&u), 0);
	assert_int_equal(unsent_bytes(&u, 30), 30);
	assert_int_equal(unsent_take(&u, unsent_find(&u, 0, 0), 0, 10, name(1)), 0);
	assert_int_equal(unsent_take(&u, unsent_find(&u, 1, 0), 10, 5, name(2)), 0);
	assert_int_equal(unsent_head(&u), 15);
	assert_int_equal(unsent_bytes(&u, 30), 15);
	assert_ptr_equal(unsent_first(&u)->before, name(2));
	unsent_released(&u, name(2));
	assert_null(unsent_first(&u)->before);
	assert_int_equal(b.used, 0);
	unsent_finish(&u);
}

static void a_hole_is_left_and_filled(void **state)
{
	struct budget b = { .max = 1000 };
	struct unsent u = { .budget = &b };

	assert_int_equal(unsent_take(&u, unsent_find(&u, 1, 20), 20, 10, name(7)), 0);
	assert_int_equal(unsent_head(&u), 0);
	assert_int_equal(unsent_bytes(&u, 50), 40);
	assert_true(b.used > 0);
	/* A second one at the same depth goes behind the first. */
	struct unsent_range *range = unsent_find(&u, 1, 25);
	assert_int_equal(range->from, 30);
	assert_ptr_equal(range->before, name(7));
	range = unsent_find(&u, 0, 0);
	assert_int_equal(range->to, 20);
	assert_null(range->before);
	assert_int_equal(unsent_take(&u, range, 0, 20, name(8)), 0);
	assert_int_equal(unsent_head(&u), 30);
	assert_ptr_equal(unsent_first(&u)->before, name(7));
	assert_int_equal(b.used, 0);
	unsent_finish(&u);
}

static void the_number_of_holes_has_a_limit(void **state)
{
	struct unsent u = { 0 };
	uint64_t at = 10;

	for (unsigned i = 0; i < UNSENT_RANGES_MAX; i++, at += 10)
		assert_int_equal(unsent_take(&u, unsent_find(&u, 0, at), at, 5,
		                             name(1)), 0);
	assert_int_equal(unsent_take(&u, unsent_find(&u, 0, at), at, 5, name(1)),
	                 -ENOSPC);
	assert_int_equal(unsent_take(&u, unsent_find(&u, 1, 0), 0, 5, name(1)), 0);
	assert_int_equal(unsent_head(&u), 5);
	unsent_finish(&u);
	assert_int_equal(unsent_head(&u), 0);
}

static void check(struct unsent *u, const uint8_t *sent, uint64_t end)
{
	const struct unsent_range *range = unsent_first(u);
	uint64_t count = 0;

	for (uint64_t at = 0; at < WRITTEN; at++) {
		count += !sent[at] && at < end;
		while (range->to <= at)
			range = range->next;
		assert_int_equal(at < range->from, sent[at] != 0);
		if (at + 1 == range->from)
			assert_ptr_equal(range->before, name(sent[at]));
	}
	assert_int_equal(unsent_bytes(u, end), count);
}

static void any_order(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rand r = { seed };
		struct unsent u = { 0 };
		uint8_t sent[WRITTEN] = { 0 };
		for (unsigned i = 1; i < 120; i++) {
			uint64_t want = rand_below(&r, 3) ? rand_below(&r, WRITTEN) : 0;
			unsigned path = (unsigned)rand_below(&r, UNSENT_CURSORS);
			struct unsent_range *range = unsent_find(&u, path, want);
			uint64_t at = want > range->from ? want : range->from;
			uint64_t len = 1 + rand_below(&r, 20);
			if (at + len > range->to)
				len = range->to - at;
			if (at + len > WRITTEN)
				continue;
			assert_int_equal(unsent_take(&u, range, at, (uint32_t)len,
			                             name(i)), 0);
			memset(sent + at, (int)i, len);
			check(&u, sent, WRITTEN);
		}
		unsent_finish(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_nothing_is_allocated),
		cmocka_unit_test(a_hole_is_left_and_filled),
		cmocka_unit_test(the_number_of_holes_has_a_limit),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests_name("transport/unsent", tests, NULL, NULL);
}

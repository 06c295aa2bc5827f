/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the orders of streams: which of two comes first, by each order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/order.h"
#include "scheduler/scheduler.h"

#include <string.h>

/* Burst 1 came first; a is short with a known end, and so on. */
#define A { .burst = 3, .remaining_bytes = 5000, .pending_bytes = 5000 }
#define B { .burst = 2, .remaining_bytes = 90000, .pending_bytes = 20000, \
            .sent_bytes = 1000000 }
#define C { .burst = 1, .bulk = true, .remaining_bytes = SCHED_UNKNOWN, \
            .sent_bytes = 30000, .pending_bytes = 1000 }
#define D { .burst = 4, .bulk = true, .remaining_bytes = SCHED_UNKNOWN, \
            .sent_bytes = 100, .pending_bytes = 2000 }

static const struct {
	const char *name;
	const char *want; /* of A to D, by key; '=' between equal ones */
	bool in_turn, bulk_yields;
} rows[] = {
	{ "roundrobin", "A=B=C=D", true, false },
	{ "fifo", "C B A D", false, false },
	{ "priority", "A=B C=D", true, true },
	{ "srpt", "D A C B", false, true },
};

static void sort(const uint64_t *keys, char *out)
{
	unsigned order[4] = { 0, 1, 2, 3 };

	for (int k = 0; k < 3; k++)
		for (int i = 0; i < 3; i++)
			if (keys[order[i]] > keys[order[i + 1]]) {
				unsigned swap = order[i];
				order[i] = order[i + 1];
				order[i + 1] = swap;
			}
	for (int i = 0; i < 4; i++) {
		*out++ = (char)('A' + order[i]);
		if (i < 3)
			*out++ = keys[order[i]] == keys[order[i + 1]] ? '=' : ' ';
	}
	*out = '\0';
}

static void test_orders(void **state)
{
	static const struct order_stream streams[] = { A, B, C, D };

	assert_int_equal(order_count, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < order_count; i++) {
		const struct order_ops *order = order_find(rows[i].name);
		uint64_t keys[4];
		char got[8];
		assert_non_null(order);
		for (int k = 0; k < 4; k++)
			keys[k] = order->key(&streams[k]);
		sort(keys, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].name, got,
			         rows[i].want);
		assert_int_equal(order->in_turn, rows[i].in_turn);
		assert_int_equal(order->bulk_yields, rows[i].bulk_yields);
	}
}

static void test_left(void **state)
{
	/* The end is known: neither age nor what waits says more. */
	assert_int_equal(order_left(0, 70, 0), 0);
	assert_int_equal(order_left(10, 70, 5), 10);
	/* It is not: as much as was sent, and what waits at least. */
	assert_int_equal(order_left(SCHED_UNKNOWN, 70, 5), 70);
	assert_int_equal(order_left(SCHED_UNKNOWN, 5, 70), 70);
	assert_int_equal(order_left(SCHED_UNKNOWN, 0, 0), 0);
}

/* A stream with no known end goes back with every byte it sends. */
static void test_srpt_ages(void **state)
{
	const struct order_ops *srpt = order_find("srpt");
	struct order_stream known = { .remaining_bytes = 50000 };
	struct order_stream unknown = { .remaining_bytes = SCHED_UNKNOWN,
	                                .pending_bytes = 1000 };

	assert_true(srpt->key(&unknown) < srpt->key(&known));
	unknown.sent_bytes = 49999;
	assert_true(srpt->key(&unknown) < srpt->key(&known));
	unknown.sent_bytes = 50001;
	assert_true(srpt->key(&unknown) > srpt->key(&known));
}

static void test_names(void **state)
{
	assert_null(order_find("shortest"));
	assert_null(order_find(""));
	for (size_t i = 0; i < order_count; i++) {
		assert_ptr_equal(order_find(order_all[i]->name), order_all[i]);
		assert_true(order_all[i]->summary && order_all[i]->summary[0]);
	}
	for (size_t i = 0; i < sched_count; i++)
		if (!order_find(sched_all[i]->order))
			fail_msg("%s: order %s", sched_all[i]->name,
			         sched_all[i]->order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_srpt_ages),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("scheduler/order", tests, NULL, NULL);
}

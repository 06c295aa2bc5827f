/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Events come by time, ties in the order in which they were set.
 */
#include "scheduler/sim/event.h"

#include "agg/base/rand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT 1000u

struct one {
	struct event event;
	uint64_t *last_ns;
	struct events *q;
	unsigned *called;
	unsigned number, was;
};

static void on_one(void *ctx)
{
	struct one *one = ctx;

	assert_true(one->q->now_ns >= *one->last_ns);
	*one->last_ns = one->q->now_ns;
	one->was = ++*one->called;
}

static void run_all(struct events *q)
{
	while (events_next_ns(q) != EVENT_NEVER)
		events_step(q);
}

static void test_by_time(void **state)
{
	struct one all[COUNT];
	struct events q;
	struct rand rand = { 1 };
	uint64_t last = 0;
	unsigned called = 0;

	events_init(&q, 0);
	assert_int_equal(events_reserve(&q, COUNT), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		all[i] = (struct one){ .last_ns = &last, .q = &q,
		                       .called = &called, .number = i };
		event_init(&all[i].event, on_one, &all[i]);
		event_set(&q, &all[i].event, rand_below(&rand, 300));
	}
	for (unsigned i = 0; i < COUNT; i += 3) /* moved, both ways */
		event_set(&q, &all[i].event, rand_below(&rand, 600));
	for (unsigned i = 1; i < COUNT; i += 9)
		event_clear(&q, &all[i].event);
	run_all(&q);
	for (unsigned i = 0; i < COUNT; i++)
		assert_true((i % 9 == 1) == (all[i].was == 0));
	assert_int_equal(q.count, called);
	events_finish(&q);
}

static void test_ties_in_order(void **state)
{
	struct one all[COUNT];
	struct events q;
	uint64_t last = 0;
	unsigned called = 0;

	events_init(&q, 0);
	assert_int_equal(events_reserve(&q, COUNT), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		all[i] = (struct one){ .last_ns = &last, .q = &q,
		                       .called = &called, .number = i };
		event_init(&all[i].event, on_one, &all[i]);
		event_set(&q, &all[i].event, i % 2 ? 7 : 3);
	}
	run_all(&q);
	for (unsigned i = 2; i < COUNT; i++)
		assert_true(all[i].was == all[i - 2].was + 1);
	assert_true(all[1].was > all[COUNT - 2].was);
	events_finish(&q);
}

static void test_not_into_the_past(void **state)
{
	struct one one = { 0 };
	struct events q;
	uint64_t last = 0;
	unsigned called = 0;

	one = (struct one){ .last_ns = &last, .q = &q, .called = &called };
	events_init(&q, 100);
	assert_int_equal(events_reserve(&q, 1), 0);
	event_init(&one.event, on_one, &one);
	event_set(&q, &one.event, 5);
	assert_true(event_is_set(&one.event));
	assert_int_equal(events_next_ns(&q), 100);
	events_step(&q);
	assert_false(event_is_set(&one.event));
	assert_int_equal(events_next_ns(&q), EVENT_NEVER);
	events_finish(&q);
}

static void test_limit(void **state)
{
	struct events q;

	events_init(&q, 0);
	assert_int_equal(events_reserve(&q, EVENTS_MAX), 0);
	assert_int_equal(events_reserve(&q, 1), -ENOBUFS);
	events_finish(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_time),
		cmocka_unit_test(test_ties_in_order),
		cmocka_unit_test(test_not_into_the_past),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

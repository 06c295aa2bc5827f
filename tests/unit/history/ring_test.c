/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/history/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define T0 UINT64_C(1790000000) /* a time */
#define HOUR 3600u

static void add(struct ring *r, uint64_t now_s, uint64_t down_bytes)
{
	const struct ring_sample s = { .down_bytes = down_bytes, .up_bytes = 1 };

	ring_go(r, now_s);
	ring_add(r, &s);
}

static uint64_t down(const struct ring *r, uint64_t slot)
{
	struct ring_value v;

	assert_true(ring_get(r, slot, &v));
	return v.down_bytes;
}

static uint64_t total(const struct ring *r)
{
	struct ring_value v;

	ring_total(r, &v);
	return v.down_bytes;
}

static void test_pack(void **state)
{
	uint64_t n = 1;

	for (uint64_t i = 0; i < 1024; i++)
		assert_int_equal(ring_unpack(ring_pack(i)), i);
	for (int i = 0; i < 400; i++, n += n / 9 + 1) {
		uint64_t m = ring_unpack(ring_pack(n));
		uint64_t off = m > n ? m - n : n - m;
		assert_true(off <= n / 1000);
		assert_true(ring_pack(n) >= ring_pack(n - 1));
	}
	assert_true(ring_unpack(ring_pack(UINT64_MAX >> 1)) > UINT64_MAX / 3);
}

static void test_slots(void **state)
{
	struct ring r;

	ring_init(&r, RING_MINUTES, false);
	assert_int_equal(total(&r), 0);
	for (unsigned i = 0; i < 10 * 60; i++)
		add(&r, T0 + i, 10);
	assert_int_equal(total(&r), 6000);
	assert_int_equal(down(&r, T0 / 60 + 1), 600);
	assert_int_equal(ring_first(&r), T0 / 60);
	assert_false(ring_get(&r, r.slot + 1, &(struct ring_value){ 0 }));
	/* A gap is nothing. */
	add(&r, T0 + 2 * HOUR, 7);
	assert_int_equal(down(&r, (T0 + HOUR) / 60), 0);
	assert_int_equal(down(&r, (T0 + 2 * HOUR) / 60), 7);
	/* A day later the first are over, and none comes twice. */
	add(&r, T0 + 24 * HOUR + 5 * 60, 1);
	assert_int_equal(ring_first(&r), T0 / 60 + 6);
	assert_int_equal(total(&r), 4 * 600 + 200 + 7 + 1);
	ring_go(&r, T0 + 72 * HOUR);
	assert_int_equal(total(&r), 0);
	assert_int_equal(ring_bytes(&r), 0);
	ring_finish(&r);
}

static void test_no_memory_for_nothing(void **state)
{
	struct ring r;

	ring_init(&r, RING_SECONDS, true);
	for (unsigned i = 1; i < 2000; i++)
		ring_go(&r, i);
	assert_int_equal(ring_bytes(&r), 0);
	add(&r, 2000, 5);
	ring_go(&r, 2001);
	assert_int_equal(ring_bytes(&r), 600 * 8);
	ring_finish(&r);
}

/* The clock was wrong by three hours: nothing is lost, and nothing is later than now. */
static void test_back(void **state)
{
	struct ring r;

	ring_init(&r, RING_MINUTES, false);
	for (unsigned i = 0; i < 5 * 60; i++)
		add(&r, T0 + i * 60, 100);
	ring_go_back(&r, T0 + 2 * HOUR);
	assert_int_equal(r.slot, (T0 + 2 * HOUR) / 60);
	assert_int_equal(total(&r), 30000);
	assert_int_equal(down(&r, r.slot), 18000);
	assert_int_equal(down(&r, r.slot - 1), 100);
	for (unsigned i = 1; i < 60; i++)
		add(&r, T0 + 2 * HOUR + i * 60, 1);
	assert_int_equal(down(&r, r.slot - 1), 1);
	/* By years. */
	ring_go_back(&r, T0 / 2);
	assert_int_equal(down(&r, r.slot), ring_unpack(ring_pack(18000)) + 12000 + 59);
	assert_int_equal(total(&r), down(&r, r.slot));
	ring_finish(&r);
}

static void test_quality(void **state)
{
	struct ring r;
	struct ring_value v;
	struct ring_sample s = { .rtt_us = 20000, .sent_bytes = 1000, .again_bytes = 10 };

	ring_init(&r, RING_MINUTES, true);
	ring_go(&r, T0);
	ring_add(&r, &s);
	s.rtt_us = 40000;
	ring_add(&r, &s);
	s = (struct ring_sample){ 0 }; /* not measured */
	ring_add(&r, &s);
	ring_go(&r, T0 + 60);
	assert_true(ring_get(&r, T0 / 60, &v));
	assert_in_range(v.rtt_us, 29970, 30030);
	assert_in_range(v.loss_ppm, 9990, 10010);
	ring_finish(&r);
}

static void test_put_and_join(void **state)
{
	const struct ring_value v = { .down_bytes = 40, .up_bytes = 2 };
	struct ring r, other;

	ring_init(&r, RING_HOURS, false);
	ring_init(&other, RING_HOURS, false);
	ring_go(&r, T0);
	ring_put(&r, T0 / HOUR, &v);       /* goes on to be counted */
	ring_put(&r, T0 / HOUR - 5, &v);
	ring_put(&r, T0 / HOUR - 2000, &v); /* too old */
	assert_int_equal(total(&r), 80);
	add(&r, T0, 1);
	assert_int_equal(down(&r, T0 / HOUR), 41);
	ring_go(&other, T0);
	ring_join(&other, &r);
	ring_join(&other, &r);
	assert_int_equal(total(&other), 162);
	assert_int_equal(down(&other, T0 / HOUR - 5), 80);
	ring_put(&r, T0 / HOUR + 3, &v); /* is the open one then */
	assert_int_equal(r.slot, T0 / HOUR + 3);
	ring_finish(&r);
	ring_finish(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_no_memory_for_nothing),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_put_and_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * CUBIC: how its window grows, shrinks, and restarts.
 */
#include "tcp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ENDLESS (1u << 30)

/* Slow start ends when the queue builds up, before it overflows. */
static void test_slow_start_ends_in_time(void **state)
{
	struct world_link out = bench_line(50, 20, 200);
	struct world_link back = bench_line(50, 20, 200);
	struct bench b;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	for (int i = 0; i < 2000 && t->ssthresh == TCP_SSTHRESH_NONE; i++)
		bench_run(&b, 1 * MS);
	uint32_t product = 50 * MBIT * 40 / 1000 / 1518;
	print_message("left slow start at %u of %u\n", t->ssthresh, product);
	assert_int_equal(b.link[0].lost_frames, 0);
	assert_true(t->ssthresh >= product / 2);
	assert_true(t->ssthresh <= product * 3);
	bench_finish(&b);
}

static void test_a_loss_takes_three_tenths(void **state)
{
	struct world_link out = bench_line(20, 20, 100);
	struct world_link back = bench_line(20, 20, 100);
	struct bench b;
	uint32_t before = 0, losses = 0;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	for (int i = 0; i < 20000; i++) {
		uint32_t cwnd = t->cwnd;
		bool was = t->state == TCP_RECOVERY;
		bench_run(&b, 1 * MS);
		if (!was && t->state == TCP_RECOVERY) {
			before = cwnd;
			assert_true(t->ssthresh >= before * 0.7 - 3);
			assert_true(t->ssthresh <= before * 0.7 + 3);
			losses++;
		} else if (was && t->state == TCP_OPEN) {
			assert_true(t->cwnd >= before * 0.65);
			assert_true(t->cwnd <= before * 0.75);
		}
	}
	print_message("%u losses in 20 s\n", losses);
	assert_true(losses >= 2 && losses <= 20);
	bench_finish(&b);
}

static double cubic_root(double x)
{
	double k = 1;

	for (int i = 0; i < 60; i++) /* Newton's */
		k -= (k * k * k - x) / (3 * k * k);
	return k;
}

/* RFC 9438: at W it would be K = cbrt(0.3 * W / 0.4) seconds after a loss. */
static void test_grows_as_a_cube(void **state)
{
	struct world_link out = bench_line(200, 50, 50);
	struct world_link back = bench_line(200, 50, 50);
	struct bench b;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	for (int i = 0; i < 60000 && t->state != TCP_RECOVERY; i++)
		bench_run(&b, 1 * MS);
	assert_int_equal(t->state, TCP_RECOVERY);
	double top = t->ssthresh / 0.7;
	while (t->state != TCP_OPEN)
		bench_run(&b, 1 * MS);
	unsigned ms = 0;
	while (t->cwnd < 0.99 * top && ms < 60000 && t->state == TCP_OPEN) {
		bench_run(&b, 10 * MS);
		ms += 10;
	}
	double expected = 1000 * (cubic_root(top * 0.3 / 0.4) -
	                          cubic_root(top * 0.01 / 0.4));
	print_message("near %.0f after %u ms, expected %.0f\n", top, ms, expected);
	assert_true(ms > 0.9 * expected && ms < 1.1 * expected);
	bench_finish(&b);
}

static void test_restarts_after_idleness(void **state)
{
	struct world_link out = bench_line(50, 20, 200);
	struct world_link back = bench_line(50, 20, 200);
	struct bench b;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, 3000000);
	bench_run(&b, 2 * S);
	assert_int_equal(t->acked_bytes, 3000000);
	assert_true(t->cwnd > 100);
	bench_run(&b, 5 * S);
	tcp_write(t, 1000);
	assert_int_equal(t->cwnd, TCP_CWND_FIRST);
	bench_finish(&b);
}

/* A window that is not used does not grow. */
static void test_unused_does_not_grow(void **state)
{
	struct world_link out = bench_line(50, 20, 200);
	struct world_link back = bench_line(50, 20, 200);
	struct bench b;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	for (int i = 0; i < 500; i++) {
		tcp_write(t, 3 * TCP_MSS);
		bench_run(&b, 50 * MS);
	}
	assert_true(t->cwnd <= 2 * TCP_CWND_FIRST);
	bench_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_start_ends_in_time),
		cmocka_unit_test(test_a_loss_takes_three_tenths),
		cmocka_unit_test(test_grows_as_a_cube),
		cmocka_unit_test(test_restarts_after_idleness),
		cmocka_unit_test(test_unused_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

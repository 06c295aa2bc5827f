/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * BBR: what it thinks of the path, when it forgets it, and what it does not
 * mind.
 */
#include "tcp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PAYLOAD (1448.0 / 1518.0)
#define ENDLESS (1u << 30)

static double mbps_of(const struct tcp *t)
{
	struct subflow_info info;

	tcp_info(t, &info);
	return (double)info.rate_bps * 8e-6;
}

static void test_finds_the_rate(void **state)
{
	struct world_link out = bench_line(30, 20, 100);
	struct world_link back = bench_line(10, 20, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	bench_run(&b, 2 * S);
	double limit = 30 * PAYLOAD;
	print_message("%.2f of %.2f Mbit/s, window %u\n", mbps_of(t), limit,
	              t->cwnd);
	assert_true(mbps_of(t) > 0.98 * limit && mbps_of(t) < 1.03 * limit);
	/* Twice the product, and what bursts need. */
	uint32_t product = 30 * MBIT * 40 / 1000 / 1518;
	assert_true(t->cwnd >= 2 * product && t->cwnd <= 2 * product + 30);
	/* The queue of the beginning is gone. */
	assert_true(t->srtt8_us / 8 < 40000 + 25000);
	bench_finish(&b);
}

/* Every ten seconds it lets the path run empty for 200 ms, to see its delay. */
static void test_probes_the_delay(void **state)
{
	struct world_link out = bench_line(30, 20, 100);
	struct world_link back = bench_line(10, 20, 100);
	struct bench b;
	unsigned small = 0;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	bench_run(&b, 5 * S);
	for (unsigned i = 0; i < 1000; i++) { /* ten seconds */
		bench_run(&b, 10 * MS);
		small += tcp_flight(t) <= 4;
	}
	print_message("%u ms of 10 s with 4 segments or less\n", small * 10);
	assert_true(small >= 20 && small <= 35);
	bench_finish(&b);
}

/* Little to send says nothing of the path. */
static void test_idleness_lowers_nothing(void **state)
{
	struct world_link out = bench_line(30, 20, 100);
	struct world_link back = bench_line(10, 20, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, 4000000);
	bench_run(&b, 3 * S);
	assert_int_equal(t->acked_bytes, 4000000);
	for (unsigned i = 0; i < 80; i++) {
		tcp_write(t, 2000);
		bench_run(&b, 100 * MS);
	}
	assert_true(mbps_of(t) > 0.95 * 30 * PAYLOAD);
	/* Then a large one: at the path's rate from the start. */
	uint64_t before = t->acked_bytes;
	tcp_write(t, 1000000);
	bench_run(&b, 400 * MS);
	assert_int_equal(t->acked_bytes - before, 1000000);
	bench_finish(&b);
}

static void test_random_loss_does_not_slow_it(void **state)
{
	struct world_link out = bench_line(30, 20, 100);
	struct world_link back = bench_line(10, 20, 100);
	double mbps[2];

	out.loss_ppm = 20000;
	for (int cubic = 0; cubic < 2; cubic++) {
		struct bench b;
		bench_start(&b, cubic ? "cubic" : "bbr", &out, &back, 1);
		tcp_write(&b.end[0][0].tcp, ENDLESS);
		bench_run(&b, 20 * S);
		mbps[cubic] = (double)b.end[0][1].tcp.arrived_bytes * 8 / 20e6;
		bench_finish(&b);
	}
	print_message("2 %% loss: bbr %.1f, cubic %.1f of 28.6\n", mbps[0],
	              mbps[1]);
	assert_true(mbps[0] > 0.85 * 30 * PAYLOAD);
	assert_true(mbps[1] < 0.3 * 30 * PAYLOAD);
}

/* Bursts leave at the rate, not all at once. */
static void test_paces(void **state)
{
	struct world_link out = bench_line(1000, 20, 100);
	struct world_link back = bench_line(1000, 20, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	tcp_write(t, ENDLESS);
	bench_run(&b, 1 * MS); /* ten of the start */
	assert_true(tcp_out(t) >= 2 && tcp_out(t) <= 10);
	bench_run(&b, 39 * MS);
	/* 10 segments a round trip, times 2.885, of which the window lets 10. */
	assert_true(tcp_out(t) <= 10);
	bench_run(&b, 300 * MS);
	uint64_t sent = t->sent_segments;
	bench_run(&b, 1 * MS);
	double paced = (double)t->pacing_bps / 1000 / TCP_MSS;
	assert_true((double)(t->sent_segments - sent) <= paced * 1.5 + 44);
	bench_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_rate),
		cmocka_unit_test(test_probes_the_delay),
		cmocka_unit_test(test_idleness_lowers_nothing),
		cmocka_unit_test(test_random_loss_does_not_slow_it),
		cmocka_unit_test(test_paces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

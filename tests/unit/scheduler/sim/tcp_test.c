/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * TCP over two links, without a session: what it carries, and by which rules.
 */
#include "tcp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_all_arrives(void **state)
{
	struct world_link out = bench_line(20, 15, 50), back = bench_line(5, 15, 50);

	out.loss_ppm = back.loss_ppm = 20000;
	out.loss_burst = back.loss_burst = 2;
	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		bench_start(&b, cc_all[i]->name, &out, &back, 1);
		struct tcp *from = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
		tcp_write(from, 2000001);
		tcp_write(to, 50001); /* both ways at once */
		bench_run(&b, 60 * S);
		assert_int_equal(to->arrived_bytes, 2000001);
		assert_int_equal(from->arrived_bytes, 50001);
		assert_int_equal(from->acked_bytes, 2000001);
		assert_int_equal(from->sent_bytes - from->again_bytes, 2000001);
		assert_true(from->again_bytes >= 2000001 / 100);
		assert_true(from->again_bytes <= 2000001 / 10);
		assert_int_equal(tcp_flight(from), 0);
		assert_int_equal(to->ofo + to->block_count, 0);
		bench_finish(&b);
	}
}

static void test_round_trips(void **state)
{
	struct world_link out = bench_line(50, 15, 100), back = bench_line(50, 25, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	for (int i = 0; i < 100; i++) {
		tcp_write(t, 2 * TCP_MSS); /* two: acknowledged at once */
		bench_run(&b, S / 10);
	}
	struct subflow_info info;
	tcp_info(t, &info);
	assert_true(info.min_rtt_us >= 40000 && info.min_rtt_us <= 40300);
	/* Of the first of the two: both on the line, the ways, and the answer. */
	assert_true(info.srtt_us >= 40450 && info.srtt_us <= 40550);
	assert_int_equal(info.acked_bytes, 200 * TCP_MSS);
	assert_int_equal(info.notsent_bytes + info.unacked_bytes, 0);
	assert_int_equal(info.mss, TCP_MSS);
	bench_finish(&b);
}

/* A lone short segment is acknowledged after a while. */
static void test_acks_are_delayed(void **state)
{
	struct world_link out = bench_line(50, 5, 100), back = bench_line(50, 5, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
	to->pingpong = true; /* it has answered before */
	tcp_write(t, 100);
	bench_run(&b, 30 * MS);
	assert_int_equal(to->arrived_bytes, 100);
	assert_int_equal(t->acked_bytes, 0);
	bench_run(&b, 30 * MS);
	assert_int_equal(t->acked_bytes, 100);
	bench_finish(&b);
}

/* While acknowledgements get lost the same comes again, and counts once. */
static void test_doubles_are_dropped(void **state)
{
	struct world_link out = bench_line(20, 15, 100);
	struct world_link back = bench_line(20, 15, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
	link_cut(&b.link[1], true);
	tcp_write(t, 5 * TCP_MSS + 100);
	bench_run(&b, 2 * S);
	assert_int_equal(to->arrived_bytes, 5 * TCP_MSS + 100);
	assert_true(t->again_bytes > 0);
	assert_int_equal(to->ofo + to->block_count, 0);
	link_cut(&b.link[1], false);
	tcp_write(t, 100000);
	bench_run(&b, 5 * S);
	assert_int_equal(to->arrived_bytes, 5 * TCP_MSS + 100100);
	assert_int_equal(t->acked_bytes, 5 * TCP_MSS + 100100);
	assert_int_equal(tcp_flight(t), 0);
	/* Which of the doubles was acknowledged, timestamps tell. */
	assert_true(t->min_rtt_us >= 30000);
	assert_true(t->srtt8_us / 8 >= 30000 && t->srtt8_us / 8 < 60000);
	bench_finish(&b);
}

/* What is lost at the end is asked for by a probe, sooner than by a timeout. */
static void test_tail_is_probed(void **state)
{
	struct world_link out = bench_line(20, 15, 100);
	struct world_link back = bench_line(20, 15, 100);
	struct bench b;

	bench_start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
	tcp_write(t, 6 * TCP_MSS);
	bench_run(&b, 1 * S);
	assert_int_equal(t->acked_bytes, 6 * TCP_MSS);
	link_cut(&b.link[0], true);
	tcp_write(t, 3 * TCP_MSS);
	bench_run(&b, 10 * MS);
	link_cut(&b.link[0], false);
	bench_run(&b, 50 * MS);
	assert_int_equal(to->arrived_bytes, 6 * TCP_MSS);
	bench_run(&b, 100 * MS);
	assert_int_equal(to->arrived_bytes, 9 * TCP_MSS);
	assert_int_equal(t->backoff, 0);
	bench_finish(&b);
}

static void test_two_share(void **state)
{
	struct world_link out = bench_line(40, 10, 50), back = bench_line(10, 10, 50);

	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		uint64_t got[2];
		bench_start(&b, cc_all[i]->name, &out, &back, 2);
		tcp_write(&b.end[0][0].tcp, 1u << 30);
		tcp_write(&b.end[1][0].tcp, 1u << 30);
		bench_run(&b, 20 * S);
		for (int c = 0; c < 2; c++)
			got[c] = b.end[c][1].tcp.arrived_bytes;
		double all = (double)(got[0] + got[1]);
		print_message("%s: %.2f of the line, shares %.2f %.2f\n",
		              cc_all[i]->name, all * 8 / 20e6 / 40,
		              (double)got[0] / all, (double)got[1] / all);
		assert_true(all * 8 / 20 >= 0.9 * 40e6 * TCP_MSS / 1518);
		assert_true((double)got[0] / all > 0.25);
		assert_true((double)got[1] / all > 0.25);
		bench_finish(&b);
	}
}

/* What BBR keeps under way is two of the path's products, and it drains. */
static void test_bbr_keeps_the_queue_short(void **state)
{
	struct world_link out = bench_line(40, 20, 400), back = bench_line(40, 20, 400);
	uint64_t most[2];

	for (int cubic = 0; cubic < 2; cubic++) {
		struct bench b;
		bench_start(&b, cubic ? "cubic" : "bbr", &out, &back, 1);
		tcp_write(&b.end[0][0].tcp, 1u << 30);
		bench_run(&b, 5 * S);
		b.end[0][0].flight_max = 0;
		bench_run(&b, 8 * S);
		most[cubic] = b.end[0][0].flight_max;
		bench_finish(&b);
	}
	uint64_t product = 40 * MBIT * 40 / 1000 / 1518;
	print_message("segments under way: bbr %d, cubic %d of %d\n",
	              (int)most[0], (int)most[1], (int)product);
	assert_true(most[0] <= 2 * product + 40);
	assert_true(most[1] >= 4 * product); /* fills what there is */
}

/* A path that is gone for a while: timeouts back off, then all goes on. */
static void test_outage(void **state)
{
	struct world_link out = bench_line(20, 15, 100), back = bench_line(20, 15, 100);

	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		bench_start(&b, cc_all[i]->name, &out, &back, 1);
		struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
		tcp_write(t, 1u << 30);
		bench_run(&b, 2 * S);
		link_cut(&b.link[0], true);
		link_cut(&b.link[1], true);
		uint64_t at_cut = to->arrived_bytes, sent = t->sent_segments;
		bench_run(&b, 10 * S);
		assert_int_equal(to->arrived_bytes, at_cut);
		assert_true(t->backoff >= 4 && t->backoff <= 7);
		assert_true(t->sent_segments - sent <= 60);
		link_cut(&b.link[0], false);
		link_cut(&b.link[1], false);
		bench_run(&b, 20 * S);
		uint64_t before = to->arrived_bytes;
		bench_run(&b, 5 * S);
		double mbps = (double)(to->arrived_bytes - before) * 8 / 5e6;
		print_message("%s: %.1f Mbit/s after it\n", cc_all[i]->name, mbps);
		assert_true(mbps >= 0.85 * 20 * TCP_MSS / 1518);
		bench_finish(&b);
	}
}

/* The receiver's window begins small, and grows with what is read. */
static void test_window_grows(void **state)
{
	struct world_link out = bench_line(100, 100, 200), back = bench_line(100, 100, 200);
	struct bench b;

	bench_start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	assert_true(t->window_end <= 65536);
	tcp_write(t, 1u << 30);
	bench_run(&b, 10 * S);
	double mbps = (double)t->acked_bytes * 8 / 10e6;
	assert_true(t->window_end - t->acked_bytes > 2 * 100 * MBIT / 5);
	assert_true(mbps > 50);
	bench_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_arrives),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_acks_are_delayed),
		cmocka_unit_test(test_doubles_are_dropped),
		cmocka_unit_test(test_tail_is_probed),
		cmocka_unit_test(test_two_share),
		cmocka_unit_test(test_bbr_keeps_the_queue_short),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_window_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * TCP over two links, without a session: what it carries, and by which rules.
 */
#include "scheduler/sim/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S UINT64_C(1000000000)
#define MBIT 125000u
#define CONNS_MAX 2

struct end { /* one of a connection; it reads at once */
	struct tcp tcp;
	struct bench *bench;
	uint64_t before;     /* arrived when it was called last */
	uint64_t flight_max, window_max;
};

struct bench {
	struct events events;
	struct link link[2]; /* from end 0 to end 1, and back */
	struct rand rand;
	struct end end[CONNS_MAX][2];
	unsigned conns;
};

static void on_arrived(void *ctx)
{
	struct end *end = ctx;

	assert_true(end->tcp.arrived_bytes > end->before);
	assert_true(end->tcp.arrived_bytes <= end->tcp.peer->written_bytes);
	end->before = end->tcp.arrived_bytes;
	tcp_read(&end->tcp);
}

/* Never more than the window, and never past what the peer takes. */
static void on_sent(void *ctx)
{
	struct end *end = ctx;
	const struct tcp *t = &end->tcp;
	uint64_t end_bytes = t->written_bytes - t->notsent_bytes;

	assert_true(tcp_flight(t) <= t->cwnd);
	assert_true(end_bytes <= t->window_end);
	assert_true(end_bytes <= t->peer->edge_bytes);
	if (tcp_flight(t) > end->flight_max)
		end->flight_max = tcp_flight(t);
}

static const struct tcp_events owner = { on_arrived, on_sent };

static void start(struct bench *b, const char *cc, const struct world_link *out,
                  const struct world_link *back, unsigned conns)
{
	*b = (struct bench){ .conns = conns, .rand.state = 1 };
	events_init(&b->events, S);
	assert_int_equal(events_reserve(&b->events, 2 + conns * 2 * TCP_EVENTS), 0);
	assert_int_equal(link_init(&b->link[0], out, &b->events, 1, 0,
	                           tcp_on_frame), 0);
	assert_int_equal(link_init(&b->link[1], back, &b->events, 2, 0,
	                           tcp_on_frame), 0);
	for (unsigned c = 0; c < conns; c++) {
		for (int side = 0; side < 2; side++) {
			struct end *end = &b->end[c][side];
			struct tcp_args args = {
				.link = &b->link[side], .events = &b->events,
				.owner = &owner, .ctx = end, .cc = cc_find(cc),
				.rand = &b->rand,
				.rtt_us = out->delay_us + back->delay_us,
			};
			end->bench = b;
			assert_int_equal(tcp_init(&end->tcp, &args,
			                          &b->end[c][!side].tcp), 0);
		}
	}
}

static void run(struct bench *b, uint64_t ns)
{
	uint64_t until = b->events.now_ns + ns;

	while (events_next_ns(&b->events) <= until)
		events_step(&b->events);
	b->events.now_ns = until;
}

static void finish(struct bench *b)
{
	for (int d = 0; d < 2; d++) {
		struct world_link_state state;
		link_state(&b->link[d], &state);
		assert_int_equal(b->link[d].entered_bytes,
		                 state.delivered_bytes + b->link[d].lost_bytes +
		                 state.queue_bytes + state.pipe_bytes);
		link_finish(&b->link[d]);
	}
	for (unsigned c = 0; c < b->conns; c++)
		for (int side = 0; side < 2; side++)
			tcp_finish(&b->end[c][side].tcp);
	events_finish(&b->events);
}

static struct world_link line(double mbit, double delay_ms, double queue_ms)
{
	return (struct world_link){
		.rate_bps = (uint64_t)(mbit * MBIT),
		.delay_us = (uint64_t)(delay_ms * 1000),
		.queue_bytes = (uint64_t)(mbit * MBIT * queue_ms / 1000),
	};
}

static void test_all_arrives(void **state)
{
	struct world_link out = line(20, 15, 50), back = line(5, 15, 50);

	out.loss_ppm = back.loss_ppm = 20000;
	out.loss_burst = back.loss_burst = 2;
	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		start(&b, cc_all[i]->name, &out, &back, 1);
		struct tcp *from = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
		tcp_write(from, 2000001);
		tcp_write(to, 50001); /* both ways at once */
		run(&b, 60 * S);
		assert_int_equal(to->arrived_bytes, 2000001);
		assert_int_equal(from->arrived_bytes, 50001);
		assert_int_equal(from->acked_bytes, 2000001);
		assert_int_equal(from->sent_bytes - from->again_bytes, 2000001);
		assert_true(from->again_bytes >= 2000001 / 100);
		assert_true(from->again_bytes <= 2000001 / 10);
		assert_int_equal(tcp_flight(from), 0);
		finish(&b);
	}
}

static void test_round_trips(void **state)
{
	struct world_link out = line(50, 15, 100), back = line(50, 25, 100);
	struct bench b;

	start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	for (int i = 0; i < 100; i++) {
		tcp_write(t, 2 * TCP_MSS); /* two: acknowledged at once */
		run(&b, S / 10);
	}
	struct subflow_info info;
	tcp_info(t, &info);
	assert_true(info.min_rtt_us >= 40000 && info.min_rtt_us <= 40300);
	assert_true(info.srtt_us >= 40000 && info.srtt_us <= 41000);
	assert_int_equal(info.acked_bytes, 200 * TCP_MSS);
	assert_int_equal(info.notsent_bytes + info.unacked_bytes, 0);
	assert_int_equal(info.mss, TCP_MSS);
	finish(&b);
}

/* A lone short segment is acknowledged after a while. */
static void test_acks_are_delayed(void **state)
{
	struct world_link out = line(50, 5, 100), back = line(50, 5, 100);
	struct bench b;

	start(&b, "bbr", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
	to->pingpong = true; /* it has answered before */
	tcp_write(t, 100);
	run(&b, 30 * (S / 1000));
	assert_int_equal(to->arrived_bytes, 100);
	assert_int_equal(t->acked_bytes, 0);
	run(&b, 30 * (S / 1000));
	assert_int_equal(t->acked_bytes, 100);
	finish(&b);
}

static void test_two_share(void **state)
{
	struct world_link out = line(40, 10, 50), back = line(10, 10, 50);

	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		uint64_t got[2];
		start(&b, cc_all[i]->name, &out, &back, 2);
		tcp_write(&b.end[0][0].tcp, 1u << 30);
		tcp_write(&b.end[1][0].tcp, 1u << 30);
		run(&b, 20 * S);
		for (int c = 0; c < 2; c++)
			got[c] = b.end[c][1].tcp.arrived_bytes;
		double all = (double)(got[0] + got[1]);
		print_message("%s: %.2f of the line, shares %.2f %.2f\n",
		              cc_all[i]->name, all * 8 / 20e6 / 40,
		              (double)got[0] / all, (double)got[1] / all);
		assert_true(all * 8 / 20 >= 0.9 * 40e6 * TCP_MSS / 1518);
		assert_true((double)got[0] / all > 0.25);
		assert_true((double)got[1] / all > 0.25);
		finish(&b);
	}
}

/* What BBR keeps under way is two of the path's products, and it drains. */
static void test_bbr_keeps_the_queue_short(void **state)
{
	struct world_link out = line(40, 20, 400), back = line(40, 20, 400);
	uint64_t most[2];

	for (int cubic = 0; cubic < 2; cubic++) {
		struct bench b;
		start(&b, cubic ? "cubic" : "bbr", &out, &back, 1);
		tcp_write(&b.end[0][0].tcp, 1u << 30);
		run(&b, 5 * S);
		b.end[0][0].flight_max = 0;
		run(&b, 8 * S);
		most[cubic] = b.end[0][0].flight_max;
		finish(&b);
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
	struct world_link out = line(20, 15, 100), back = line(20, 15, 100);

	for (unsigned i = 0; i < cc_count; i++) {
		struct bench b;
		start(&b, cc_all[i]->name, &out, &back, 1);
		struct tcp *t = &b.end[0][0].tcp, *to = &b.end[0][1].tcp;
		tcp_write(t, 1u << 30);
		run(&b, 2 * S);
		link_cut(&b.link[0], true);
		link_cut(&b.link[1], true);
		uint64_t at_cut = to->arrived_bytes, sent = t->sent_segments;
		run(&b, 10 * S);
		assert_int_equal(to->arrived_bytes, at_cut);
		assert_true(t->backoff >= 4 && t->backoff <= 7);
		assert_true(t->sent_segments - sent <= 60);
		link_cut(&b.link[0], false);
		link_cut(&b.link[1], false);
		run(&b, 20 * S);
		uint64_t before = to->arrived_bytes;
		run(&b, 5 * S);
		double mbps = (double)(to->arrived_bytes - before) * 8 / 5e6;
		print_message("%s: %.1f Mbit/s after it\n", cc_all[i]->name, mbps);
		assert_true(mbps >= 0.85 * 20 * TCP_MSS / 1518);
		finish(&b);
	}
}

/* The receiver's window begins small, and grows with what is read. */
static void test_window_grows(void **state)
{
	struct world_link out = line(100, 100, 200), back = line(100, 100, 200);
	struct bench b;

	start(&b, "cubic", &out, &back, 1);
	struct tcp *t = &b.end[0][0].tcp;
	assert_true(t->window_end <= 65536);
	tcp_write(t, 1u << 30);
	run(&b, 10 * S);
	double mbps = (double)t->acked_bytes * 8 / 10e6;
	assert_true(t->window_end - t->acked_bytes > 2 * 100 * MBIT / 5);
	assert_true(mbps > 50);
	finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_arrives),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_acks_are_delayed),
		cmocka_unit_test(test_two_share),
		cmocka_unit_test(test_bbr_keeps_the_queue_short),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_window_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

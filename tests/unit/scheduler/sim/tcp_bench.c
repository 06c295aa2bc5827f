/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * See tcp_bench.h.
 */
#include "tcp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void on_arrived(void *ctx)
{
	struct bench_end *end = ctx;

	assert_true(end->tcp.arrived_bytes > end->before);
	assert_true(end->tcp.arrived_bytes <= end->tcp.peer->written_bytes);
	end->before = end->tcp.arrived_bytes;
	tcp_read(&end->tcp);
}

/* Never more than the window, and never past what the peer takes. */
static void on_sent(void *ctx)
{
	struct bench_end *end = ctx;
	const struct tcp *t = &end->tcp;
	uint64_t end_bytes = t->written_bytes - t->notsent_bytes;

	assert_true(tcp_flight(t) <= t->cwnd);
	assert_true(end_bytes <= t->window_end);
	assert_true(end_bytes <= t->peer->edge_bytes);
	if (tcp_flight(t) > end->flight_max)
		end->flight_max = tcp_flight(t);
}

static const struct tcp_events owner = { on_arrived, on_sent };

void bench_start(struct bench *b, const char *cc, const struct world_link *out,
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
			struct bench_end *end = &b->end[c][side];
			struct tcp_args args = {
				.link = &b->link[side], .events = &b->events,
				.owner = &owner, .ctx = end, .cc = cc_find(cc),
				.rand = &b->rand,
				.rtt_us = out->delay_us + back->delay_us,
			};
			assert_int_equal(tcp_init(&end->tcp, &args,
			                          &b->end[c][!side].tcp), 0);
		}
	}
}

void bench_run(struct bench *b, uint64_t ns)
{
	uint64_t until = b->events.now_ns + ns;

	while (events_next_ns(&b->events) <= until)
		events_step(&b->events);
	b->events.now_ns = until;
}

void bench_finish(struct bench *b)
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

struct world_link bench_line(double mbit, double delay_ms, double queue_ms)
{
	return (struct world_link){
		.rate_bps = (uint64_t)(mbit * MBIT),
		.delay_us = (uint64_t)(delay_ms * 1000),
		.queue_bytes = (uint64_t)(mbit * MBIT * queue_ms / 1000),
	};
}

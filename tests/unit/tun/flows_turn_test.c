/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Whose turn it is, and which packet a path gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"
#include "tun/flows.h"

#include <stdlib.h>
#include <string.h>

#define MTU 1400u

struct world {
	struct flows *fs;
	struct packet_pool *pool;
	struct budget budget;
	uint64_t now;
};

static void begin(struct world *w, unsigned packets, uint64_t budget)
{
	struct flows_args args = { .bytes_max = (uint64_t)packets * PACKET_SIZE,
	                           .quantum = MTU, .lan_is_source = true,
	                           .budget = &w->budget };

	budget_init(&w->budget, budget, NULL);
	w->now = 1000000;
	w->pool = packet_pool_create(packets + 64, NULL);
	w->fs = flows_create(&args);
	assert_non_null(w->fs);
}

static void end(struct world *w)
{
	flows_destroy(w->fs);
	assert_int_equal(packet_pool_used(w->pool), 0);
	packet_pool_destroy(w->pool);
	assert_int_equal(w->budget.used, 0);
}

static void put_again(struct world *w, struct packet *p)
{
	struct inspection in;

	assert_int_equal(inspect_packet(&in, packet_data(p), p->len), 0);
	flows_put(w->fs, p, &in, w->now);
}

/* A packet of that host's flow (its port), of so many bytes in all, 28 at least. */
static void put(struct world *w, unsigned host, unsigned port, unsigned len, unsigned tos)
{
	struct made m = { AF_INET, IPPROTO_UDP, (uint8_t)host, 9, (uint8_t)tos,
	                  (uint16_t)port, 443, (uint16_t)(len - 28) };
	struct packet *p = packet_get(w->pool);

	assert_non_null(p);
	p->len = (uint16_t)made_write(&m, packet_data(p));
	p->mark = host << 16 | port;
	put_again(w, p);
}

/* The next packet in turn, for path 0: whose it was (host and port), 0: none. */
static uint32_t next(struct world *w)
{
	struct flow *f;
	struct packet *p;
	uint32_t mark;

	flows_begin(w->fs);
	while ((f = flows_next(w->fs, TRAFFIC_BULK, w->now))) {
		p = flows_take(w->fs, f, 0, 0, w->now);
		if (!p)
			continue;
		mark = p->mark;
		packet_put(p);
		return mark;
	}
	return 0;
}

static void hosts_have_equal_parts_whatever_their_flows(void **state)
{
	unsigned of_one = 0, each[200] = { 0 };
	struct world w;

	begin(&w, 2000, UINT64_MAX);
	for (unsigned i = 0; i < 800; i++) {
		put(&w, 1, 1000 + i % 200, MTU, 0);
		put(&w, 2, 5, MTU, 0);
	}
	for (unsigned i = 0; i < 201; i++)
		next(&w); /* each flow's first goes before all others */
	for (unsigned i = 0; i < 400; i++) {
		uint32_t who = next(&w);
		if (who >> 16 == 1)
			each[(who & 0xffff) - 1000]++;
		else
			of_one++;
	}
	assert_in_range(of_one, 198, 202);
	for (unsigned i = 0; i < 200; i++)
		assert_in_range(each[i], 0, 2);
	end(&w);
}

static void flows_have_equal_parts_in_bytes(void **state)
{
	unsigned bytes[2] = { 0 };
	struct world w;

	begin(&w, 2000, UINT64_MAX);
	for (unsigned i = 0; i < 1400; i++) {
		put(&w, 1, 1, 200, 0);
		if (i % 7 == 0)
			put(&w, 1, 2, MTU, 0);
	}
	for (unsigned i = 0; i < 800; i++) {
		uint32_t port = next(&w) & 0xffff;
		bytes[port - 1] += port == 1 ? 200 : MTU;
	}
	assert_in_range(bytes[0], bytes[1] - 2 * MTU, bytes[1] + 2 * MTU);
	end(&w);
}

static void what_is_sparse_goes_first(void **state)
{
	struct world w;

	begin(&w, 1000, UINT64_MAX);
	for (unsigned i = 0; i < 300; i++)
		put(&w, 1, 1 + i % 3, MTU, 0);
	for (unsigned i = 0; i < 30; i++)
		next(&w);
	put(&w, 1, 77, 100, 0);
	assert_int_equal(next(&w) & 0xffff, 77);
	/* And not again, by coming back as soon as it is gone: one in a round. */
	for (unsigned i = 0, came = 0; i < 40; i++) {
		put(&w, 1, 77, 100, 0);
		came += (next(&w) & 0xffff) == 77;
		if (i == 39)
			assert_true(came < 39);
	}
	end(&w);
}

static void real_time_goes_first_but_not_for_ever(void **state)
{
	unsigned first = 0, rest = 0;
	struct world w;

	begin(&w, 2000, UINT64_MAX);
	for (unsigned i = 0; i < 600; i++) {
		put(&w, 1, 1, MTU, 0);
		put(&w, 1, 2, MTU, 0xb8);
	}
	for (unsigned i = 0; i < 40; i++)
		first += (next(&w) & 0xffff) == 2;
	assert_int_equal(first, 40);
	for (unsigned i = 0; i < 400; i++)
		rest += (next(&w) & 0xffff) == 2;
	assert_in_range(rest, 190, 220);
	end(&w);
}

/* A few bytes of theirs do not buy it a whole packet. */
static void real_time_has_half_whatever_the_others_send(void **state)
{
	unsigned bytes[2] = { 0 };
	struct world w;

	begin(&w, 4000, UINT64_MAX);
	for (unsigned i = 0; i < 3000; i++)
		put(&w, 1, 1, 100, 0);
	for (unsigned i = 0; i < 200; i++)
		put(&w, 1, 2, MTU, 0xb8);
	while ((next(&w) & 0xffff) == 2)
		assert_true(w.now);
	assert_true(flows_realtime_is_greedy(w.fs));
	for (unsigned i = 0; i < 1500; i++)
		bytes[1] += (next(&w) & 0xffff) == 2 ? MTU : 0;
	bytes[0] = (1500 - bytes[1] / MTU) * 100;
	assert_in_range(bytes[1], bytes[0] - 2 * MTU, bytes[0] + 2 * MTU);
	end(&w);
}

static void bulk_has_a_ninth_while_others_wait(void **state)
{
	unsigned n[2] = { 0 };
	struct world w;

	begin(&w, 2000, UINT64_MAX);
	for (unsigned i = 0; i < 900; i++)
		put(&w, 1 + i % 2, 1 + i % 2, MTU, i % 2 ? 0x20 : 0);
	for (unsigned i = 0; i < 400; i++)
		n[(next(&w) & 0xffff) - 1]++;
	assert_in_range(n[1], 400 / 9 - 2, 400 / 9 + 2);
	end(&w);
}

static void what_a_packet_is_told_to_be_counts_before_its_mark(void **state)
{
	struct packet *p;
	struct world w;

	begin(&w, 100, UINT64_MAX);
	put(&w, 1, 1, 200, 0xb8);
	p = flows_take(w.fs, flows_next(w.fs, TRAFFIC_REALTIME, w.now), 0, 0, w.now);
	p->traffic = TRAFFIC_BULK;
	put_again(&w, p);
	assert_false(flows_are_waiting(w.fs, TRAFFIC_REALTIME));
	assert_int_equal(flow_traffic(flows_next(w.fs, TRAFFIC_BULK, w.now)), TRAFFIC_BULK);
	end(&w);
}

static void only_real_time_is_given_where_that_is_asked(void **state)
{
	struct world w;

	begin(&w, 100, UINT64_MAX);
	put(&w, 1, 1, MTU, 0);
	assert_null(flows_next(w.fs, TRAFFIC_REALTIME, w.now));
	assert_false(flows_are_waiting(w.fs, TRAFFIC_REALTIME));
	assert_true(flows_are_waiting(w.fs, TRAFFIC_BULK));
	put(&w, 1, 2, 200, 0xb8);
	assert_true(flows_are_waiting(w.fs, TRAFFIC_REALTIME));
	assert_non_null(flows_next(w.fs, TRAFFIC_REALTIME, w.now));
	end(&w);
}

static void who_was_passed_over_has_his_place_in_the_next_turn(void **state)
{
	struct world w;
	struct flow *a, *b;

	begin(&w, 100, UINT64_MAX);
	put(&w, 1, 1, MTU, 0);
	put(&w, 1, 2, MTU, 0);
	a = flows_next(w.fs, TRAFFIC_BULK, w.now);
	flows_pass(w.fs, a);
	b = flows_next(w.fs, TRAFFIC_BULK, w.now);
	assert_ptr_not_equal(a, b);
	flows_pass(w.fs, b);
	assert_null(flows_next(w.fs, TRAFFIC_BULK, w.now));
	flows_begin(w.fs);
	assert_ptr_equal(flows_next(w.fs, TRAFFIC_BULK, w.now), a);
	end(&w);
}

static uint32_t take(struct world *w, struct flow *f, unsigned path, uint64_t depth)
{
	struct packet *p = flows_take(w->fs, f, path, depth, w->now);
	uint32_t seq = p ? p->flow_seq : UINT32_MAX;

	packet_put(p);
	return seq;
}

static void a_path_takes_from_the_depth_and_never_turns_back(void **state)
{
	struct flow_tuning tuning = { 0x7, 50000, 100000 };
	struct flow *f;
	struct world w;

	begin(&w, 200, UINT64_MAX);
	for (unsigned i = 0; i < 100; i++)
		put(&w, 1, 1, 1000, 0);
	f = flows_next(w.fs, TRAFFIC_BULK, w.now);
	flow_tune(f, &tuning);
	assert_int_equal(take(&w, f, 0, 0), 0);
	assert_int_equal(take(&w, f, 1, 10000), 11);
	assert_int_equal(take(&w, f, 0, 0), 1);
	assert_int_equal(take(&w, f, 1, 10000), 13);    /* 10 are before it: 2 to 12 less 11 */
	assert_int_equal(take(&w, f, 1, 2000), 14);     /* the depth shrank: the next */
	assert_int_equal(take(&w, f, 2, 90000), 95);
	assert_int_equal(take(&w, f, 2, 95000), UINT32_MAX); /* not so many */
	for (uint32_t seq = 2; seq < 11; seq++)
		assert_int_equal(take(&w, f, 0, 0), seq);
	assert_int_equal(take(&w, f, 0, 0), 12);
	assert_int_equal(take(&w, f, 0, 0), 15);
	/* Path 0 died: of the others only path 1 has the head before it. */
	tuning.paths = 0x6;
	flow_tune(f, &tuning);
	assert_int_equal(take(&w, f, 2, 2000), 96);
	assert_int_equal(take(&w, f, 1, 5000), 16); /* whatever depth it asked */
	assert_int_equal(take(&w, f, 1, 0), 17);
	/* It died, too: what is left behind has to go out of order. */
	tuning.paths = 0x4;
	flow_tune(f, &tuning);
	assert_int_equal(take(&w, f, 2, 2000), 18);
	assert_int_equal(take(&w, f, 2, 0), 19);
	end(&w);
}

static void a_flow_says_how_it_stands(void **state)
{
	static const uint8_t zero[FLOW_SCOPE_BYTES];
	struct flows_stats stats;
	struct flow *f;
	struct world w;

	begin(&w, 100, UINT64_MAX);
	put(&w, 1, 1, 1000, 0);
	w.now += 7;
	put(&w, 1, 1, 500, 0);
	f = flows_next(w.fs, TRAFFIC_BULK, w.now);
	assert_int_equal(flow_backlog_bytes(f), 1500);
	assert_int_equal(flows_backlog_bytes(w.fs), 1500);
	assert_int_equal(flow_backlog_packets(f), 2);
	assert_int_equal(flow_head(f)->len, 1000);
	assert_int_equal(flow_busy_since_us(f), w.now - 7);
	assert_int_equal(flow_seq_next(f), 2);
	assert_int_equal(flow_traffic(f), TRAFFIC_NORMAL);
	assert_int_equal(flow_key(f)->dport, 443);
	assert_true(flow_is_sparse(f));
	assert_memory_equal(flow_scope(f), zero, FLOW_SCOPE_BYTES);
	assert_int_equal((uintptr_t)flow_scope(f) % _Alignof(max_align_t), 0);
	for (unsigned i = 0; i < 6; i++)
		put(&w, 1, 1, 1000, 0);
	for (unsigned i = 0; i < 4; i++)
		next(&w);
	assert_ptr_equal(flows_next(w.fs, TRAFFIC_BULK, w.now), f);
	assert_false(flow_is_sparse(f));
	while (next(&w))
		;
	assert_int_equal(flow_busy_since_us(f), 0);
	assert_null(flow_head(f));
	flows_stats(w.fs, &stats);
	assert_int_equal(stats.flows, 1);
	assert_int_equal(stats.busy, 0);
	flows_rest(w.fs, w.now + FLOWS_REST_US - 1);
	assert_true(w.budget.used > 0);
	flows_rest(w.fs, w.now + FLOWS_REST_US);
	assert_int_equal(w.budget.used, 0);
	end(&w);
}

static void a_call_is_found_when_the_other_side_speaks_too(void **state)
{
	struct made back = { AF_INET, IPPROTO_UDP, 1, 9, 0, 1, 443, 160 };
	struct inspection in;
	uint8_t bytes[256];
	struct world w;
	struct flow *f = NULL;

	begin(&w, 100, UINT64_MAX);
	assert_int_equal(inspect_packet(&in, bytes, made_write(&back, bytes)), 0);
	inspect_turn(&in.key, &in.key);
	for (unsigned i = 0; i < 100; i++) {
		w.now += 20000;
		put(&w, 1, 1, 200, 0);
		flows_heard(w.fs, &in, w.now);
		f = flows_next(w.fs, TRAFFIC_BULK, w.now);
		if (i < 50 || i > 70)
			assert_int_equal(flow_traffic(f) == TRAFFIC_REALTIME, i > 70);
		assert_int_equal(next(&w), 1 << 16 | 1);
	}
	end(&w);
}

/* A queue that stands for 30 s: who understands is marked, who does not is dropped
 * from, and never told by a mark. */
static void codel_marks_or_drops_at_the_head(void **state)
{
	for (unsigned ect = 0; ect < 2; ect++) {
		struct flows_stats stats;
		struct world w;

		begin(&w, 1000, UINT64_MAX);
		for (unsigned i = 0; i < 30000; i++) {
			w.now += 1000;
			if (flows_backlog_bytes(w.fs) < 40 * MTU)
				put(&w, 1, 1, MTU, ect ? 2 : 0);
			if (i % 2)
				next(&w);
		}
		flows_stats(w.fs, &stats);
		assert_true(ect ? stats.marked > 100 : stats.dropped[FLOWS_DROP_CODEL] > 100);
		assert_int_equal(ect ? stats.dropped[FLOWS_DROP_CODEL] : stats.marked, 0);
		end(&w);
	}
}

static void nothing_leaves_that_is_too_old(void **state)
{
	struct flows_stats stats;
	struct world w;

	begin(&w, 100, UINT64_MAX);
	put(&w, 1, 1, MTU, 0);
	put(&w, 1, 2, 200, 0xb8);
	w.now += FLOWS_AGE_REALTIME_US + 1;
	put(&w, 1, 3, MTU, 0);
	assert_int_equal(next(&w) & 0xffff, 1);
	put(&w, 1, 1, MTU, 0);
	w.now += FLOWS_AGE_US + 1;
	assert_int_equal(next(&w), 0);
	flows_stats(w.fs, &stats);
	assert_int_equal(stats.dropped[FLOWS_DROP_AGE], 3);
	end(&w);
}

static void who_has_most_queued_pays_for_the_memory(void **state)
{
	struct flows_stats stats;
	unsigned one = 0;
	struct world w;

	begin(&w, 500, UINT64_MAX);
	for (unsigned i = 0; i < 30; i++)
		put(&w, 2, 5, MTU, 0); /* the longest queue of a flow, but not of a host */
	for (unsigned i = 0; i < 2000; i++)
		put(&w, 1, 1000 + i % 100, MTU, 0);
	flows_stats(w.fs, &stats);
	assert_int_equal(stats.queued + stats.dropped[FLOWS_DROP_OVERFLOW], 2030);
	assert_true(stats.queued <= 500);
	for (uint32_t who; (who = next(&w));)
		one += who >> 16 == 2;
	assert_int_equal(one, 30);
	end(&w);
}

static void without_memory_for_a_table_all_share_a_queue(void **state)
{
	struct world w;
	unsigned n = 0;

	begin(&w, 100, 20000); /* the list of sets, and of hosts, but no set */
	for (unsigned i = 0; i < 50; i++)
		put(&w, 1 + i % 3, i, MTU, 0);
	while (next(&w))
		n++;
	assert_int_equal(n, 50);
	end(&w);
}

static void ten_thousand_flows_find_a_place(void **state)
{
	struct flows_stats stats;
	struct world w;

	begin(&w, 2000, UINT64_MAX);
	for (unsigned i = 0; i < 10000; i++)
		put(&w, i % 200, i, 200, 0);
	flows_stats(w.fs, &stats);
	assert_in_range(stats.flows, 900, FLOWS_TABLE_DEFAULT + 1);
	assert_true(w.budget.used < 2u << 20);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_have_equal_parts_whatever_their_flows),
		cmocka_unit_test(flows_have_equal_parts_in_bytes),
		cmocka_unit_test(what_is_sparse_goes_first),
		cmocka_unit_test(real_time_goes_first_but_not_for_ever),
		cmocka_unit_test(real_time_has_half_whatever_the_others_send),
		cmocka_unit_test(bulk_has_a_ninth_while_others_wait),
		cmocka_unit_test(what_a_packet_is_told_to_be_counts_before_its_mark),
		cmocka_unit_test(only_real_time_is_given_where_that_is_asked),
		cmocka_unit_test(who_was_passed_over_has_his_place_in_the_next_turn),
		cmocka_unit_test(a_path_takes_from_the_depth_and_never_turns_back),
		cmocka_unit_test(a_flow_says_how_it_stands),
		cmocka_unit_test(a_call_is_found_when_the_other_side_speaks_too),
		cmocka_unit_test(codel_marks_or_drops_at_the_head),
		cmocka_unit_test(nothing_leaves_that_is_too_old),
		cmocka_unit_test(who_has_most_queued_pays_for_the_memory),
		cmocka_unit_test(without_memory_for_a_table_all_share_a_queue),
		cmocka_unit_test(ten_thousand_flows_find_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two tunnels under virtual time: what they must bear besides what tunnel_test.c and
 * tunnel_flows_test.c have. Clocks, links that reorder, many flows and hosts, marks,
 * a processor that others have, and what is asked of downloads on the lab's links.
 */
#include "tunnel_lab.h"
#include "tunnel_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define S UINT64_C(1000000)
#define MS UINT64_C(1000)

static struct pair p;

static struct pair_side *const gateway = &p.side[PAIR_GATEWAY];
static struct pair_side *const concentrator = &p.side[PAIR_CONCENTRATOR];

static bool both_use(unsigned path)
{
	return pair_is_usable(&p, PAIR_GATEWAY, path) &&
	       pair_is_usable(&p, PAIR_CONCENTRATOR, path);
}

static void assert_all_came(void)
{
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		assert_int_equal(p.side[!side].received, p.side[side].next_seq);
		assert_int_equal(p.side[!side].doubles, 0);
	}
}

/* Clocks ------------------------------------------------------------------------ */

/* Nobody's clock is compared with the other's. */
static void clocks_differ_and_drift(void **state)
{
	pair_init(&p);
	gateway->clock_us = 3600 * S;
	concentrator->ppm = 200;
	for (unsigned i = 0; i < 2; i++) {
		p.path[i].rate_bps = 500000;
		pair_up(&p, i);
	}
	pair_run(&p, 200 * MS);
	for (unsigned i = 0; i < 6; i++) {
		pair_load(&p, 500, 10 * S);
		assert_true(both_use(0));
	}
	pair_run(&p, S);
	assert_all_came();
	assert_true(gateway->worst_us < 100 * MS);
	assert_true(concentrator->worst_us < 100 * MS);
	pair_finish(&p);
}

/* What waits for a time, when one of the clocks jumps. */

static void nothing_goes_on(void)
{
	pair_run(&p, 5 * S);
}

static void packets_go(void)
{
	pair_load(&p, 500, 5 * S);
}

/* Feedback is due, and more than the paths carry waits in the queues. */
static void much_is_queued(void)
{
	p.path[0].rate_bps = p.path[1].rate_bps = 250000;
	pair_load(&p, 2000, 3 * S);
	p.path[0].rate_bps = p.path[1].rate_bps = 0;
}

/* A second half, which never comes. */
static bool lose_second_halves(struct pair *pair, unsigned from, unsigned path,
                               uint8_t *bytes, size_t n)
{
	static unsigned nth;

	return n < 400 || nth++ % 2;
}

static void halves_wait(void)
{
	p.path[0].mtu = p.path[1].mtu = 1200;
	for (unsigned i = 0; i < 2; i++)
		tunnel_renewed(gateway->tunnel, i, AF_INET);
	pair_run(&p, 4 * S);
	p.tap = lose_second_halves;
	for (unsigned side = 0; side < PAIR_SIDES; side++)
		for (unsigned i = 0; i < 3; i++)
			pair_send(&p, side, 1, 1270);
	pair_run(&p, 20 * MS);
	p.tap = NULL;
}

/* What is sought, and asked again. */
static void sizes_are_sought(void)
{
	p.path[0].mtu = 1400;
	tunnel_renewed(gateway->tunnel, 0, AF_INET);
	pair_run(&p, 250 * MS);
}

static void one_path_is_dead(void)
{
	p.path[0].cut[0] = p.path[0].cut[1] = true;
	pair_load(&p, 100, 8 * S); /* its socket was made anew twice */
	p.path[0].cut[0] = p.path[0].cut[1] = false;
}

static void all_are_dead(void)
{
	for (unsigned i = 0; i < 2; i++)
		p.path[i].cut[0] = p.path[i].cut[1] = true;
	pair_load(&p, 100, 20 * S);
	for (unsigned i = 0; i < 2; i++)
		p.path[i].cut[0] = p.path[i].cut[1] = false;
}

static void the_session_carries(void)
{
	gateway->carries = concentrator->carries = true;
	for (unsigned i = 0; i < 2; i++)
		p.path[i].cut[0] = p.path[i].cut[1] = true;
	pair_load(&p, 100, 5 * S);
}

/* A new one, which is not in use yet. */
static void a_key_is_renewed(void)
{
	pair_run(&p, 600 * S - 5 * MS - p.now_us % (600 * S));
	pair_load(&p, 500, 20 * MS);
}

static void too_much_is_too_long(void)
{
	for (unsigned side = 0; side < PAIR_SIDES; side++)
		for (unsigned i = 0; i < 20; i++)
			pair_send(&p, side, 1, TUNNEL_MTU + 200);
	pair_run(&p, 10 * MS);
}

/* As of a machine that was stopped as a whole: then it goes on, whatever waited. */
static void a_clock_jumps(void **state)
{
	static const struct { const char *what; void (*before)(void); } waits[] = {
		{ "nothing", nothing_goes_on }, { "packets", packets_go },
		{ "a queue", much_is_queued }, { "halves", halves_wait },
		{ "sizes", sizes_are_sought }, { "a dead path", one_path_is_dead },
		{ "dead paths", all_are_dead }, { "by the session", the_session_carries },
		{ "a key", a_key_is_renewed }, { "too long", too_much_is_too_long },
	};

	for (unsigned i = 0; i < 2 * sizeof(waits) / sizeof(waits[0]); i++) {
		struct pair_side *side = &p.side[i % 2];
		print_message("%s, the %s's clock\n", waits[i / 2].what,
		              i % 2 ? "concentrator" : "gateway");
		pair_begin(&p, 2);
		waits[i / 2].before();
		side->clock_us += 3600 * S;
		side->deadline_us = p.now_us; /* its timers are over */
		pair_load(&p, 500, 2 * S);
		unsigned received[] = { gateway->received, concentrator->received };
		pair_load(&p, 500, 5 * S);
		pair_run(&p, 100 * MS);
		assert_true(gateway->received >= received[PAIR_GATEWAY] + 2500);
		assert_true(concentrator->received >= received[PAIR_CONCENTRATOR] + 2500);
		assert_int_equal(gateway->doubles + concentrator->doubles, 0);
		assert_true(gateway->carries || both_use(0) || both_use(1));
		pair_finish(&p);
	}
}

/* What was measured of paths one way says where the next goes for half a minute, and not
 * for longer: then it is what probes say. */
static void old_delays_are_forgotten(void **state)
{
	static const struct { uint64_t rest_us; unsigned path; } cases[] = {
		{ 20 * S, 0 }, { 40 * S, 1 },
	};

	for (unsigned i = 0; i < 2; i++) {
		pair_init(&p);
		p.path[0].more_us[PAIR_CONCENTRATOR] = 80 * MS; /* back; so it seems to be far */
		p.path[1].delay_us = 30 * MS;
		pair_up(&p, 0);
		pair_up(&p, 1);
		pair_run(&p, S);
		for (unsigned path = 0; path < 2; path++) { /* both are measured */
			tunnel_path(gateway->tunnel, !path, TUNNEL_PATH_SUSPECT, 0);
			pair_load(&p, 500, S);
			tunnel_path(gateway->tunnel, !path, TUNNEL_PATH_UP, 0);
		}
		pair_run(&p, cases[i].rest_us);
		unsigned sent[] = { gateway->sent[0], gateway->sent[1] };
		pair_send(&p, PAIR_GATEWAY, 7, 200);
		pair_run(&p, 0);
		unsigned other = !cases[i].path;
		assert_int_equal(gateway->sent[cases[i].path], sent[cases[i].path] + 1);
		assert_int_equal(gateway->sent[other], sent[other]);
		pair_finish(&p);
	}
}

/* Links ------------------------------------------------------------------------- */

/* 2 % come 5 ms later than what was sent behind them: late is not lost. */
static void a_link_reorders_by_itself(void **state)
{
	pair_begin(&p, 2);
	for (unsigned i = 0; i < 2; i++) {
		p.path[i].late_ppm = 20000;
		p.path[i].late_us = 5 * MS;
	}
	pair_load(&p, 2000, 10 * S);
	pair_run(&p, S);
	assert_all_came();
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		struct tunnel_stats s = pair_stats(&p, side);
		assert_int_equal(s.refused[TUNNEL_REPLAYED], 0);
		assert_int_equal(s.path[0].loss_ppm, 0);
		assert_int_equal(s.path[1].loss_ppm, 0);
	}
	pair_finish(&p);
}

/* Each of them of one packet, both ways. */
static void begin_flows(unsigned per_s, uint64_t us)
{
	for (uint64_t end_us = p.now_us + us; p.now_us < end_us; pair_run(&p, S / per_s))
		for (unsigned side = 0; side < PAIR_SIDES; side++)
			pair_send(&p, side, (uint16_t)(2000 + p.side[side].next_seq % 50000),
			          200);
}

/* With the same address: what begins then takes it within a second. (A flow that has
 * no gap stays where it is, for its order.) */
static void a_link_comes_back(void **state)
{
	pair_begin(&p, 2);
	p.path[1].delay_us = 40 * MS;
	for (unsigned i = 0; i < 20; i++) {
		pair_load(&p, 200, S);
		p.path[0].cut[0] = p.path[0].cut[1] = true;
		tunnel_path(gateway->tunnel, 0, TUNNEL_PATH_DOWN, 0);
		pair_load(&p, 200, (3 + i % 5) * S);
		p.path[0].cut[0] = p.path[0].cut[1] = false;
		pair_up(&p, 0);
		unsigned sent[] = { gateway->sent[0], concentrator->sent[0] };
		begin_flows(200, S);
		assert_true(both_use(0));
		assert_true(gateway->sent[0] > sent[PAIR_GATEWAY] + 50);
		assert_true(concentrator->sent[0] > sent[PAIR_CONCENTRATOR] + 50);
	}
	pair_finish(&p);
}

/* What it may carry is not asked each time that it comes. */
static void a_path_that_flaps_costs_little(void **state)
{
	pair_begin(&p, 2);
	pair_run(&p, S);
	uint64_t bytes = pair_stats(&p, PAIR_GATEWAY).path[0].tx_bytes;
	assert_true(bytes > 15000); /* it was asked */
	for (unsigned i = 0; i < 5; i++) {
		tunnel_path(gateway->tunnel, 0, TUNNEL_PATH_DOWN, 0);
		pair_run(&p, 100 * MS);
		pair_up(&p, 0);
		pair_run(&p, S);
	}
	bytes = pair_stats(&p, PAIR_GATEWAY).path[0].tx_bytes - bytes;
	print_message("%u bytes\n", (unsigned)bytes);
	assert_true(bytes < 15000);
	pair_finish(&p);
}

/* As it is marked: EF, CS1, or not at all. */
static void classes_are_counted(void **state)
{
	static const uint8_t tos[TUNNEL_CLASSES] = {
		[TUNNEL_BACKGROUND] = 8 << 2, [TUNNEL_REALTIME] = 46 << 2 };
	struct pair_side *from = &p.side[PAIR_GATEWAY];

	pair_begin(&p, 1);
	struct tunnel_stats before = pair_stats(&p, PAIR_GATEWAY);
	for (unsigned n = 0; n < 600; n++, pair_run(&p, 2 * MS)) {
		unsigned class = n % TUNNEL_CLASSES;
		from->tos = tos[class];
		pair_send(&p, PAIR_GATEWAY, (uint16_t)(3000 + class), 1000);
	}
	struct tunnel_stats s = pair_stats(&p, PAIR_GATEWAY);
	for (unsigned i = 0; i < TUNNEL_CLASSES; i++) {
		assert_int_equal(s.class[i].packets - before.class[i].packets, 200);
		assert_int_equal(s.class[i].bytes - before.class[i].bytes, 200000);
		assert_int_equal(s.class[i].dropped, 0);
	}
	pair_finish(&p);
}

/* One that costs, in an hour in which nothing goes on. */
static void a_metered_path_rests(void **state)
{
	pair_begin(&p, 1);
	tunnel_path(gateway->tunnel, 0, TUNNEL_PATH_UP, 1);
	tunnel_path(concentrator->tunnel, 0, TUNNEL_PATH_UP, 1);
	unsigned sent = gateway->sent[0] + concentrator->sent[0];
	pair_run(&p, 3600 * S);
	struct tunnel_stats s = pair_stats(&p, PAIR_GATEWAY);
	sent = gateway->sent[0] + concentrator->sent[0] - sent;
	assert_true(s.path[0].tx_bytes + s.path[0].rx_bytes + 28 * sent < 40000);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	pair_finish(&p);
}

/* Flows ------------------------------------------------------------------------- */

/* More than the path carries, for two seconds. */
static void overload(uint8_t tos)
{
	pair_begin(&p, 1);
	p.path[0].rate_bps = 500000;
	gateway->tos = tos;
	for (unsigned i = 0; i < 20000; i++) { /* its rate is found */
		pair_send(&p, PAIR_GATEWAY, 1, 1000);
		pair_run(&p, i < 15000 ? 2500 : 1700);
	}
	pair_run(&p, 2 * S);
}

static void marked_instead_of_dropped(void **state)
{
	overload(2); /* ECT(0) */
	struct tunnel_stats s = pair_stats(&p, PAIR_GATEWAY);
	assert_true(concentrator->marked > 20);
	assert_int_equal(s.dropped[TUNNEL_DROP_CODEL], 0);
	pair_finish(&p);
	overload(0);
	s = pair_stats(&p, PAIR_GATEWAY);
	assert_int_equal(concentrator->marked, 0);
	assert_true(s.dropped[TUNNEL_DROP_CODEL] > 20);
	pair_finish(&p);
}

/* One host has 200 flows, another one. */
static void hosts_have_equal_parts(void **state)
{
	pair_begin(&p, 1);
	p.path[0].rate_bps = 500000;
	for (unsigned i = 0; i < 12000; i++) {
		gateway->host = 7;
		pair_send(&p, PAIR_GATEWAY, (uint16_t)(1000 + i % 200), 1000);
		gateway->host = 8;
		pair_send(&p, PAIR_GATEWAY, 1000, 1000);
		pair_run(&p, 1250); /* three times what the path carries */
		if (i == 6000)
			memset(concentrator->of_host, 0, sizeof(concentrator->of_host));
	}
	double many = concentrator->of_host[7], one = concentrator->of_host[8];
	print_message("200 flows %.0f, one %.0f packets\n", many, one);
	assert_true(one > 0.9 * many && many > 0.9 * one);
	pair_finish(&p);
}

/* 2000 questions a second, each a flow of its own, and the answers. */
static void ask(unsigned lossy, uint64_t seconds)
{
	p.path[1].delay_us = 15 * MS;
	p.path[lossy].loss_ppm = 50000;
	for (unsigned i = 0; i < 2000 * seconds; i++) {
		uint16_t port = (uint16_t)(1024 + pair_random(&p) % 60000);
		pair_send(&p, PAIR_GATEWAY, port, 70);
		pair_send(&p, PAIR_CONCENTRATOR, port, 180);
		for (unsigned side = 0; side < PAIR_SIDES; side++)
			p.side[side].next_seq %= PAIR_SEQ_MAX - 64;
		pair_run(&p, 500);
	}
	pair_run(&p, S);
}

/* Where the other path loses much, or the best does: then they go by the other. */
static void names_are_asked_for(void **state)
{
	const unsigned seconds = 60, sent = 2000 * seconds;

	for (unsigned lossy = 0; lossy < 2; lossy++) {
		pair_begin(&p, 2);
		ask(lossy, seconds);
		print_message("%u and %u of %u\n", gateway->received, concentrator->received,
		              sent);
		assert_true(gateway->received >= sent * 0.999);
		assert_true(concentrator->received >= sent * 0.999);
		assert_true(gateway->worst_us < 30 * MS); /* the best is 10 ms */
		for (unsigned side = 0; side < PAIR_SIDES; side++) {
			assert_true(pair_stats(&p, side).flows <= FLOWS_TABLE_MAX);
			assert_true(p.side[side].tables.used < 8u << 20);
		}
		pair_finish(&p);
	}
}

/* And what was taken for them is given back. */
static void ten_thousand_flows_at_once(void **state)
{
	pair_begin(&p, 2);
	uint64_t before[] = { gateway->tables.used, concentrator->tables.used };
	for (unsigned i = 0; i < 20000; i++) {
		pair_send(&p, PAIR_GATEWAY, (uint16_t)(1024 + i % 10000), 100);
		pair_send(&p, PAIR_CONCENTRATOR, (uint16_t)(1024 + i % 10000), 100);
		if (i % 20 == 19)
			pair_run(&p, 10 * MS);
	}
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		print_message("%u flows, %u KB\n", pair_stats(&p, side).flows,
		              (unsigned)(p.side[side].tables.used / 1024));
		assert_true(p.side[side].tables.used < 8u << 20);
	}
	assert_all_came();
	pair_run(&p, 60 * S);
	assert_in_range(gateway->tables.used, 0, before[PAIR_GATEWAY] + 65536);
	assert_in_range(concentrator->tables.used, 0, before[PAIR_CONCENTRATOR] + 65536);
	pair_finish(&p);
}

/* Downloads ----------------------------------------------------------------------- */

/* So many downloads at once: all together, and the slowest one's part of a fair share. */
static double download(const struct tunnel_world_args *args, const struct cc_ops *cc,
                       unsigned count, double *slowest)
{
	struct tunnel_world *w = tunnel_world_create(args);
	double sum = 0, least = 1e9;

	assert_non_null(w);
	for (unsigned i = 0; i < count; i++)
		tunnel_world_add(w, &(struct tunnel_world_flow_args){
			.kind = TUNNEL_WORLD_QUIC, .cc = cc, .from_us = S + i * 50 * MS });
	tunnel_world_run(w, 8 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 20 * S);
	for (unsigned i = 0; i < count; i++) {
		double mbit = (double)tunnel_world_flow(w, i)->bytes / 12 / MBIT;
		assert_int_equal(tunnel_world_flow(w, i)->twice, 0);
		least = mbit < least ? mbit : least;
		sum += mbit;
	}
	tunnel_world_destroy(w);
	*slowest = least * count / sum;
	print_message("%u: %.1f Mbit/s, %.2f of the sum; the slowest has %.2f of its part\n",
	              count, sum, sum / lab_limit(args), *slowest);
	return sum;
}

static void eight_share(void **state)
{
	struct tunnel_world_args args = lab_s2();
	double slowest;

	assert_true(download(&args, &cc_cubic, 8, &slowest) >= 0.95 * lab_limit(&args));
	assert_true(slowest >= 0.5);
}

/* The best of the near ones: the line for CUBIC, whom the mobile network's losses slow
 * down; the mobile network for BBR, which begins on the line. */
static void far_links_slow_nobody(void **state)
{
	const struct cc_ops *const ccs[] = { &cc_cubic, &cc_bbr };
	struct tunnel_world_args args = lab_s3(), one;
	double slowest;

	for (unsigned i = 0; i < 2; i++) {
		one = (struct tunnel_world_args){ .seed = 1, .path_count = 1 };
		one.paths[0] = args.paths[i];
		double best = download(&one, ccs[i], 1, &slowest);
		assert_true(download(&args, ccs[i], 1, &slowest) >= 0.97 * best);
	}
}

/* All began on the line, and stayed there. */
static void eight_find_uneven_links(void **state)
{
	struct tunnel_world_args args = lab_s3();
	double slowest;

	assert_true(download(&args, &cc_cubic, 8, &slowest) >= 0.4 * lab_limit(&args));
	assert_true(slowest >= 0.3);
	assert_true(download(&args, &cc_bbr, 8, &slowest) >= 0.7 * lab_limit(&args));
	assert_true(slowest >= 0.3);
}

/* Half of the time, in pieces of 20 ms in the mean, others have the processor. What came
 * meanwhile was there in time, as the kernel knows. */
static void a_processor_in_pieces(void **state)
{
	struct tunnel_world_args args = lab_s2();
	struct tunnel_world *w;

	args.seed = 2;
	args.run_us = args.stall_us = 20 * MS;
	w = tunnel_world_create(&args);
	assert_non_null(w);
	double mbit = 0.9 * lab_limit(&args);
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_RATE, .rate_bps = (uint64_t)(mbit * MBIT), .from_us = S });
	tunnel_world_run(w, 6 * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, 18 * S);
	const struct tunnel_world_flow *got = tunnel_world_flow(w, flow);
	double came = (double)got->bytes / 12 / MBIT;
	print_message("%.1f of %.1f Mbit/s, %u out of order, p99 %.1f ms\n", came, mbit,
	              (unsigned)got->disordered, tunnel_world_delay_us(w, flow, 0.99) / 1e3);
	assert_int_equal(got->twice, 0);
	assert_true(came >= 0.8 * mbit);
	tunnel_world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_differ_and_drift),
		cmocka_unit_test(a_clock_jumps),
		cmocka_unit_test(old_delays_are_forgotten),
		cmocka_unit_test(a_link_reorders_by_itself),
		cmocka_unit_test(a_link_comes_back),
		cmocka_unit_test(a_path_that_flaps_costs_little),
		cmocka_unit_test(classes_are_counted),
		cmocka_unit_test(a_metered_path_rests),
		cmocka_unit_test(marked_instead_of_dropped),
		cmocka_unit_test(hosts_have_equal_parts),
		cmocka_unit_test(names_are_asked_for),
		cmocka_unit_test(ten_thousand_flows_at_once),
		cmocka_unit_test(eight_share),
		cmocka_unit_test(far_links_slow_nobody),
		cmocka_unit_test(eight_find_uneven_links),
		cmocka_unit_test(a_processor_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

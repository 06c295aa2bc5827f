/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which carrier is used, on a made-up network: two uplinks, a load that
 * carries so much over the one and so much over the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/carrier.h"
#include "agg/transport/wire.h"

#include <string.h>

#define SECOND 1000000u
#define BOTH 3u
#define MPTCP_PATHS (1u << WIRE_PATH_MPTCP4 | 1u << WIRE_PATH_MPTCP6)

static struct network {
	struct carrier c;
	struct carrier_facts f;
	uint64_t now_us;
	uint64_t bps[2], echo_ms[2]; /* over our subflows, over MPTCP */
	uint64_t bytes[3];           /* of the streams, ids 1, 3, 5 */
	bool alive[3];
	unsigned trials;             /* begun */
} net;

static void setup(enum conf_carrier wanted)
{
	memset(&net, 0, sizeof(net));
	carrier_init(&net.c);
	net.now_us = SECOND;
	net.f = (struct carrier_facts){ .wanted = wanted, .usable = BOTH,
	                                .covered = BOTH, .bundle = true,
	                                .whole = true };
	net.alive[0] = true;
	net.bps[0] = net.bps[1] = 5000000;
	net.echo_ms[0] = net.echo_ms[1] = 20;
}

/* So many seconds with a load, in steps of 100 ms. */
static void run(unsigned seconds)
{
	for (unsigned i = 0; i < 10 * seconds; i++) {
		unsigned alive = 0;
		for (int s = 0; s < 3; s++)
			alive += net.alive[s];
		for (int s = 0; s < 3; s++)
			if (net.alive[s])
				net.bytes[s] += net.bps[net.c.mptcp] / 10 / alive;
		net.f.load_bps = alive ? net.bps[net.c.mptcp] : 0;
		net.f.echo_us += net.echo_ms[net.c.mptcp] * 1000;
		net.f.echoes++;
		net.now_us += SECOND / 10;
		bool was = carrier_is_trying(&net.c);
		if (!carrier_step(&net.c, &net.f, net.now_us))
			continue;
		for (int s = 0; s < 3; s++)
			if (net.alive[s])
				carrier_mark_stream(&net.c, (uint32_t)(2 * s + 1),
				                    net.bytes[s]);
		carrier_marked(&net.c, &net.f, net.now_us);
		net.trials += !was && carrier_is_trying(&net.c);
	}
}

static void test_subflows(void **state)
{
	setup(CONF_CARRIER_SUBFLOWS);
	run(60);
	assert_false(net.c.mptcp);
	assert_int_equal(net.c.reserve, MPTCP_PATHS);
	assert_int_equal(net.trials, 0);
}

static void test_mptcp(void **state)
{
	setup(CONF_CARRIER_MPTCP);
	run(60);
	assert_true(net.c.mptcp);
	assert_int_equal(net.c.reserve, BOTH);
	assert_int_equal(net.trials, 0);
	net.f.covered = 1; /* our own hold the other uplink */
	run(1);
	assert_true(net.c.mptcp);
	assert_int_equal(net.c.reserve, 1);
	assert_non_null(strstr(net.c.why, "1 uplink "));
	net.f.covered = 0;
	net.f.bundle = false;
	run(1);
	assert_false(net.c.mptcp);
	assert_int_equal(net.c.reserve, MPTCP_PATHS);
	net.f.bundle = true;
	net.f.covered = BOTH;
	run(1);
	assert_true(net.c.mptcp);
	net.f.obstacle = "this kernel has none";
	run(1);
	assert_false(net.c.mptcp);
	assert_non_null(strstr(net.c.why, "this kernel has none"));
}

/* As long as nothing is moved, nothing is known. */
static void test_auto_begins_with_ours(void **state)
{
	setup(CONF_CARRIER_AUTO);
	net.alive[0] = false;
	run(60);
	assert_false(net.c.mptcp);
	assert_int_equal(net.trials, 0);
	assert_int_equal(net.c.reserve, MPTCP_PATHS);
}

static void test_auto_takes_what_is_no_worse(void **state)
{
	setup(CONF_CARRIER_AUTO);
	run(30);
	assert_int_equal(net.trials, 1);
	assert_true(net.c.mptcp);
	assert_int_equal(net.c.reserve, BOTH);
	run(600);
	assert_int_equal(net.trials, 1);
	assert_true(net.c.mptcp);
}

static void test_auto_leaves_what_is_worse(void **state)
{
	static const struct { uint64_t bps, echo_ms; bool taken; } rows[] = {
		{ 4900000, 20, true }, { 4800000, 20, false },
		{ 9000000, 20, true }, { 5000000, 29, true },
		{ 5000000, 31, false }, { 9000000, 200, false },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setup(CONF_CARRIER_AUTO);
		net.bps[1] = rows[i].bps;
		net.echo_ms[1] = rows[i].echo_ms;
		run(120);
		assert_int_equal(net.trials, 1);
		assert_int_equal(net.c.mptcp, rows[i].taken);
		assert_non_null(strstr(net.c.why,
		                       rows[i].taken ? "no worse" : "was worse"));
	}
}

/* Whatever is wrong with MPTCP, our own are used at once. */
static void test_auto_needs_every_uplink(void **state)
{
	for (int i = 0; i < 5; i++) {
		setup(CONF_CARRIER_AUTO);
		run(30);
		assert_true(net.c.mptcp);
		if (i == 0)
			net.f.obstacle = "this kernel has none";
		if (i == 1)
			net.f.whole = false;
		if (i == 2)
			net.f.stripped = 2;
		if (i == 3)
			net.f.metered = true;
		if (i == 4)
			net.f.bundle = false;
		carrier_step(&net.c, &net.f, net.now_us + 1);
		assert_false(net.c.mptcp);
		assert_int_equal(net.c.reserve, MPTCP_PATHS);
		assert_true(*net.c.why);
		run(120);
		assert_false(net.c.mptcp);
		assert_int_equal(net.trials, 1);
		net.f.obstacle = NULL;
		net.f.whole = net.f.bundle = true;
		net.f.stripped = 0;
		net.f.metered = false;
		run(5); /* the same uplinks: the verdict is still good */
		assert_true(net.c.mptcp);
	}
}

/* A trial whose streams end says nothing. */
static void test_auto_void(void **state)
{
	setup(CONF_CARRIER_AUTO);
	net.bps[1] = 1000000;
	for (int i = 0; !carrier_is_trying(&net.c) && i < 10; i++)
		run(1);
	assert_true(carrier_is_trying(&net.c));
	run(5);
	assert_true(net.c.mptcp); /* the other's turn */
	net.alive[0] = false;
	net.alive[1] = true; /* one that was not there before */
	run(10);
	assert_false(carrier_is_trying(&net.c));
	assert_false(net.c.mptcp);
	assert_int_equal(net.trials, 1);
	run(CARRIER_VOID_US / SECOND - 10);
	assert_int_equal(net.trials, 1);
	run(30);
	assert_int_equal(net.trials, 2);
	assert_false(net.c.mptcp);
	assert_non_null(strstr(net.c.why, "worse"));
}

/* Where it is far worse, nobody waits for the end of the trial. */
static void test_auto_fall(void **state)
{
	unsigned with_mptcp = 0;

	setup(CONF_CARRIER_AUTO);
	net.bps[1] = 1000000;
	for (int i = 0; i < 200; i++) {
		run(1);
		with_mptcp += net.c.mptcp;
	}
	assert_int_equal(net.trials, CARRIER_FALLS_MAX);
	assert_true(with_mptcp <= CARRIER_FALLS_MAX *
	            (CARRIER_SETTLE_US / SECOND + 1));
	assert_false(net.c.mptcp);
	assert_non_null(strstr(net.c.why, "worse: 8.0 Mbit/s of our own 40.0"));
}

/* In a trial, too, what does not work is left at once. */
static void test_auto_breaks_off(void **state)
{
	setup(CONF_CARRIER_AUTO);
	while (!net.c.mptcp)
		run(1);
	assert_true(carrier_is_trying(&net.c));
	net.f.whole = false;
	run(1);
	assert_false(net.c.mptcp);
	assert_false(carrier_is_trying(&net.c));
	net.f.whole = true;
	run(CARRIER_VOID_US / SECOND + 30);
	assert_int_equal(net.trials, 2);
	assert_true(net.c.mptcp);
}

static void test_auto_tries_anew(void **state)
{
	setup(CONF_CARRIER_AUTO);
	run(30);
	assert_int_equal(net.trials, 1);
	carrier_forget(&net.c); /* an address is another */
	run(30);
	assert_int_equal(net.trials, 2);
	net.f.usable = net.f.covered = 7; /* an uplink came */
	run(30);
	assert_int_equal(net.trials, 3);
	net.f.usable = net.f.covered = 3; /* and went */
	run(30);
	assert_int_equal(net.trials, 3);
	net.now_us += CARRIER_VALID_US;
	net.bps[1] = 1000000; /* begun with MPTCP, ended with ours */
	run(30);
	assert_int_equal(net.trials, 4);
	assert_false(net.c.mptcp);
}

/* More streams than a trial looks at. */
static void test_many_streams(void **state)
{
	setup(CONF_CARRIER_AUTO);
	while (!carrier_step(&net.c, &net.f, net.now_us += SECOND))
		net.f.load_bps = 10 * CARRIER_LOAD_MIN_BPS;
	for (uint32_t id = 1; id < 20 * CARRIER_STREAMS_MAX; id++)
		carrier_mark_stream(&net.c, id, id);
	carrier_marked(&net.c, &net.f, net.now_us);
	assert_true(carrier_is_trying(&net.c));
	assert_int_equal(net.c.stream_count, CARRIER_STREAMS_MAX);
}

/* Whatever is the matter, the reason says what carries. */
static void test_reasons_say_what_follows(void **state)
{
	static const struct {
		enum conf_carrier wanted;
		const char *obstacle;
		bool metered, stripped, bundle, whole;
		const char *why;
	} rows[] = {
		{ CONF_CARRIER_AUTO, NULL, true, false, true, true,
		  "an uplink is metered, which MPTCP cannot spare, so our own "
		  "subflows carry it" },
		{ CONF_CARRIER_AUTO, "the concentrator has no MPTCP", false, false,
		  false, false,
		  "the concentrator has no MPTCP, so our own subflows carry it" },
		{ CONF_CARRIER_AUTO, NULL, false, true, true, true,
		  "an uplink strips or drops MPTCP's option (see its note), so our "
		  "own subflows carry it" },
		{ CONF_CARRIER_AUTO, NULL, false, false, true, false,
		  "MPTCP is not on every uplink, so our own subflows carry it" },
		{ CONF_CARRIER_AUTO, NULL, false, false, true, true,
		  "MPTCP works on every uplink; compared under the next load, our "
		  "own subflows carry it until then" },
		{ CONF_CARRIER_MPTCP, NULL, false, false, false, false,
		  "no MPTCP connection works, so our own subflows carry it" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setup(rows[i].wanted);
		net.alive[0] = false; /* no load */
		net.f.obstacle = rows[i].obstacle;
		net.f.metered = rows[i].metered;
		net.f.stripped = rows[i].stripped;
		net.f.bundle = rows[i].bundle;
		net.f.whole = rows[i].whole;
		run(5);
		assert_string_equal(net.c.why, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subflows),
		cmocka_unit_test(test_mptcp),
		cmocka_unit_test(test_auto_begins_with_ours),
		cmocka_unit_test(test_auto_takes_what_is_no_worse),
		cmocka_unit_test(test_auto_leaves_what_is_worse),
		cmocka_unit_test(test_auto_needs_every_uplink),
		cmocka_unit_test(test_auto_void),
		cmocka_unit_test(test_auto_fall),
		cmocka_unit_test(test_auto_breaks_off),
		cmocka_unit_test(test_auto_tries_anew),
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_reasons_say_what_follows),
	};

	return cmocka_run_group_tests_name("role/carrier", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when it is an outage, and what a new connection meets then: both
 * choices of on_outage, both families, the beginning and the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/outage.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define START UINT64_C(5000000)
#define SECOND UINT64_C(1000000)

static void start_is_an_outage_until_a_path_works(void **state)
{
	struct outage o;

	outage_init(&o, START);
	assert_true(o.is_on);
	assert_int_equal(outage_state(&o, false), REPORT_SESSION_CONNECTING);
	assert_false(outage_step(&o, false, START + 60 * SECOND));
	assert_true(outage_step(&o, true, START + 61 * SECOND));
	assert_false(o.is_on);
	assert_int_equal(o.since_us, START + 61 * SECOND);
	assert_int_equal(outage_state(&o, true), REPORT_SESSION_UP);
}

static void begin_up(struct outage *o)
{
	outage_init(o, START);
	outage_step(o, true, START);
}

static void a_moment_without_a_path_is_none(void **state)
{
	struct outage o;
	uint64_t now = START + SECOND;

	begin_up(&o);
	assert_false(outage_step(&o, false, now));
	assert_int_equal(outage_state(&o, true), REPORT_SESSION_CONNECTING);
	assert_false(outage_step(&o, false, now + OUTAGE_US - 1));
	assert_false(outage_step(&o, true, now + OUTAGE_US - 1));
	assert_int_equal(o.since_us, START); /* it is up since then */
	/* The next moment begins anew: they do not add up. */
	now += OUTAGE_US;
	assert_false(outage_step(&o, false, now));
	assert_false(outage_step(&o, false, now + OUTAGE_US - 1));
	assert_false(o.is_on);
}

static void it_begins_in_time_and_ends_at_once(void **state)
{
	struct outage o;
	uint64_t now = START + SECOND;

	begin_up(&o);
	outage_step(&o, false, now);
	assert_true(outage_step(&o, false, now + OUTAGE_US));
	assert_int_equal(outage_state(&o, true), REPORT_SESSION_OUTAGE);
	assert_int_equal(o.since_us, now + OUTAGE_US);
	assert_false(outage_step(&o, false, now + 2 * OUTAGE_US)); /* said once */
	assert_true(outage_step(&o, true, now + 2 * OUTAGE_US + 1));
	assert_int_equal(outage_state(&o, true), REPORT_SESSION_UP);
}

/* Another session, whose concentrator has not answered yet. */
static void state_of_a_new_session_is_connecting(void **state)
{
	struct outage o;

	begin_up(&o);
	outage_step(&o, false, START + SECOND);
	outage_step(&o, false, START + SECOND + OUTAGE_US);
	assert_int_equal(outage_state(&o, false), REPORT_SESSION_CONNECTING);
}

static void what_a_new_connection_meets(void **state)
{
	static const struct {
		bool outage;
		struct outage_facts facts;
		enum intercept_mode v4, v6;
	} cases[] = {
		{ false, { false, true, CONF_OUTAGE_DIRECT },
		  INTERCEPT_TAKE, INTERCEPT_TAKE },
		{ false, { false, false, CONF_OUTAGE_DIRECT },
		  INTERCEPT_TAKE, INTERCEPT_REJECT },
		{ false, { false, false, CONF_OUTAGE_BLOCK },
		  INTERCEPT_TAKE, INTERCEPT_REJECT },
		{ true, { false, true, CONF_OUTAGE_DIRECT },
		  INTERCEPT_FORWARD, INTERCEPT_FORWARD },
		{ true, { false, false, CONF_OUTAGE_DIRECT },
		  INTERCEPT_FORWARD, INTERCEPT_FORWARD },
		{ true, { false, true, CONF_OUTAGE_BLOCK },
		  INTERCEPT_REJECT, INTERCEPT_REJECT },
		{ false, { true, true, CONF_OUTAGE_BLOCK },
		  INTERCEPT_FORWARD, INTERCEPT_FORWARD },
		{ true, { true, false, CONF_OUTAGE_BLOCK },
		  INTERCEPT_FORWARD, INTERCEPT_FORWARD },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct outage o;
		begin_up(&o);
		if (cases[i].outage) {
			outage_step(&o, false, START + SECOND);
			outage_step(&o, false, START + SECOND + OUTAGE_US);
		}
		assert_int_equal(outage_mode(&o, &cases[i].facts, AF_INET),
		                 cases[i].v4);
		assert_int_equal(outage_mode(&o, &cases[i].facts, AF_INET6),
		                 cases[i].v6);
		/* Packets have an outage of their own, the tunnel's. */
		assert_int_equal(outage_tunnel_mode(&o, true, &cases[i].facts,
		                                    AF_INET), cases[i].v4);
		assert_int_equal(outage_tunnel_mode(&o, true, &cases[i].facts,
		                                    AF_INET6), cases[i].v6);
		const char *passes = outage_passes(&o, &cases[i].facts);
		assert_string_equal(passes,
			cases[i].v4 == INTERCEPT_TAKE ? "" :
			cases[i].v4 == INTERCEPT_FORWARD ?
			"new connections leave directly" :
			"new connections are refused");
	}
}

/* A moment without a path does not yet let anything leave by itself. */
static void before_it_begins_connections_are_still_taken(void **state)
{
	struct outage_facts facts = { .remote_ipv6 = true };
	struct outage o;

	begin_up(&o);
	outage_step(&o, false, START + SECOND);
	assert_int_equal(outage_mode(&o, &facts, AF_INET), INTERCEPT_TAKE);
	assert_int_equal(outage_mode(&o, &facts, AF_INET6), INTERCEPT_TAKE);
}

static void what_the_log_says(void **state)
{
	struct outage o;

	outage_init(&o, START);
	assert_string_equal(outage_text(&o, CONF_OUTAGE_DIRECT),
	                    "no path works; new connections leave directly");
	assert_string_equal(outage_text(&o, CONF_OUTAGE_BLOCK),
	                    "no path works; new connections are refused");
	assert_non_null(strstr(outage_text(&o, CONF_OUTAGE_DIRECT),
	                       outage_follows(CONF_OUTAGE_DIRECT)));
	assert_non_null(strstr(outage_text(&o, CONF_OUTAGE_BLOCK),
	                       outage_follows(CONF_OUTAGE_BLOCK)));
	outage_step(&o, true, START);
	assert_string_equal(outage_text(&o, CONF_OUTAGE_BLOCK), "up");
}

static void who_is_accepted_goes_the_way_of_the_others(void **state)
{
	struct outage up, out;
	static const struct {
		bool draining, is_on;
		enum conf_outage on_outage;
		enum outage_way way;
	} rows[] = {
		{ false, false, CONF_OUTAGE_DIRECT, OUTAGE_STREAM },
		{ false, false, CONF_OUTAGE_BLOCK, OUTAGE_STREAM },
		{ false, true, CONF_OUTAGE_DIRECT, OUTAGE_DIRECT },
		{ false, true, CONF_OUTAGE_BLOCK, OUTAGE_REFUSE },
		{ true, false, CONF_OUTAGE_DIRECT, OUTAGE_REFUSE },
		{ true, true, CONF_OUTAGE_DIRECT, OUTAGE_REFUSE },
	};

	begin_up(&up);
	outage_init(&out, START);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct outage_facts facts = { .draining = rows[i].draining,
		                              .on_outage = rows[i].on_outage };
		assert_int_equal(outage_way(rows[i].is_on ? &out : &up, &facts),
		                 rows[i].way);
	}
}

/* A concentrator without one is no reason to refuse anything. */
static void who_never_had_a_tunnel_lacks_none(void **state)
{
	const struct outage_facts facts = { false, true, CONF_OUTAGE_BLOCK };
	struct outage o;

	outage_init(&o, START);
	assert_int_equal(outage_tunnel_mode(&o, false, &facts, AF_INET),
	                 INTERCEPT_FORWARD);
	assert_int_equal(outage_tunnel_mode(&o, true, &facts, AF_INET),
	                 INTERCEPT_REJECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_accepted_goes_the_way_of_the_others),
		cmocka_unit_test(start_is_an_outage_until_a_path_works),
		cmocka_unit_test(a_moment_without_a_path_is_none),
		cmocka_unit_test(it_begins_in_time_and_ends_at_once),
		cmocka_unit_test(state_of_a_new_session_is_connecting),
		cmocka_unit_test(what_a_new_connection_meets),
		cmocka_unit_test(before_it_begins_connections_are_still_taken),
		cmocka_unit_test(who_never_had_a_tunnel_lacks_none),
		cmocka_unit_test(what_the_log_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the sentence that says what limits the speed, in made situations.
 */
#include "agg/report/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MBIT 125000u

/* A gateway with dsl, lte and a satellite, which downloads at 48 and 15 Mbit/s. */
static void setup_gateway(struct report *r)
{
	static const struct {
		const char *name;
		uint64_t rtt_us, down_bps;
	} uplinks[] = { { "dsl", 12000, 48 * MBIT }, { "lte", 61000, 15 * MBIT },
	                { "sat", 560000, 0 } };

	report_init(r);
	strcpy(r->head.role, "gateway");
	struct report_session *s = report_add_session(r);
	strcpy(s->concentrator, "vps");
	s->state = REPORT_SESSION_UP;
	s->down_flow.known = s->up_flow.known = true;
	for (int i = 0; i < 3; i++) {
		struct report_uplink *u = report_add_uplink(r);
		strcpy(u->name, uplinks[i].name);
		u->state = REPORT_PATH_UP;
		u->min_rtt_us = uplinks[i].rtt_us;
		u->down_bps = uplinks[i].down_bps;
	}
}

static void check(struct report *r, enum report_health health, const char *text)
{
	char out[LIMIT_TEXT_MAX + 1];

	limit_sentence(r, out);
	assert_string_equal(out, text);
	assert_int_equal(limit_health(r), health);
	report_finish(r);
}

/* It is no fault, and said. */
static void a_cap_is_used_up(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.uplinks[0].down_full_permille = 950;
	strcpy(r.uplinks[1].cost, "backup");
	strcpy(r.uplinks[1].cost_why, "its cap of 100 GB is used up, until 2026-10-05");
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as dsl is full, and sat is "
	      "too far behind to carry more; lte is backup (its cap of 100 GB is used up, "
	      "until 2026-10-05)");
}

static void links_are_full(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.uplinks[0].down_full_permille = r.uplinks[1].down_full_permille = 950;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as dsl and lte are "
	      "full, and sat is too far behind to carry more");
	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.uplinks[0].down_full_permille = 950;
	r.uplinks[2].state = REPORT_PATH_DISABLED;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as dsl is full");
	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	for (int i = 0; i < 3; i++)
		r.uplinks[i].down_full_permille = 950;
	check(&r, REPORT_HEALTH_UP,
	      "download at 63.0 Mbit/s, as dsl, lte and sat are full");
}

static void the_source_is_slow(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 100;
	check(&r, REPORT_HEALTH_UP,
	      "download at 63.0 Mbit/s, as the server sends no faster");
	setup_gateway(&r);
	r.uplinks[0].down_bps = r.uplinks[1].down_bps = MBIT / 20;
	r.uplinks[1].up_bps = 3 * MBIT;
	check(&r, REPORT_HEALTH_UP,
	      "upload at 3.0 Mbit/s, as the client sends no faster");
}

static void the_receiver_takes_no_more(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.credit_permille = 900;
	r.sessions->down_flow.reader_full = true;
	check(&r, REPORT_HEALTH_UP,
	      "download at 63.0 Mbit/s, as the client takes no more");
	setup_gateway(&r);
	r.uplinks[0].up_bps = 100 * MBIT;
	r.sessions->up_flow.credit_permille = 900;
	r.sessions->up_flow.reader_full = true;
	check(&r, REPORT_HEALTH_UP,
	      "upload at 100 Mbit/s, as the server takes no more");
	setup_gateway(&r);
	r.sessions->down_flow.credit_permille = 900;
	r.sessions->down_flow.memory_short = r.sessions->down_flow.hole = true;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as the memory of the "
	      "receiving session is used up ('option memory')");
	setup_gateway(&r);
	r.sessions->down_flow.credit_permille = 500;
	r.sessions->down_flow.paths_permille = 400;
	r.sessions->down_flow.hole = true;
	strcpy(r.sessions->silent_uplink, "sat");
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as what is late or "
	      "lost on sat holds up the rest");
	setup_gateway(&r);
	r.sessions->down_flow.credit_permille = 500;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as it waits for the "
	      "receiver's credit");
}

static void cpu_comes_before_all(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.sessions->down_flow.sender_cpu_permille = 985;
	r.sessions->down_flow.receiver_cpu_permille = 920;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as the CPU of the "
	      "concentrator is full (98 % of a core)");
	setup_gateway(&r);
	r.sessions->down_flow.known = false; /* the other end says nothing */
	r.sessions->down_flow.receiver_cpu_permille = 920;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s, as the CPU of the "
	      "gateway is full (92 % of a core)");
}

static void what_is_not_told_is_not_guessed(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.known = false;
	check(&r, REPORT_HEALTH_UP, "download at 63.0 Mbit/s");
	setup_gateway(&r);
	for (int i = 0; i < 3; i++)
		r.uplinks[i].down_bps = 0;
	check(&r, REPORT_HEALTH_UP, "nothing is under way");
}

static void what_is_wrong_is_said(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.uplinks[0].down_full_permille = 950;
	r.uplinks[1].state = REPORT_PATH_DOWN;
	strcpy(r.uplinks[1].why, "no carrier");
	check(&r, REPORT_HEALTH_DEGRADED, "download at 63.0 Mbit/s, as dsl is full, "
	      "and sat is too far behind to carry more; lte is down (no carrier)");
	setup_gateway(&r);
	r.sessions->down_flow.paths_permille = 980;
	r.uplinks[0].down_full_permille = 950;
	r.uplinks[1].state = REPORT_PATH_DOWN;
	strcpy(r.uplinks[1].why, "no carrier");
	r.uplinks[2].state = REPORT_PATH_SUSPECT;
	check(&r, REPORT_HEALTH_DEGRADED, "download at 63.0 Mbit/s, as dsl is full; "
	      "lte is down, sat is without progress");
	setup_gateway(&r);
	r.uplinks[0].down_bps = r.uplinks[1].down_bps = 0;
	r.sessions->interception.state = REPORT_INTERCEPTION_BROKEN;
	strcpy(r.sessions->interception.why, "rule 700 was removed");
	strcpy(r.head.waits_for, "a device lan1");
	check(&r, REPORT_HEALTH_DEGRADED, "nothing is under way; the LAN's "
	      "connections are not taken (rule 700 was removed); it waits for a "
	      "device lan1");
	setup_gateway(&r);
	r.uplinks[0].down_bps = r.uplinks[1].down_bps = 0;
	r.sessions->tunnel.state = REPORT_TUNNEL_DOWN; /* at the start */
	check(&r, REPORT_HEALTH_UP, "nothing is under way");
	setup_gateway(&r);
	r.uplinks[0].down_bps = r.uplinks[1].down_bps = 0;
	r.sessions->tunnel.lost = true;
	strcpy(r.sessions->tunnel.why, "this host does not forward IPv4");
	check(&r, REPORT_HEALTH_DEGRADED, "nothing is under way; the LAN's packets have no "
	      "tunnel (this host does not forward IPv4)");
}

/* They are another process's, and no fault. */
static void streams_of_before_an_update(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.uplinks[0].down_bps = r.uplinks[1].down_bps = 0;
	r.head.before_streams = 3;
	r.head.before_down_bps = 1500000;
	r.head.before_up_bps = 12500;
	check(&r, REPORT_HEALTH_UP, "nothing is under way; streams of before an update "
	      "go on: 3, at 12.0 Mbit/s down and 0.1 up");
}

static void a_gateway_without_session_is_down(void **state)
{
	struct report r;

	setup_gateway(&r);
	r.sessions->state = REPORT_SESSION_OUTAGE;
	strcpy(r.sessions->why, "no path works; new connections leave directly");
	r.uplinks[0].state = REPORT_PATH_DOWN;
	check(&r, REPORT_HEALTH_DOWN, "no path works; new connections leave directly"
	      "; dsl is down");
	report_init(&r);
	strcpy(r.head.role, "gateway");
	check(&r, REPORT_HEALTH_DOWN, "there is no session");
}

static void a_concentrator_tells_of_its_busiest_site(void **state)
{
	struct report r;

	report_init(&r);
	strcpy(r.head.role, "concentrator");
	check(&r, REPORT_HEALTH_UP, "no gateway is connected");
	setup_gateway(&r);
	strcpy(r.head.role, "concentrator");
	strcpy(r.sessions->site, "home");
	for (int i = 0; i < 3; i++)
		strcpy(r.uplinks[i].site, "home");
	struct report_session *s = report_add_session(&r);
	strcpy(s->site, "office");
	s->state = REPORT_SESSION_OUTAGE;
	r.sessions[0].down_flow.paths_permille = 900;
	r.uplinks[0].down_full_permille = 900;
	r.uplinks[2].state = REPORT_PATH_CONNECTING;
	check(&r, REPORT_HEALTH_DEGRADED, "site home: download at 63.0 Mbit/s, as dsl "
	      "is full; home/sat is connecting; site office is away");
}

/* However much there is to say. */
static void it_is_one_line(void **state)
{
	char out[LIMIT_TEXT_MAX + 1];
	struct report r;

	setup_gateway(&r);
	for (int i = 0; i < 3; i++) {
		memset(r.uplinks[i].name, 'n', REPORT_NAME_MAX);
		memset(r.uplinks[i].why, '\n', REPORT_WORDS_MAX);
		r.uplinks[i].state = REPORT_PATH_DOWN;
	}
	memset(r.head.waits_for, 'w', REPORT_WAITS_MAX);
	for (int i = 0; i < 9; i++)
		report_add_uplink(&r)->state = REPORT_PATH_DOWN;
	r.sessions->interception.state = REPORT_INTERCEPTION_BROKEN;
	memset(r.sessions->interception.why, 'i', REPORT_WORDS_MAX);
	limit_sentence(&r, out);
	assert_in_range(strlen(out), 1, LIMIT_TEXT_MAX);
	assert_null(strchr(out, '\n'));
	report_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_full),
		cmocka_unit_test(a_cap_is_used_up),
		cmocka_unit_test(the_source_is_slow),
		cmocka_unit_test(the_receiver_takes_no_more),
		cmocka_unit_test(cpu_comes_before_all),
		cmocka_unit_test(what_is_not_told_is_not_guessed),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(streams_of_before_an_update),
		cmocka_unit_test(a_gateway_without_session_is_down),
		cmocka_unit_test(a_concentrator_tells_of_its_busiest_site),
		cmocka_unit_test(it_is_one_line),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which section holds for a connection, and which uplink leads it, as
 * uplinks die and come back.
 */
#include "agg/role/bypass.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD \
	"config aggd 'main'\n option role 'gateway'\n" \
	"config concentrator 'vps'\n list endpoint '203.0.113.10:443'\n" \
	" option pin 'sha256:3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n" \
	"config uplink 'dsl'\n option device 'wan1'\n" \
	"config uplink 'lte'\n option device 'wan2'\n option cost 'metered'\n" \
	"config uplink 'sat'\n option device 'wan3'\n"
#define SECOND 1000000u
#define START (100 * SECOND)
enum { DSL, LTE, SAT };

static struct conf *parse(const char *text)
{
	struct conf_error error;
	struct conf *conf;

	if (conf_parse("x", text, strlen(text), NULL, &conf, &error))
		fail_msg("%s", error.text);
	return conf;
}

/* Which section ------------------------------------------------------------- */

struct question {
	uint8_t protocol;
	const char *host, *dest, *name;
	const uint8_t *mac;
};

static struct bypass_flow flow_of(const struct question *q, struct addr *host,
                                  struct dest *dest)
{
	memset(dest, 0, sizeof(*dest));
	assert_int_equal(addr_parse(host, q->host, 0), 0);
	assert_int_equal(addr_parse(&dest->addr, q->dest, -1), 0);
	return (struct bypass_flow){ .protocol = q->protocol ? q->protocol
		: IPPROTO_TCP, .host = host, .mac = q->mac, .dest = dest,
		.name = q->name ? q->name : "" };
}

static const char *way(const struct conf *conf, struct question q)
{
	struct addr host;
	struct dest dest;
	struct bypass_flow flow = flow_of(&q, &host, &dest);
	const struct conf_bypass *found = bypass_find(conf, &flow);

	return found ? found->name : "none";
}

static bool hangs(const struct conf *conf, struct question q)
{
	struct addr host;
	struct dest dest;
	struct bypass_flow flow = flow_of(&q, &host, &dest);

	return bypass_hangs_on_name(conf, &flow);
}

static void a_section_wants_each_of_its_conditions(void **state)
{
	static const uint8_t mac[] = { 0, 0x16, 0x3e, 1, 2, 3 };
	struct conf *conf = parse(HEAD
		"config bypass 'tv'\n list host '192.168.1.7'\n list port 'tcp/443'\n"
		" list port '80'\n list dest '192.0.2.0/24'\n"
		"config bypass 'card'\n list host '00:16:3e:01:02:03'\n"
		"config bypass 'calls'\n list port 'udp/5000-6000'\n");

	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.7",
		.dest = "192.0.2.1:443" }), "tv");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.7",
		.dest = "192.0.2.1:80", .protocol = IPPROTO_UDP }), "tv");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.8",
		.dest = "192.0.2.1:443" }), "none");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.7",
		.dest = "192.0.2.1:22" }), "none");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.7",
		.dest = "198.51.100.1:443" }), "none");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.9",
		.dest = "198.51.100.1:1", .mac = mac }), "card");
	assert_string_equal(way(conf, (struct question){ .host = "192.168.1.9",
		.dest = "198.51.100.1:5500", .protocol = IPPROTO_UDP }), "calls");
	assert_true(bypass_hangs_on_mac(conf));
	conf_free(conf);
}

static void a_name_or_a_destination_is_enough(void **state)
{
	struct conf *conf = parse(HEAD
		"config bypass 'bank'\n list name 'bank.test'\n"
		" list dest '192.0.2.0/24'\n option to 'lte'\n"
		"config bypass 'rest'\n list port '443'\n");
	struct question q = { .host = "192.168.1.7", .dest = "198.51.100.1:443" };

	assert_string_equal(way(conf, q), "rest");
	assert_true(hangs(conf, q)); /* the first that fits holds */
	q.name = "www.bank.test";
	assert_string_equal(way(conf, q), "bank");
	q.name = "notbank.test";
	assert_string_equal(way(conf, q), "rest");
	q.dest = "192.0.2.1:443";
	assert_string_equal(way(conf, q), "bank");
	assert_false(hangs(conf, q));
	assert_false(bypass_hangs_on_mac(conf));
	conf_free(conf);
}

static void only_who_may_be_meant_is_asked_for_a_name(void **state)
{
	struct conf *conf = parse(HEAD
		"config bypass 'all'\n list port '22'\n"
		"config bypass 'bank'\n list name 'bank.test'\n"
		" list host '192.168.1.7'\n list port '443'\n");

	assert_true(hangs(conf, (struct question){ .host = "192.168.1.7",
		.dest = "192.0.2.1:443" }));
	assert_false(hangs(conf, (struct question){ .host = "192.168.1.8",
		.dest = "192.0.2.1:443" }));
	assert_false(hangs(conf, (struct question){ .host = "192.168.1.7",
		.dest = "192.0.2.1:22" }));
	conf_free(conf);
}

/* Who leads ----------------------------------------------------------------- */

struct scene {
	struct conf *conf;
	struct bypass bypass;
	struct bypass_facts facts;
	uint64_t now_us;
};

static void build(struct scene *s)
{
	static const int64_t rtts_us[] = { 20000, 60000, 600000 };

	memset(s, 0, sizeof(*s));
	s->conf = parse(HEAD
		"config bypass 'a'\n list port '1'\n option to 'dsl'\n"
		"config bypass 'b'\n list port '2'\n option to 'lte'\n"
		"config bypass 'c'\n list port '3'\n");
	bypass_init(&s->bypass);
	s->facts.direct[0] = s->facts.direct[1] = DSL;
	for (unsigned i = 0; i < s->conf->uplink_count; i++) {
		struct bypass_path *path = &s->facts.paths[i];
		snprintf(path->name, sizeof(path->name), "%s",
		         s->conf->uplinks[i].name);
		path->cost = s->conf->uplinks[i].cost;
		path->ready[0] = true;
		path->health_us = rtts_us[i];
	}
	s->now_us = START;
}

static bool step(struct scene *s, uint64_t later_us)
{
	s->now_us += later_us;
	return bypass_step(&s->bypass, &s->facts, s->now_us);
}

static unsigned leads(const struct scene *s, unsigned section)
{
	return bypass_leads(&s->bypass, &s->conf->bypasses[section], AF_INET);
}

static void each_leads_its_own_while_it_works(void **state)
{
	struct scene s;

	build(&s);
	step(&s, SECOND);
	assert_int_equal(leads(&s, 0), DSL);
	assert_int_equal(leads(&s, 1), LTE);
	assert_int_equal(leads(&s, 2), BYPASS_NOBODY); /* the kernel's route */
	assert_false(step(&s, SECOND));
	conf_free(s.conf);
}

/* Silence is believed after a while; the cheapest takes the place, and keeps it
 * until the own one has worked for a while. */
static void another_leads_while_it_is_silent(void **state)
{
	struct scene s;

	build(&s);
	step(&s, SECOND);
	s.facts.paths[DSL].health_us = -1;
	assert_false(step(&s, 1));
	assert_false(step(&s, BYPASS_FAIL_US - SECOND));
	assert_true(step(&s, SECOND));
	assert_true(s.bypass.lost[DSL]);
	assert_int_equal(leads(&s, 0), SAT); /* lte is metered */
	assert_int_equal(leads(&s, 2), SAT);
	assert_int_equal(leads(&s, 1), LTE);
	assert_false(step(&s, SECOND));
	assert_false(s.bypass.lost[DSL]);
	s.facts.paths[DSL].health_us = 20000;
	assert_false(step(&s, SECOND));
	assert_int_equal(leads(&s, 0), SAT);
	assert_true(step(&s, BYPASS_BACK_US));
	assert_int_equal(leads(&s, 0), DSL);
	assert_int_equal(leads(&s, 2), BYPASS_NOBODY);
	assert_false(s.bypass.lost[SAT]);
	conf_free(s.conf);
}

static void a_device_that_is_gone_is_believed_at_once(void **state)
{
	struct scene s;

	build(&s);
	step(&s, SECOND);
	s.facts.paths[LTE].ready[0] = false;
	assert_true(step(&s, 1));
	assert_int_equal(leads(&s, 1), DSL);
	s.facts.paths[DSL].ready[0] = false; /* and its substitute's */
	assert_true(step(&s, 1));
	assert_int_equal(leads(&s, 1), SAT);
	s.facts.paths[SAT].ready[0] = false; /* nobody is left: it stays its own */
	assert_true(step(&s, 1));
	assert_int_equal(leads(&s, 1), LTE);
	conf_free(s.conf);
}

static void silence_of_all_is_the_concentrators(void **state)
{
	struct scene s;

	build(&s);
	step(&s, SECOND);
	for (unsigned i = 0; i < 3; i++)
		s.facts.paths[i].health_us = -1;
	assert_false(step(&s, SECOND));
	assert_false(step(&s, 60u * SECOND));
	assert_int_equal(leads(&s, 0), DSL);
	conf_free(s.conf);
}

static void families_are_led_by_themselves(void **state)
{
	struct scene s;

	build(&s);
	s.facts.paths[DSL].ready[1] = s.facts.paths[LTE].ready[1] = true;
	step(&s, SECOND);
	s.facts.paths[LTE].ready[1] = false;
	assert_true(step(&s, 1));
	assert_int_equal(leads(&s, 1), LTE);
	assert_int_equal(bypass_leads(&s.bypass, &s.conf->bypasses[1], AF_INET6),
	                 DSL);
	conf_free(s.conf);
}

static void the_plan_says_the_same(void **state)
{
	struct waymark_rule rules[CONF_BYPASSES_MAX];
	struct waymark_plan plan;
	struct scene s;

	build(&s);
	step(&s, SECOND);
	s.facts.paths[DSL].ready[0] = false;
	step(&s, SECOND);
	bypass_plan(&s.bypass, s.conf, rules, &plan);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.bit, 0x04000000);
	assert_int_equal(rules[0].way, WAYMARK_UPLINK + DSL);
	assert_int_equal(rules[1].way, WAYMARK_UPLINK + LTE);
	assert_int_equal(rules[2].way, WAYMARK_DIRECT);
	assert_int_equal(plan.led[0][DSL], SAT);
	assert_int_equal(plan.led[0][LTE], LTE);
	assert_int_equal(plan.direct[0], WAYMARK_UPLINK + SAT);
	assert_int_equal(rules[1].port_count, 1);
	assert_string_equal(rules[1].name, "b");
	conf_free(s.conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section_wants_each_of_its_conditions),
		cmocka_unit_test(a_name_or_a_destination_is_enough),
		cmocka_unit_test(only_who_may_be_meant_is_asked_for_a_name),
		cmocka_unit_test(each_leads_its_own_while_it_works),
		cmocka_unit_test(another_leads_while_it_is_silent),
		cmocka_unit_test(a_device_that_is_gone_is_believed_at_once),
		cmocka_unit_test(silence_of_all_is_the_concentrators),
		cmocka_unit_test(families_are_led_by_themselves),
		cmocka_unit_test(the_plan_says_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: names of endpoints against a name server in this process. That each
 * uplink asks by its own way is tests/lab/test_names.py's to show.
 */
#include "agg/role/endpoints.h"
#include "tests/unit/proxy/dns_server.h"
#include "tests/unit/proxy/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG_US 3600000000ull
#define SOON_US 100000u
#define PATIENCE_MS 20000 /* the server is in this process, which may stand still */
#define SILENT_MS 200     /* where it does not answer */
#define TICKS_MIN 20      /* of more than a thousand */

struct scene {
	struct loop *loop;
	struct dns_server *dns;
	struct dns_row rows[2]; /* of "vps.test": IPv6, IPv4 */
	struct endpoints *endpoints;
	unsigned changes;
	struct conf_concentrator conf;
	uint64_t ask_us;
	int patience_ms;
};

static void on_change(void *ctx)
{
	struct scene *s = ctx;

	s->changes++;
}

static void add(struct scene *s, const char *text)
{
	assert_int_equal(conf_endpoint_read(text, 443,
		&s->conf.endpoint[s->conf.endpoint_count++]), 0);
}

/* A device that can be asked by. */
static struct netdev device(void)
{
	struct netdev dev = { .name = "lo", .ifindex = 1, .present = true,
	                      .admin_up = true, .carrier = true, .operstate = 6 };

	assert_int_equal(addr_parse(&dev.v4.sources[0], "192.0.2.100:1", -1), 0);
	dev.v4.sources_count = 1;
	dev.v4.route.exists = true;
	assert_true(netdev_is_ready(&dev, AF_INET));
	return dev;
}

static void begin(struct scene *s)
{
	struct endpoints_args args = {
		.loop = s->loop, .conf = &s->conf, .ask_us = s->ask_us,
		.again_us = SOON_US, .on_change = on_change, .ctx = s,
		.dns = { .servers = dns_server_address(s->dns), .tries = 1,
		         .timeout_ms = s->patience_ms },
	};
	struct netdev dev = device();

	s->endpoints = endpoints_create(&args);
	assert_non_null(s->endpoints);
	endpoints_set_device(s->endpoints, 0, &dev);
}

static int setup(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.rows[0] = (struct dns_row){ "vps.test", AF_INET6,
	                              .addrs = { "2001:db8::1" } };
	s.rows[1] = (struct dns_row){ "vps.test", AF_INET,
	                              .addrs = { "192.0.2.1", "192.0.2.2" } };
	s.ask_us = LONG_US;
	s.patience_ms = PATIENCE_MS;
	s.loop = loop_create();
	s.dns = dns_server_create(s.loop, s.rows, 2);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	endpoints_destroy(s->endpoints);
	dns_server_destroy(s->dns);
	loop_destroy(s->loop);
	return 0;
}

/* "a b c", as the uplink would try them. */
static const char *candidates(struct scene *s, unsigned uplink)
{
	static char text[1024];
	struct endpoint all[ENDPOINTS_MAX];
	unsigned count = endpoints_of(s->endpoints, uplink, all);
	char one[ADDR_TEXT_MAX];

	*text = 0;
	for (unsigned i = 0; i < count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, addr_format(&all[i].addr, one));
	}
	return text;
}

static const char *why(struct scene *s, unsigned uplink)
{
	static char text[ENDPOINTS_WHY_MAX + 1];

	return endpoints_why(s->endpoints, uplink, text);
}

static bool has_changed(void *ctx)
{
	return ((struct scene *)ctx)->changes > 0;
}

static void wait_for_change(struct scene *s)
{
	s->changes = 0;
	assert_true(net_run_until(s->loop, has_changed, s));
}

static bool has_all(void *ctx)
{
	struct endpoint all[ENDPOINTS_MAX];

	return endpoints_of(((struct scene *)ctx)->endpoints, 0, all) >= 3;
}

#define ALL "[2001:db8::1]:443 192.0.2.1:443 192.0.2.2:443"

static void begin_known(struct scene *s)
{
	add(s, "vps.test");
	begin(s);
	assert_true(net_run_until(s->loop, has_all, s));
	assert_string_equal(candidates(s, 0), ALL);
}

static void addresses_need_no_answer(void **state)
{
	struct scene *s = *state;

	add(s, "192.0.2.9");
	add(s, "[2001:db8::9]:8443");
	begin(s);
	assert_string_equal(candidates(s, 0), "192.0.2.9:443 [2001:db8::9]:8443");
	assert_string_equal(why(s, 0), "");
	net_run_for(s->loop, 2 * SOON_US);
	assert_int_equal(dns_server_questions(s->dns), 0);
	assert_int_equal(s->changes, 0);
}

static void every_address_of_a_name_is_a_candidate(void **state)
{
	struct scene *s = *state;
	struct endpoint all[ENDPOINTS_MAX];
	struct addr addrs[ENDPOINTS_ALL_MAX];

	add(s, "192.0.2.9");
	add(s, "vps.test:8443");
	begin(s);
	assert_string_equal(candidates(s, 0), "192.0.2.9:443");
	assert_string_equal(why(s, 0),
	                    "vps.test: its address is being asked for");
	while (endpoints_of(s->endpoints, 0, all) < 4)
		wait_for_change(s);
	assert_string_equal(candidates(s, 0), "192.0.2.9:443 [2001:db8::1]:8443 "
	                    "192.0.2.1:8443 192.0.2.2:8443");
	assert_string_equal(all[0].host, "");
	assert_string_equal(all[1].host, "vps.test");
	assert_int_equal(endpoints_all(s->endpoints, addrs), 4);
	assert_string_equal(why(s, 0), "");
}

static void an_uplink_without_an_answer_takes_those_of_others(void **state)
{
	struct scene *s = *state;

	begin_known(s);
	assert_string_equal(candidates(s, 5), ALL);
	endpoints_set_device(s->endpoints, 0, NULL); /* nor forgets its own */
	assert_string_equal(candidates(s, 0), ALL);
}

static void a_change_is_followed(void **state)
{
	struct scene *s = *state;

	s->ask_us = SOON_US;
	begin_known(s);
	s->rows[1].addrs[0] = "192.0.2.2"; /* the same, turned */
	s->rows[1].addrs[1] = "192.0.2.1";
	net_run_for(s->loop, 3 * SOON_US);
	s->changes = 0;
	net_run_for(s->loop, 3 * SOON_US);
	assert_int_equal(s->changes, 0);
	assert_string_equal(candidates(s, 0), ALL);
	s->rows[1].addrs[0] = "192.0.2.7";
	s->rows[1].addrs[1] = NULL;
	wait_for_change(s);
	assert_string_equal(candidates(s, 0), "[2001:db8::1]:443 192.0.2.7:443");
	s->rows[0].addrs[0] = NULL; /* no IPv6 any more */
	wait_for_change(s);
	assert_string_equal(candidates(s, 0), "192.0.2.7:443");
}

static void what_was_answered_outlives_the_servers(void **state)
{
	static const enum dns_rcode rcodes[] = { DNS_SILENT, DNS_SERVFAIL,
	                                         DNS_NXDOMAIN };
	static const char *const words[] = { "no name server answers",
		"the name servers give no answer of use",
		"there is no such name, or it has no address" };
	struct scene *s = *state;

	s->ask_us = SOON_US;
	s->patience_ms = SILENT_MS;
	begin_known(s);
	for (int i = 0; i < 3; i++) {
		s->rows[0].rcode = s->rows[1].rcode = rcodes[i];
		wait_for_change(s); /* answered in vain */
		wait_for_change(s);
		assert_string_equal(candidates(s, 0), ALL);
	}
	for (int i = 0; i < 3; i++) { /* what is said where nothing is known */
		s->conf.endpoint[0].addr.port++;
		endpoints_set_conf(s->endpoints, &s->conf);
		assert_string_equal(candidates(s, 0), "");
		s->rows[0].rcode = s->rows[1].rcode = rcodes[i];
		while (!strstr(why(s, 0), words[i]))
			wait_for_change(s);
		assert_string_equal(candidates(s, 0), "");
	}
}

/* Blocking lists and captive portals answer so. */
static void lies_are_no_candidates(void **state)
{
	struct scene *s = *state;

	s->rows[0] = (struct dns_row){ "vps.test", AF_INET6,
		.addrs = { "::", "::1", "ff02::1" } };
	s->rows[1] = (struct dns_row){ "vps.test", AF_INET,
		.addrs = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255" } };
	add(s, "vps.test");
	begin(s);
	wait_for_change(s);
	assert_string_equal(candidates(s, 0), "");
	assert_string_equal(why(s, 0),
	                    "vps.test: the name servers give no answer of use");
	s->rows[1].addrs[1] = "192.0.2.3";
	while (!*candidates(s, 0))
		wait_for_change(s);
	assert_string_equal(candidates(s, 0), "192.0.2.3:443");
}

struct questions {
	struct scene *scene;
	unsigned want;
};

static bool has_asked(void *ctx)
{
	const struct questions *q = ctx;

	return dns_server_questions(q->scene->dns) >= q->want;
}

/* Both families' questions more than before come, and no others. */
static void assert_asks_once(struct scene *s, unsigned before)
{
	struct questions q = { s, before + 2 };

	assert_true(net_run_until(s->loop, has_asked, &q));
	net_run_for(s->loop, 2 * SOON_US);
	assert_int_equal(dns_server_questions(s->dns), before + 2);
}

/* Not more often than it may be, but then at once. */
static void a_failure_asks_again(void **state)
{
	struct scene *s = *state;

	begin_known(s);
	unsigned before = dns_server_questions(s->dns);
	net_run_for(s->loop, 2 * SOON_US);
	assert_int_equal(dns_server_questions(s->dns), before);
	for (int i = 0; i < 100; i++)
		endpoints_failed(s->endpoints, 0);
	assert_asks_once(s, before);
}

static void another_address_of_the_uplink_asks_again(void **state)
{
	struct netdev dev = device();
	struct scene *s = *state;

	begin_known(s);
	unsigned before = dns_server_questions(s->dns);
	endpoints_set_device(s->endpoints, 0, &dev);
	net_run_for(s->loop, SOON_US);
	assert_int_equal(dns_server_questions(s->dns), before);
	dev.v4.sources[0].ip[3]++;
	endpoints_set_device(s->endpoints, 0, &dev);
	assert_asks_once(s, before);
}

static void a_configuration_with_the_same_endpoints_changes_nothing(void **state)
{
	struct scene *s = *state;

	begin_known(s);
	unsigned before = dns_server_questions(s->dns);
	endpoints_set_conf(s->endpoints, &s->conf);
	net_run_for(s->loop, SOON_US);
	assert_string_equal(candidates(s, 0), ALL);
	assert_int_equal(dns_server_questions(s->dns), before);
	assert_int_equal(conf_endpoint_read("192.0.2.9", 443,
	                                    &s->conf.endpoint[0]), 0);
	endpoints_set_conf(s->endpoints, &s->conf);
	assert_string_equal(candidates(s, 0), "192.0.2.9:443");
}

struct ticks {
	struct scene *scene;
	struct loop_timer *timer;
	unsigned count;
};

static void on_tick(void *ctx)
{
	struct ticks *t = ctx;

	t->count++;
	loop_timer_arm(t->timer, loop_now_us(t->scene->loop) + 1000);
}

/* The loop turns all the while. */
static void a_silent_server_stops_nobody(void **state)
{
	struct scene *s = *state;
	struct ticks t = { .scene = s };

	s->patience_ms = 1500;
	t.timer = loop_timer_create(s->loop, on_tick, &t);
	on_tick(&t);
	s->rows[0].rcode = s->rows[1].rcode = DNS_SILENT;
	add(s, "vps.test");
	begin(s);
	wait_for_change(s);
	loop_timer_destroy(t.timer);
	assert_true(t.count > TICKS_MIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_need_no_answer),
		TEST(every_address_of_a_name_is_a_candidate),
		TEST(an_uplink_without_an_answer_takes_those_of_others),
		TEST(a_change_is_followed),
		TEST(what_was_answered_outlives_the_servers),
		TEST(lies_are_no_candidates),
		TEST(a_failure_asks_again),
		TEST(another_address_of_the_uplink_asks_again),
		TEST(a_configuration_with_the_same_endpoints_changes_nothing),
		TEST(a_silent_server_stops_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

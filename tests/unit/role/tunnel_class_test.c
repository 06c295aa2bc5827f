/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which packets are real time or bulk because a person said so.
 */
#include "agg/role/tunnel_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct wire_traffic traffic;

static void read_conf(const char *sections)
{
	static const char head[] =
		"config aggd 'main'\n option role 'gateway'\n"
		"config concentrator 'vps'\n list endpoint '203.0.113.10:443'\n"
		" option pin 'sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'\n"
		"config uplink 'dsl'\n option device 'wan1'\n";
	char text[2048];
	struct conf_error error;
	struct conf *conf;
	int n = snprintf(text, sizeof(text), "%s%s", head, sections);

	assert_int_equal(conf_parse("test", text, (size_t)n, NULL, &conf, &error), 0);
	tunnel_class_read(&traffic, conf);
	conf_free(conf);
}

static enum traffic class_of(uint8_t protocol, uint16_t sport, uint16_t dport, uint8_t dscp)
{
	struct inspection in = { .key = { .family = AF_INET, .protocol = protocol,
	                                  .sport = sport, .dport = dport },
	                         .dscp = dscp };

	return tunnel_class(&traffic, &in);
}

static void test_nothing_said(void **state)
{
	read_conf("");
	assert_false(traffic.redundant);
	assert_int_equal(class_of(IPPROTO_UDP, 5060, 5060, 46), TRAFFIC_UNTOLD);
}

static void test_ports_in_both_directions(void **state)
{
	read_conf("config packets 'realtime'\n list port 'udp/10000-20000'\n"
	          " list port '5060'\n option redundant '1'\n"
	          "config packets 'background'\n list port 'udp/6881'\n");
	assert_true(traffic.redundant);
	assert_int_equal(class_of(IPPROTO_UDP, 40000, 10000, 0), TRAFFIC_REALTIME);
	assert_int_equal(class_of(IPPROTO_UDP, 20000, 40000, 0), TRAFFIC_REALTIME);
	assert_int_equal(class_of(IPPROTO_UDP, 40000, 20001, 0), TRAFFIC_UNTOLD);
	assert_int_equal(class_of(IPPROTO_TCP, 40000, 10000, 0), TRAFFIC_UNTOLD);
	assert_int_equal(class_of(IPPROTO_TCP, 40000, 5060, 0), TRAFFIC_REALTIME);
	assert_int_equal(class_of(IPPROTO_UDP, 6881, 6881, 0), TRAFFIC_BULK);
	assert_int_equal(class_of(IPPROTO_ICMP, 0, 5060, 0), TRAFFIC_UNTOLD); /* an echo */
}

static void test_a_mark_goes_before_a_port(void **state)
{
	read_conf("config packets 'realtime'\n list dscp 'CS4'\n list dscp '63'\n"
	          "config packets 'background'\n list dscp '3'\n list port '5060'\n");
	assert_int_equal(class_of(IPPROTO_UDP, 1, 5060, 32), TRAFFIC_REALTIME);
	assert_int_equal(class_of(IPPROTO_ICMP, 0, 0, 63), TRAFFIC_REALTIME);
	assert_int_equal(class_of(IPPROTO_UDP, 1, 2, 3), TRAFFIC_BULK);
	assert_int_equal(class_of(IPPROTO_UDP, 1, 2, 46), TRAFFIC_UNTOLD);
}

/* A later version's class is none. */
static void test_an_unknown_class(void **state)
{
	traffic = (struct wire_traffic){ .port_count = 1, .port = { { 9, 0, 1, 65535 } } };
	assert_int_equal(class_of(IPPROTO_UDP, 7, 7, 0), TRAFFIC_UNTOLD);
}

static enum traffic class_between(const char *from, const char *to, uint16_t dport,
                                  uint8_t dscp)
{
	struct inspection in = { .dscp = dscp };
	struct addr src, dst;

	assert_int_equal(addr_parse(&src, from, 0), 0);
	assert_int_equal(addr_parse(&dst, to, 0), 0);
	in.key = (struct inspect_key){ .family = (uint8_t)src.family, .sport = 40000,
	                               .dport = dport, .protocol = IPPROTO_UDP };
	memcpy(in.key.src, src.ip, sizeof(src.ip));
	memcpy(in.key.dst, dst.ip, sizeof(dst.ip));
	return tunnel_class(&traffic, &in);
}

static void test_hosts_of_bulk_yield(void **state)
{
	read_conf("config class 'bulk'\n list host '192.168.1.7'\n list host '2001:db8:1::/64'\n"
	          " list host '00:16:3e:01:02:03'\n"
	          "config class 'interactive'\n list host '192.168.1.9'\n"
	          "config packets 'realtime'\n list port 'udp/5060'\n");
	assert_int_equal(traffic.host_count, 2);
	/* In both directions, but not who is interactive: nothing is put behind for it. */
	assert_int_equal(class_between("192.168.1.7", "203.0.113.1", 443, 0), TRAFFIC_BULK);
	assert_int_equal(class_between("203.0.113.1", "192.168.1.7", 443, 0), TRAFFIC_BULK);
	assert_int_equal(class_between("2001:db8:1::5", "2001:db8::1", 443, 0), TRAFFIC_BULK);
	assert_int_equal(class_between("192.168.1.8", "203.0.113.1", 443, 0), TRAFFIC_UNTOLD);
	assert_int_equal(class_between("192.168.1.9", "203.0.113.1", 443, 0), TRAFFIC_UNTOLD);
	/* A port says more of a packet, and its mark, too. */
	assert_int_equal(class_between("192.168.1.7", "203.0.113.1", 5060, 0),
	                 TRAFFIC_REALTIME);
	assert_int_equal(class_between("192.168.1.7", "203.0.113.1", 443, 46), TRAFFIC_UNTOLD);
}

static const uint8_t card[] = { 0, 0x16, 0x3e, 1, 2, 3 };

static void meet(const char *at, uint8_t last, struct wire_traffic *out)
{
	static const char text[] =
		"config aggd 'main'\n option role 'gateway'\n"
		"config concentrator 'vps'\n list endpoint '203.0.113.10:443'\n"
		" option pin 'sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'\n"
		"config uplink 'dsl'\n option device 'wan1'\n"
		"config class 'bulk'\n list host '00:16:3e:01:02:03'\n";
	uint8_t mac[sizeof(card)];
	struct conf_error error;
	struct conf *conf;
	struct addr ip;

	assert_int_equal(addr_parse(&ip, at, 0), 0);
	memcpy(mac, card, sizeof(mac));
	mac[5] = last;
	assert_int_equal(conf_parse("test", text, strlen(text), NULL, &conf, &error), 0);
	assert_true(tunnel_class_hangs_on_mac(conf));
	tunnel_class_meet(out, conf, &ip, mac);
	conf_free(conf);
}

/* Whoever is met first: what is told is the same. */
static void test_a_card_is_told_by_its_addresses(void **state)
{
	struct wire_traffic other;

	memset(&traffic, 0, sizeof(traffic));
	memset(&other, 0, sizeof(other));
	meet("2001:db8::7", 3, &traffic);
	meet("192.168.1.8", 4, &traffic);
	meet("192.168.1.7", 3, &traffic);
	meet("192.168.1.7", 3, &traffic);
	assert_int_equal(traffic.host_count, 2);
	meet("192.168.1.7", 3, &other);
	meet("2001:db8::7", 3, &other);
	assert_memory_equal(&other, &traffic, sizeof(other));
	assert_int_equal(class_between("2001:db8::7", "2001:db8::1", 443, 0), TRAFFIC_BULK);
	assert_int_equal(class_between("192.168.1.8", "203.0.113.1", 443, 0), TRAFFIC_UNTOLD);
	for (unsigned i = 0; i < 300; i++) { /* so many, and no more */
		char text[32];
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 200, i % 200 + 1);
		meet(text, 3, &traffic);
	}
	assert_int_equal(traffic.host_count, WIRE_TRAFFIC_HOSTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_ports_in_both_directions),
		cmocka_unit_test(test_a_mark_goes_before_a_port),
		cmocka_unit_test(test_an_unknown_class),
		cmocka_unit_test(test_hosts_of_bulk_yield),
		cmocka_unit_test(test_a_card_is_told_by_its_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

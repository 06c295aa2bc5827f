/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whose packets pass the packet tunnel, and whereto.
 */
#include "agg/role/tunnel_guard.h"

#include "agg/role/tunnel_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tunnel_guard guard;
static unsigned asked; /* whether an address is the host's own */

static bool is_local(void *ctx, const struct addr *a)
{
	struct addr own;

	asked++;
	addr_parse(&own, "203.0.113.10", 0);
	return addr_equal_ip(a, &own);
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static struct prefix network(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static struct inspection packet(const char *from, const char *to)
{
	struct addr src = address(from), dst = address(to);
	struct inspection in = { .key = { .family = (uint8_t)src.family } };

	memcpy(in.src, src.ip, addr_ip_len(&src));
	memcpy(in.dst, dst.ip, addr_ip_len(&dst));
	return in;
}

static enum tunnel_verdict out(const char *from, const char *to)
{
	const struct inspection in = packet(from, to);

	return tunnel_guard_from(&guard, &in, 1);
}

static enum tunnel_verdict back(const char *from, const char *to)
{
	const struct inspection in = packet(from, to);

	return tunnel_guard_to(&guard, &in);
}

static void know(const struct egress *egress)
{
	const struct prefix lan[] = {
		network("192.168.1.0/24"), network("2001:db8:100::/64"),
		network("0.0.0.0/0"), network("127.0.0.0/8"), network("::/0"),
		network("224.0.0.0/8"), network("::ffff:0:0/112"),
	};
	const struct prefix own = network("2001:db8:7::/56");
	const struct addr inner = address("100.64.0.7");

	tunnel_guard_init(&guard, egress);
	tunnel_guard_know(&guard, &inner, NULL, lan, 7, &own);
}

static int at_the_concentrator(void **state)
{
	static const struct egress egress = { .is_local = is_local };

	know(&egress);
	return 0;
}

static int at_the_gateway(void **state)
{
	know(NULL);
	return 0;
}

static void a_sites_own_addresses_pass(void **state)
{
	assert_int_equal(out("192.168.1.10", "198.51.100.10"), TUNNEL_PASSES);
	assert_int_equal(out("100.64.0.7", "198.51.100.10"), TUNNEL_PASSES);
	assert_int_equal(out("2001:db8:100::10", "2001:db8:aa::1"), TUNNEL_PASSES);
	assert_int_equal(out("2001:db8:7:8::9", "2001:db8:aa::1"), TUNNEL_PASSES);
	assert_int_equal(guard.passed, 4);
}

static void others_do_not(void **state)
{
	static const char *const from[] = {
		"192.168.2.10", "100.64.0.8", "203.0.113.10", "127.0.0.1", "0.0.0.0",
		"169.254.1.1", "224.0.0.5", "255.255.255.255",
	};
	static const char *const from6[] = {
		"2001:db8:101::10", "::1", "::", "fe80::1", "ff02::1",
		"::ffff:192.168.1.10", "::192.168.1.10",
	};

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		assert_int_equal(out(from[i], "198.51.100.10"),
		                 TUNNEL_FALSE_SOURCE);
	for (size_t i = 0; i < sizeof(from6) / sizeof(*from6); i++)
		assert_int_equal(out(from6[i], "2001:db8:aa::1"),
		                 TUNNEL_FALSE_SOURCE);
	assert_int_equal(guard.dropped[TUNNEL_FALSE_SOURCE], 15);
}

static bool reaches_office(const void *ctx, const struct addr *to)
{
	const struct prefix office = network("192.168.2.0/24");

	return prefix_has(&office, to);
}

static void another_site_may_be_reached(void **state)
{
	assert_int_equal(out("192.168.1.10", "192.168.2.10"), TUNNEL_NO_WAY);
	tunnel_guard_forget(&guard);
	guard.reaches = reaches_office;
	assert_int_equal(out("192.168.1.10", "192.168.2.10"), TUNNEL_PASSES);
	assert_int_equal(out("192.168.1.10", "192.168.3.10"), TUNNEL_NO_WAY);
	assert_int_equal(out("192.168.2.10", "192.168.2.11"), TUNNEL_FALSE_SOURCE);
}

/* The rules of streams. */
static void where_no_stream_may_go_no_packet_may(void **state)
{
	static const char *const to[] = {
		"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.20",
		"203.0.113.10", "224.0.0.1", "255.255.255.255", "100.64.0.9",
	};
	static const char *const to6[] = {
		"::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1",
		"64:ff9b::10.0.0.1",
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++)
		assert_int_equal(out("192.168.1.10", to[i]), TUNNEL_NO_WAY);
	for (size_t i = 0; i < sizeof(to6) / sizeof(*to6); i++)
		assert_int_equal(out("2001:db8:100::10", to6[i]), TUNNEL_NO_WAY);
}

static void a_verdict_is_kept_for_a_second(void **state)
{
	const struct inspection in = packet("192.168.1.10", "198.51.100.10");

	asked = 0;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(tunnel_guard_from(&guard, &in, 5), TUNNEL_PASSES);
	assert_int_equal(asked, 1);
	tunnel_guard_from(&guard, &in, 6 + TUNNEL_GUARD_KEPT_US);
	assert_int_equal(asked, 2);
	tunnel_guard_forget(&guard);
	tunnel_guard_from(&guard, &in, 6 + TUNNEL_GUARD_KEPT_US);
	assert_int_equal(asked, 3);
}

static void to_a_site_goes_what_is_for_it(void **state)
{
	assert_int_equal(back("198.51.100.10", "192.168.1.10"), TUNNEL_PASSES);
	assert_int_equal(back("198.51.100.10", "100.64.0.7"), TUNNEL_PASSES);
	assert_int_equal(back("198.51.100.10", "192.168.2.10"), TUNNEL_NO_WAY);
	assert_int_equal(back("198.51.100.10", "224.0.0.1"), TUNNEL_NO_WAY);
	assert_int_equal(back("192.168.1.20", "192.168.1.10"),
	                 TUNNEL_FALSE_SOURCE);
	assert_int_equal(back("127.0.0.1", "192.168.1.10"), TUNNEL_FALSE_SOURCE);
}

/* It has no rules of the egress: what is private may be the concentrator's to
 * allow. */
static void the_gateway_lets_out_what_is_its_lans(void **state)
{
	assert_int_equal(out("192.168.1.10", "10.0.0.1"), TUNNEL_PASSES);
	assert_int_equal(out("10.11.0.2", "198.51.100.10"), TUNNEL_FALSE_SOURCE);
	assert_int_equal(out("192.168.1.10", "224.0.0.1"), TUNNEL_NO_WAY);
	assert_int_equal(back("198.51.100.10", "192.168.1.10"), TUNNEL_PASSES);
	assert_int_equal(back("192.168.1.1", "192.168.1.10"), TUNNEL_FALSE_SOURCE);
}

static void nobody_passes_before_the_net_is_known(void **state)
{
	tunnel_guard_init(&guard, NULL);
	assert_int_equal(out("192.168.1.10", "198.51.100.10"),
	                 TUNNEL_FALSE_SOURCE);
	assert_int_equal(back("198.51.100.10", "192.168.1.10"), TUNNEL_NO_WAY);
}

static void names_fit_and_differ(void **state)
{
	struct conf_site site = { .name = "home", .number = 4095 };
	char name[IFNAMSIZ];

	tunnel_device(&site, name);
	assert_string_equal(name, "agg-home");
	strcpy(site.name, "elevenchars");
	tunnel_device(&site, name);
	assert_string_equal(name, "agg-elevenchars");
	strcpy(site.name, "a-very-long-name-of-a-site");
	tunnel_device(&site, name);
	assert_string_equal(name, "agg-a-very+4095");
}

static void each_gateway_has_an_address(void **state)
{
	struct conf conf = { .main = { .pool = network("100.64.0.0/16") } };
	char text[ADDR_TEXT_MAX];
	struct prefix p = tunnel_inner4(&conf, 0);

	assert_string_equal(prefix_format(&p, text), "100.64.0.1/32");
	p = tunnel_inner4(&conf, 4095);
	assert_string_equal(prefix_format(&p, text), "100.64.16.0/32");
}

int main(void)
{
#define AT(place, name) cmocka_unit_test_setup(name, at_the_##place)
	const struct CMUnitTest tests[] = {
		AT(concentrator, a_sites_own_addresses_pass),
		AT(concentrator, others_do_not),
		AT(concentrator, another_site_may_be_reached),
		AT(concentrator, where_no_stream_may_go_no_packet_may),
		AT(concentrator, a_verdict_is_kept_for_a_second),
		AT(concentrator, to_a_site_goes_what_is_for_it),
		AT(gateway, the_gateway_lets_out_what_is_its_lans),
		cmocka_unit_test(nobody_passes_before_the_net_is_known),
		cmocka_unit_test(names_fit_and_differ),
		cmocka_unit_test(each_gateway_has_an_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

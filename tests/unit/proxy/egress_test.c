/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one row for each rule and each way to hide an address, with its
 * nearest neighbour that may pass.
 */
#include "proxy/egress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PREFIXES_MAX 4
#define OWN_V4 "203.0.113.5"
#define OWN_V6 "2001:db8:5::5"

struct row {
	bool allowed;
	const char *ip;
	const char *allow[PREFIXES_MAX];
};

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 443), 0);
	return a;
}

/* The concentrator's own addresses; it is asked about bare ones only. */
static bool is_own(void *ctx, const struct addr *a)
{
	struct addr v4 = ip(OWN_V4), v6 = ip(OWN_V6);

	assert_int_equal(a->port, 0);
	return addr_equal_ip(a, &v4) || addr_equal_ip(a, &v6);
}

static void check(const struct row *row)
{
	struct prefix allow[PREFIXES_MAX];
	struct egress e = { .allow = allow, .is_local = is_own };
	struct addr a = ip(row->ip);

	while (e.allow_count < PREFIXES_MAX && row->allow[e.allow_count]) {
		const char *text = row->allow[e.allow_count];
		assert_int_equal(prefix_parse(&allow[e.allow_count++], text), 0);
	}
	if (egress_allows(&e, &a) != row->allowed)
		fail_msg("%s with %s: %s", row->ip,
		         row->allow[0] ? row->allow[0] : "no allow",
		         row->allowed ? "refused" : "allowed");
}

#define CHECK_ALL(rows) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
		check(&(rows)[i])

static void ipv4_rules(void **state)
{
	static const struct row rows[] = {
		{ false, "0.0.0.0" }, { false, "0.255.255.255" },
		{ true, "1.0.0.0" },
		{ false, "10.0.0.0" }, { false, "10.255.255.255" },
		{ true, "9.255.255.255" }, { true, "11.0.0.0" },
		{ false, "100.64.0.0" }, { false, "100.127.255.255" },
		{ true, "100.63.255.255" }, { true, "100.128.0.0" },
		{ false, "127.0.0.1" }, { false, "127.255.255.255" },
		{ true, "126.255.255.255" }, { true, "128.0.0.0" },
		{ false, "169.254.0.0" }, { false, "169.254.169.254" },
		{ true, "169.253.255.255" }, { true, "169.255.0.0" },
		{ false, "172.16.0.0" }, { false, "172.31.255.255" },
		{ true, "172.15.255.255" }, { true, "172.32.0.0" },
		{ true, "191.255.255.255" }, { false, "192.0.0.0" },
		{ false, "192.0.0.255" }, { true, "192.0.1.0" },
		{ true, "198.17.255.255" }, { false, "198.18.0.0" },
		{ false, "198.19.255.255" }, { true, "198.20.0.0" },
		{ false, "192.168.0.0" }, { false, "192.168.255.255" },
		{ true, "192.167.255.255" }, { true, "192.169.0.0" },
		{ false, "224.0.0.1" }, { false, "239.255.255.255" },
		{ true, "223.255.255.255" },
		{ false, "240.0.0.0" }, { false, "255.255.255.255" },
		{ false, OWN_V4 }, { true, "203.0.113.6" },
	};

	CHECK_ALL(rows);
}

static void ipv6_rules(void **state)
{
	static const struct row rows[] = {
		{ false, "::" }, { false, "::1" },
		{ false, "fe80::1" }, { false, "febf:ffff::1" },
		{ false, "fec0::1" }, { false, "feff:ffff::1" },
		{ true, "fe7f:ffff::1" },
		{ false, "fc00::1" }, { false, "fdff:ffff::1" },
		{ true, "fbff:ffff::1" }, { true, "fe00::1" },
		{ false, "ff02::1" }, { false, "ffff::1" },
		{ false, OWN_V6 }, { true, "2001:db8:5::6" },
	};

	CHECK_ALL(rows);
}

static void public_and_documentation_addresses_pass(void **state)
{
	static const struct row rows[] = {
		{ true, "8.8.8.8" }, { true, "192.0.2.1" },
		{ true, "198.51.100.7" }, { true, "203.0.113.1" },
		{ true, "2001:db8::1" }, { true, "2600::1" },
		{ true, "2a00:1450:4001::200e" },
	};

	CHECK_ALL(rows);
}

static void embedded_addresses_are_seen(void **state)
{
	static const struct row rows[] = {
		/* v4-mapped */
		{ false, "::ffff:127.0.0.1" }, { false, "::ffff:10.1.2.3" },
		{ false, "::ffff:169.254.169.254" }, { false, "::ffff:" OWN_V4 },
		{ false, "::ffff:0.0.0.0" }, { true, "::ffff:8.8.8.8" },
		/* v4-compatible */
		{ false, "::127.0.0.1" }, { false, "::192.168.1.1" },
		{ false, "::" OWN_V4 }, { true, "::8.8.8.8" },
		/* v4-translated */
		{ false, "::ffff:0:127.0.0.1" }, { false, "::ffff:0:10.0.0.1" },
		{ true, "::ffff:0:8.8.8.8" },
		/* NAT64, well-known prefix */
		{ false, "64:ff9b::127.0.0.1" }, { false, "64:ff9b::10.0.0.1" },
		{ false, "64:ff9b::" OWN_V4 }, { false, "64:ff9b::0.0.0.0" },
		{ true, "64:ff9b::8.8.8.8" },
		/* NAT64, local prefix of 96, 64, 56, 48 bits */
		{ false, "64:ff9b:1::10.0.0.1" }, { true, "64:ff9b:1::8.8.8.8" },
		{ false, "64:ff9b:1:fffe::" OWN_V4 },
		{ false, "64:ff9b:1:0:a:0:100::" },
		{ true, "64:ff9b:1:0:8:808:800::" },
		{ false, "64:ff9b:1:a:0:1::" }, { true, "64:ff9b:1:8:8:808::" },
		{ false, "64:ff9b:1:a00:0:100::" },
		{ true, "64:ff9b:1:808:8:800::" },
		{ false, "64:ff9b:1::" },
		/* neighbours of both are plain addresses */
		{ true, "64:ff9a::10.0.0.1" }, { true, "64:ff9b:2::10.0.0.1" },
		/* 6to4 */
		{ false, "2002:7f00:1::1" }, { false, "2002:c0a8:101::1" },
		{ false, "2002:cb00:7105::1" }, { true, "2002:808:808::1" },
		{ true, "2003:c0a8:101::1" },
		/* Teredo: the server 10.0.0.1; the client 192.168.0.1 inverted */
		{ false, "2001:0:a00:1:0:0:f7f7:f7f7" },
		{ false, "2001:0:808:808:0:0:3f57:fffe" },
		{ true, "2001:0:808:808:0:0:f7f7:f7f7" },
		{ true, "2001:1:a00:1:0:0:3f57:fffe" },
		/* ISATAP */
		{ false, "2001:db8::5efe:10.0.0.1" },
		{ false, "2001:db8::200:5efe:10.0.0.1" },
		{ false, "2001:db8::200:5efe:" OWN_V4 },
		{ true, "2001:db8::5efe:8.8.8.8" },
		{ true, "2001:db8::200:5efe:8.8.8.8" },
		{ true, "2001:db8::300:5efe:10.0.0.1" },
		/* one inside of the other: 6to4 with an ISATAP interface */
		{ false, "2002:808:808::5efe:10.0.0.1" },
	};

	CHECK_ALL(rows);
}

static void what_allow_names_passes(void **state)
{
	static const struct row rows[] = {
		{ true, "127.0.0.1", { "127.0.0.0/8" } },
		{ false, "127.0.0.1", { "127.0.0.2" } },
		{ true, "10.1.2.3", { "192.168.0.0/16", "10.1.0.0/16" } },
		{ false, "10.2.2.3", { "192.168.0.0/16", "10.1.0.0/16" } },
		{ true, OWN_V4, { OWN_V4 } },
		{ true, "fd00::1", { "fd00::/64" } },
		{ true, "::1", { "::1" } },
		{ true, OWN_V6, { OWN_V6 } },
		/* the inner address is named */
		{ true, "::ffff:10.1.2.3", { "10.1.0.0/16" } },
		{ true, "64:ff9b::10.1.2.3", { "10.1.0.0/16" } },
		{ true, "2002:a01:203::1", { "10.1.0.0/16" } },
		{ false, "2002:a02:203::1", { "10.1.0.0/16" } },
		/* both of Teredo's have to be */
		{ false, "2001:0:a00:1:0:0:3f57:fffe", { "10.0.0.0/8" } },
		{ true, "2001:0:a00:1:0:0:3f57:fffe",
		  { "10.0.0.0/8", "192.168.0.0/16" } },
		/* the embedding is named */
		{ true, "64:ff9b::10.1.2.3", { "64:ff9b::/96" } },
		{ true, "64:ff9b:1::10.1.2.3", { "64:ff9b:1::/48" } },
		{ true, "::ffff:127.0.0.1", { "::ffff:127.0.0.0/104" } },
		{ true, "2002:c0a8:101::1", { "2002:c0a8:101::/48" } },
		/* a short prefix speaks of no embedding */
		{ false, "::ffff:127.0.0.1", { "::/0" } },
		{ false, "::127.0.0.1", { "::/0" } },
		{ false, "64:ff9b::127.0.0.1", { "64::/16" } },
		{ false, "2002:7f00:1::1", { "2000::/3" } },
		{ false, "2001:db8::5efe:127.0.0.1", { "2001:db8::/32" } },
		/* naming the inner one does not lift the outer one's rule */
		{ false, "fe80::5efe:10.1.2.3", { "10.0.0.0/8" } },
		{ true, "fe80::5efe:10.1.2.3", { "10.0.0.0/8", "fe80::/10" } },
	};

	CHECK_ALL(rows);
}

static void no_family_is_nowhere(void **state)
{
	struct egress e = { 0 };
	struct addr none = { .family = AF_UNSPEC };

	assert_false(egress_allows(&e, &none));
}

static void a_mapped_address_is_unmapped(void **state)
{
	struct addr mapped = ip("::ffff:192.0.2.1"), v4 = ip("192.0.2.1");
	struct addr v6 = ip("2001:db8::1");
	struct addr out = egress_unmapped(&mapped);

	assert_true(addr_equal(&out, &v4));
	out = egress_unmapped(&v6);
	assert_true(addr_equal(&out, &v6));
	out = egress_unmapped(&v4);
	assert_true(addr_equal(&out, &v4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_rules),
		cmocka_unit_test(ipv6_rules),
		cmocka_unit_test(public_and_documentation_addresses_pass),
		cmocka_unit_test(embedded_addresses_are_seen),
		cmocka_unit_test(what_allow_names_passes),
		cmocka_unit_test(no_family_is_nowhere),
		cmocka_unit_test(a_mapped_address_is_unmapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is an address and what is not, by tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static struct prefix parsed_prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static const struct {
	const char *text, *printed;
	int default_port;
} good[] = {
	{ "192.0.2.1:443", "192.0.2.1:443", -1 },
	{ "192.0.2.1:65535", "192.0.2.1:65535", -1 },
	{ "192.0.2.1", "192.0.2.1:443", 443 },
	{ "192.0.2.1:1", "192.0.2.1:1", 443 },
	{ "[2001:db8::1]:443", "[2001:db8::1]:443", -1 },
	{ "[2001:DB8:0:0::1]", "[2001:db8::1]:443", 443 },
	{ "2001:db8::1", "[2001:db8::1]:443", 443 },
	{ "[::]:80", "[::]:80", -1 },
	{ "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", -1 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
	  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 65535 },
	{ "0.0.0.0", "0.0.0.0:0", 0 },
};

static void addresses_are_printed_as_they_are_read(void **state)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(addr_parse(&a, good[i].text,
		                            good[i].default_port), 0);
		assert_string_equal(addr_format(&a, text), good[i].printed);
		assert_int_equal(addr_ip_len(&a), strchr(good[i].printed, '[')
		                                  ? 16 : 4);
	}
}

static const char *const bad[] = {
	"", ":", ":443", "[", "[]", "[]:443", "a", "example.org:443",
	"192.0.2", "192.0.2.256:1", "192.0.2.1.1:1", "0192.0.2.1:1",
	"192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:100000",
	"192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1: 1", "192.0.2.1:1 ",
	"192.0.2.1:0x50", " 192.0.2.1:1", "192.0.2.1:1:1", "[192.0.2.1]:1",
	"[2001:db8::1", "2001:db8::1]:1", "[2001:db8::1]443",
	"[2001:db8::1]:", "[2001:db8::1]:0", "[2001:db8::1]:65536",
	"[2001:db8::1]]:1", "[[2001:db8::1]]:1", "[2001:db8:::1]:1",
	"[2001:db8::1::]:1", "[fe80::1%eth0]:1", "12345::1",
	"1111:2222:3333:4444:5555:6666:7777:8888:9999",
	"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
};

static void what_is_no_address_is_refused(void **state)
{
	struct addr a;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (addr_parse(&a, bad[i], 443) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
}

static void a_port_is_demanded_where_none_is_given(void **state)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, "192.0.2.1", -1), -EINVAL);
	assert_int_equal(addr_parse(&a, "2001:db8::1", -1), -EINVAL);
	assert_int_equal(addr_parse(&a, "[2001:db8::1]", -1), -EINVAL);
}

static void no_address_is_printed_as_none(void **state)
{
	struct addr a = { 0 };
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format_ip(&a, text), "none");
	assert_int_equal(addr_ip_len(&a), 0);
}

static const char *const good_prefixes[][2] = {
	{ "192.0.2.0/24", "192.0.2.0/24" }, { "0.0.0.0/0", "0.0.0.0/0" },
	{ "192.0.2.7", "192.0.2.7/32" }, { "128.0.0.0/1", "128.0.0.0/1" },
	{ "192.0.2.254/31", "192.0.2.254/31" },
	{ "2001:db8::/32", "2001:db8::/32" }, { "::/0", "::/0" },
	{ "2001:db8::1", "2001:db8::1/128" }, { "fc00::/7", "fc00::/7" },
	{ "2001:db8:8000::/33", "2001:db8:8000::/33" },
};

static void prefixes_are_printed_as_they_are_read(void **state)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(good_prefixes); i++) {
		struct prefix p = parsed_prefix(good_prefixes[i][0]);
		assert_string_equal(prefix_format(&p, text), good_prefixes[i][1]);
	}
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const not_one[] = {
		"", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
		"192.0.2.0/24/24", "192.0.2.0/ 24", "192.0.2.0/255.255.255.0",
		"192.0.2.1/24", "192.0.2.1/0", "2001:db8::/129",
		"2001:db8::1/64", "[2001:db8::]/32", "192.0.2.0:80", "default",
	};
	struct prefix p;

	for (size_t i = 0; i < COUNT(not_one); i++)
		if (prefix_parse(&p, not_one[i]) != -EINVAL)
			fail_msg("taken: %s", not_one[i]);
}

static void a_prefix_has_its_first_to_its_last_address(void **state)
{
	static const struct { const char *prefix, *ip; bool has; } cases[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "100.64.0.0/10", "100.127.255.255", true },
		{ "100.64.0.0/10", "100.128.0.0", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.0", false },
		{ "fe80::/10", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true },
		{ "fe80::/10", "fec0::", false },
		{ "::/0", "192.0.2.1", false },
		{ "::ffff:0:0/96", "::ffff:192.0.2.1", true },
		{ "::ffff:0:0/96", "192.0.2.1", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p = parsed_prefix(cases[i].prefix);
		struct addr a = parsed(cases[i].ip);
		assert_int_equal(prefix_has(&p, &a), cases[i].has);
	}
}

static void test_any(void **state)
{
	static const struct { const char *text; bool any; } cases[] = {
		{ "0.0.0.0:80", true }, { "[::]:80", true },
		{ "0.0.0.1:80", false }, { "[::1]:80", false },
	};
	struct addr a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(&a, cases[i].text, -1), 0);
		assert_int_equal(addr_is_any(&a), cases[i].any);
	}
}

static void equality_knows_port_and_family(void **state)
{
	struct addr a = parsed("192.0.2.1:1"), b = parsed("192.0.2.1:2");
	struct addr c = parsed("192.0.2.2:1"), d = parsed("[::1]:1");

	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
	assert_true(addr_equal_ip(&a, &b));
	assert_false(addr_equal_ip(&a, &c));
	assert_false(addr_equal_ip(&a, &d));
	b = d;
	b.scope_id = 2;
	assert_false(addr_equal_ip(&b, &d));
}

static void the_kernels_form_and_back(void **state)
{
	static const char *const texts[] = { "192.0.2.1:443",
	                                     "[fe80::1]:65535" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sockaddr_storage ss;
		struct addr a = parsed(texts[i]), back;
		a.scope_id = a.family == AF_INET6 ? 7 : 0;
		assert_int_equal(addr_to_sockaddr(&a, &ss),
			i ? sizeof(struct sockaddr_in6)
			  : sizeof(struct sockaddr_in));
		assert_true(addr_from_sockaddr(&back, (struct sockaddr *)&ss));
		assert_true(addr_equal(&a, &back));
	}
}

static void sockaddr_is_in_network_order(void **state)
{
	struct sockaddr_storage ss;
	struct addr a = parsed("192.0.2.1:443");
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;

	addr_to_sockaddr(&a, &ss);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(in->sin_port, htons(443));
	assert_int_equal(in->sin_addr.s_addr, htonl(0xc0000201));
	ss.ss_family = AF_UNIX;
	assert_false(addr_from_sockaddr(&a, (struct sockaddr *)&ss));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any),
		cmocka_unit_test(addresses_are_printed_as_they_are_read),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_port_is_demanded_where_none_is_given),
		cmocka_unit_test(no_address_is_printed_as_none),
		cmocka_unit_test(prefixes_are_printed_as_they_are_read),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_has_its_first_to_its_last_address),
		cmocka_unit_test(equality_knows_port_and_family),
		cmocka_unit_test(the_kernels_form_and_back),
		cmocka_unit_test(sockaddr_is_in_network_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

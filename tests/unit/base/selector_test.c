/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: hosts, ports and names by which traffic is picked out.
 */
#include "agg/base/selector.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void hosts_read_as_they_are_written(void **state)
{
	static const char *const good[][2] = {
		{ "192.168.1.7", "192.168.1.7/32" },
		{ "192.168.1.0/28", "192.168.1.0/28" },
		{ "2001:db8::7", "2001:db8::7/128" },
		{ "fd00:1:2:3:4:5:67", NULL }, /* as long as a card's address */
		{ "00:16:3E:0a:02:03", "00:16:3e:0a:02:03" },
		{ "02-16-3e-01-02-03", "02:16:3e:01:02:03" },
	};
	static const char *const bad[] = {
		"", "host", "192.168.1.7/24", "00:16:3e:01:02", "00:16:3e:01:02:03:04",
		"00:16:3e:01:02:0g", "00:16:3e:01:02.03", "01:00:5e:00:00:01",
		"ff:ff:ff:ff:ff:ff", "0016.3e01.0203.11",
	};
	struct selector_host h;
	char text[SELECTOR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		if (!good[i][1]) {
			assert_int_equal(selector_host_parse(&h, good[i][0]), -EINVAL);
			continue;
		}
		assert_int_equal(selector_host_parse(&h, good[i][0]), 0);
		assert_string_equal(selector_host_format(&h, text), good[i][1]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(selector_host_parse(&h, bad[i]), -EINVAL);
}

static void a_host_is_told_by_its_address_or_its_card(void **state)
{
	static const uint8_t mac[] = { 0, 0x16, 0x3e, 1, 2, 3 };
	struct selector_host block, card;
	struct addr in, out;

	assert_int_equal(selector_host_parse(&block, "192.168.1.0/28"), 0);
	assert_int_equal(selector_host_parse(&card, "00:16:3e:01:02:03"), 0);
	assert_int_equal(addr_parse(&in, "192.168.1.9", 0), 0);
	assert_int_equal(addr_parse(&out, "192.168.1.19", 0), 0);
	assert_true(selector_host_has(&block, &in, NULL));
	assert_false(selector_host_has(&block, &out, mac));
	assert_true(selector_host_has(&card, &out, mac));
	assert_false(selector_host_has(&card, &out, NULL));
}

static void ports_read_as_they_are_written(void **state)
{
	static const char *const good[] = {
		"443", "6881-6889", "tcp/22", "udp/5000-6000", "tcp", "udp",
		"1-65535",
	};
	static const char *const bad[] = {
		"", "0", "65536", "9-8", "tcp/", "tcpx", "sctp/9", "udp/0", "1-",
		"-1", "443 ", "1-2-3", "000443", "tcp/tcp", "0-9",
	};
	struct selector_ports p;
	char text[SELECTOR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(selector_ports_parse(&p, good[i]), 0);
		assert_string_equal(selector_ports_format(&p, text), good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(selector_ports_parse(&p, bad[i]), -EINVAL);
}

static void ports_are_of_their_protocol(void **state)
{
	struct selector_ports p;

	assert_int_equal(selector_ports_parse(&p, "udp/5000-6000"), 0);
	assert_true(selector_ports_has(&p, IPPROTO_UDP, 5000));
	assert_true(selector_ports_has(&p, IPPROTO_UDP, 6000));
	assert_false(selector_ports_has(&p, IPPROTO_UDP, 6001));
	assert_false(selector_ports_has(&p, IPPROTO_TCP, 5000));
	assert_int_equal(selector_ports_parse(&p, "443"), 0);
	assert_true(selector_ports_has(&p, IPPROTO_TCP, 443));
	assert_false(selector_ports_has(&p, IPPROTO_ICMP, 443));
	assert_int_equal(selector_ports_parse(&p, "tcp"), 0);
	assert_true(selector_ports_has(&p, IPPROTO_TCP, 1));
	assert_false(selector_ports_has(&p, IPPROTO_UDP, 1));
}

static void a_domain_has_what_is_below_it(void **state)
{
	assert_true(selector_domain_has("example.com", "example.com"));
	assert_true(selector_domain_has("Example.com", "www.eXample.com."));
	assert_true(selector_domain_has("example.com.", "a.b.example.com"));
	assert_false(selector_domain_has("example.com", "myexample.com"));
	assert_false(selector_domain_has("example.com", "example.com.evil.net"));
	assert_false(selector_domain_has("example.com", "com"));
	assert_false(selector_domain_has("example.com", ""));
	assert_false(selector_domain_has("", "example.com"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_read_as_they_are_written),
		cmocka_unit_test(a_host_is_told_by_its_address_or_its_card),
		cmocka_unit_test(ports_read_as_they_are_written),
		cmocka_unit_test(ports_are_of_their_protocol),
		cmocka_unit_test(a_domain_has_what_is_below_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

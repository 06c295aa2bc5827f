/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/conf/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define LONGEST L63 "." L63 "." L63 "." "abcdefghijklmnopqrstuvwxyz" \
	"abcdefghijklmnopqrstuvwxyzabcdefghi" /* 253 */

static void assert_reads(const char *text, const char *as)
{
	char again[CONF_VALUE_TEXT_MAX];
	struct conf_endpoint endpoint;

	if (conf_endpoint_read(text, 443, &endpoint))
		fail_msg("'%s' is refused", text);
	assert_string_equal(conf_endpoint_format(&endpoint, again), as);
}

static void addresses_and_names_are_read(void **state)
{
	assert_reads("192.0.2.1", "192.0.2.1:443");
	assert_reads("192.0.2.1:80", "192.0.2.1:80");
	assert_reads("[2001:db8::1]:80", "[2001:db8::1]:80");
	assert_reads("vps.example.net", "vps.example.net:443");
	assert_reads("vps.example.net:8443", "vps.example.net:8443");
	assert_reads("vps", "vps:443");
	assert_reads("3com.4-u.xn--p1ai", "3com.4-u.xn--p1ai:443");
	assert_reads("a_b.example", "a_b.example:443");
	assert_reads(LONGEST ":65535", LONGEST ":65535");
}

static void a_name_has_no_address_yet(void **state)
{
	struct conf_endpoint endpoint;

	assert_int_equal(conf_endpoint_read("vps.example:1", 443, &endpoint), 0);
	assert_string_equal(endpoint.host, "vps.example");
	assert_int_equal(endpoint.addr.family, AF_UNSPEC);
	assert_int_equal(endpoint.addr.port, 1);
	assert_int_equal(conf_endpoint_read("192.0.2.1", 443, &endpoint), 0);
	assert_string_equal(endpoint.host, "");
	assert_int_equal(endpoint.addr.family, AF_INET);
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = {
		"", ":443", ".", "a..b", ".a", "a.", "-a.example", "a-.example",
		"a b", "a/b", "http://a.example", "a.example:", "a.example:0",
		"a.example:65536", "a.example:443x", "a.example:-1",
		"a.example:4:4", "1.2.3", "256.1.1.1", "1.2.3.4.5", "10.0.0.1:0",
		"[2001:db8::1", "2001:db8::x", "a.example.1", "\xc3\xa4.example",
		"a" L63 ".example", "a" LONGEST,
	};
	struct conf_endpoint endpoint;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (conf_endpoint_read(texts[i], 443, &endpoint) != -EINVAL)
			fail_msg("'%s' is not refused", texts[i]);
	assert_int_equal(conf_endpoint_read("a.example", -1, &endpoint), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names_are_read),
		cmocka_unit_test(a_name_has_no_address_yet),
		cmocka_unit_test(others_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

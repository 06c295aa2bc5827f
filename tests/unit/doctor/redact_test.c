/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/doctor/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, const char *want)
{
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(redact(text, strlen(text), &out), 0);
	assert_int_equal(buf_put(&out, "", 1), 0);
	assert_string_equal((char *)buf_head(&out), want);
	buf_finish(&out);
}

static void public_addresses_have_names(void **state)
{
	check("203.0.113.10:443 and 198.51.100.7, again 203.0.113.10/32.\n",
	      "PUBLIC4-1:443 and PUBLIC4-2, again PUBLIC4-1/32.\n");
	check("[2001:db8::10]:443 2001:db8::/32 2001:DB8::10", "[PUBLIC6-1]:443 "
	      "PUBLIC6-2/32 PUBLIC6-1");
	check("::ffff:203.0.113.1 64:ff9b::203.0.113.1", "PUBLIC6-1 PUBLIC6-2");
	check("src=203.0.113.10,dst=203.0.113.11", "src=PUBLIC4-1,dst=PUBLIC4-2");
	check("list endpoint '203.0.113.10:443'", "list endpoint 'PUBLIC4-1:443'");
}

static void private_ones_stay(void **state)
{
	static const char text[] = "192.168.1.2 10.0.0.1/8 172.16.0.1 127.0.0.1:53 "
		"100.64.3.4 169.254.1.1 0.0.0.0/0 224.0.0.1 fe80::1%eth0 fd00::1 ::1 "
		":: ff02::1 ::ffff:10.0.0.1 12:34 at 1.2.3 0.1.0 3.0.22";

	check(text, text);
}

static void pins_are_cut(void **state)
{
	check("own pin sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\n",
	      "own pin sha256:47DEQp...\n");
	check("'sha256:47DEQpj8HBSa'; sha256:ab", "'sha256:47DEQp...'; sha256:ab");
}

static void keys_go(void **state)
{
	check("before\n-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\nxyz\n"
	      "-----END PRIVATE KEY-----\nafter\n",
	      "before\n(a key was here)\nafter\n");
	check("-----BEGIN EC PRIVATE KEY-----\nMIGH", "(a key was here)\n");
}

static void hardware_addresses_keep_the_maker(void **state)
{
	check("link/ether 02:00:5e:12:34:56 brd ff:ff:ff:ff:ff:ff",
	      "link/ether 02:00:5e:xx:xx:xx brd ff:ff:ff:xx:xx:xx");
}

static void odd_texts_pass(void **state)
{
	char longest[1000];

	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	check(longest, longest);
	check("", "");
	check("\n\n", "\n\n");
	check("cafe.babe face:b00c", "cafe.babe face:b00c");
	check("x203.0.113.10", "x203.0.113.10"); /* is inside of a name */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses_have_names),
		cmocka_unit_test(private_ones_stay),
		cmocka_unit_test(pins_are_cut),
		cmocka_unit_test(keys_go),
		cmocka_unit_test(hardware_addresses_keep_the_maker),
		cmocka_unit_test(odd_texts_pass),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}

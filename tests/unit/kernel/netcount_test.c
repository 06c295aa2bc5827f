/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/kernel/netcount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char text[] =
	"Inter-|   Receive                    |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
	"    lo: 11 1 0 0 0 0 0 0 11 1 0 0 0 0 0 0\n"
	"  wan1:18446744073709551615 5 0 1 0 0 0 0 222 6 0 0 0 0 0 0\n"
	"eth0.5:7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n"
	"  wan10: 3 1 0 0 0 0 0 0";

static void test_find(void **state)
{
	uint64_t rx, tx;
	struct buf b;

	buf_init(&b, 4096);
	buf_put(&b, text, strlen(text));
	assert_true(netcount_find(&b, "wan1", &rx, &tx));
	assert_true(rx == UINT64_MAX && tx == 222);
	assert_true(netcount_find(&b, "eth0.5", &rx, &tx));
	assert_true(rx == 7 && tx == 8);
	assert_false(netcount_find(&b, "wan", &rx, &tx));
	assert_false(netcount_find(&b, "wan10", &rx, &tx)); /* cut */
	assert_false(netcount_find(&b, "face |bytes", &rx, &tx));
	buf_finish(&b);
}

static void test_this_host(void **state)
{
	uint64_t rx, tx;
	struct buf b;

	buf_init(&b, NETCOUNT_TEXT_MAX);
	assert_int_equal(netcount_read(&b), 0);
	assert_true(netcount_find(&b, "lo", &rx, &tx));
	assert_int_equal(rx, tx);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

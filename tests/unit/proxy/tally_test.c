/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: nobody takes all places.
 */
#include "proxy/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PLACES 4096

static struct addr host(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 7), 0);
	return a;
}

static unsigned take_all(struct tally *t, const struct addr *a)
{
	unsigned n = 0;

	while (tally_take(t, a))
		n++;
	return n;
}

static void one_host_leaves_places_for_others(void **state)
{
	struct tally *t = tally_create(PLACES);
	struct addr a = host("192.168.1.2"), b = host("192.168.1.3");
	struct addr c = host("[2001:db8::1]");

	assert_int_equal(take_all(t, &a), PLACES / 2);
	assert_int_equal(take_all(t, &b), PLACES / 4);
	assert_int_equal(take_all(t, &c), PLACES / 8);
	assert_true(tally_used(t) < PLACES);
	assert_int_equal(tally_of(t, &b), PLACES / 4);
	tally_destroy(t);
}

static void ports_are_of_one_host(void **state)
{
	struct tally *t = tally_create(16);
	struct addr a = host("192.168.1.2:1"), b = host("192.168.1.2:2");

	assert_true(tally_take(t, &a));
	assert_true(tally_take(t, &b));
	assert_int_equal(tally_of(t, &a), 2);
	tally_give(t, &a);
	tally_give(t, &a);
	assert_int_equal(tally_used(t), 0);
	assert_int_equal(tally_of(t, &b), 0);
	tally_destroy(t);
}

static void what_is_given_back_is_free(void **state)
{
	struct tally *t = tally_create(8);
	struct addr a = host("10.0.0.1"), b = host("10.0.0.2");

	assert_int_equal(take_all(t, &a), 4);
	for (int i = 0; i < 4; i++)
		tally_give(t, &a);
	assert_int_equal(take_all(t, &b), 4);
	tally_destroy(t);
}

static void a_full_tally_refuses(void **state)
{
	struct tally *t = tally_create(3);
	struct addr a = host("10.0.0.1"), b = host("10.0.0.2"),
		c = host("10.0.0.3"), d = host("10.0.0.4");

	assert_true(tally_take(t, &a));
	assert_true(tally_take(t, &b));
	assert_true(tally_take(t, &c));
	assert_false(tally_take(t, &d));
	assert_false(tally_take(t, &a));
	tally_destroy(t);
	t = tally_create(0);
	assert_false(tally_take(t, &a));
	tally_destroy(t);
	tally_destroy(NULL);
}

static void many_addresses_of_one_network_are_not_all(void **state)
{
	struct tally *t = tally_create(PLACES);
	struct addr a = host("[2001:db8::1]"), v4 = host("192.168.1.2");
	struct addr elsewhere = host("[2001:db8:0:1::1]");
	unsigned n = 0;

	while (tally_take(t, &a))
		a.ip[10 + n++ % 4]++;
	assert_int_equal(n, PLACES * 3 / 4);
	assert_true(tally_take(t, &v4));
	assert_true(tally_take(t, &elsewhere));
	tally_give(t, &elsewhere);
	assert_int_equal(tally_used(t), n + 1);
	tally_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_leaves_places_for_others),
		cmocka_unit_test(many_addresses_of_one_network_are_not_all),
		cmocka_unit_test(ports_are_of_one_host),
		cmocka_unit_test(what_is_given_back_is_free),
		cmocka_unit_test(a_full_tally_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

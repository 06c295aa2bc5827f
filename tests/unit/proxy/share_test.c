/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what one site may take while others do, or do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/share.h"

#define MAX 900
#define SITES 8

static struct share_pool pool_of(unsigned max)
{
	return (struct share_pool){ .max = { max, max, max } };
}

static unsigned take_all(struct share *s, enum share_kind kind)
{
	unsigned n = 0;

	while (share_take(s, kind))
		n++;
	return n;
}

static void give_all(struct share *s, enum share_kind kind)
{
	while (share_used(s, kind))
		share_give(s, kind);
}

static void one_alone_has_all(void **state)
{
	struct share_pool pool = pool_of(MAX);
	struct share *s = share_create(&pool, "site home");

	assert_int_equal(take_all(s, SHARE_DIALS), MAX);
	struct share *new = share_create(&pool, "site new");
	assert_false(share_take(new, SHARE_DIALS));
	for (int i = 0; i < MAX / 10; i++)
		share_give(s, SHARE_DIALS);
	assert_false(share_take(s, SHARE_DIALS)); /* there is another now */
	assert_true(share_take(new, SHARE_DIALS));
	give_all(s, SHARE_DIALS);
	give_all(new, SHARE_DIALS);
	share_destroy(s);
	share_destroy(new);
	assert_int_equal(pool.sites, 0);
}

static void one_of_two_has_nearly_all(void **state)
{
	struct share_pool pool = pool_of(MAX);
	struct share *s = share_create(&pool, "site home");
	struct share *other = share_create(&pool, "site away");

	assert_int_equal(take_all(s, SHARE_DIALS), MAX * 4 / 5);
	assert_int_equal(take_all(s, SHARE_NAMES), MAX * 4 / 5); /* each its own */
	share_give(s, SHARE_DIALS);
	assert_true(share_take(s, SHARE_DIALS));
	give_all(s, SHARE_DIALS);
	give_all(s, SHARE_NAMES);
	share_destroy(s);
	share_destroy(other);
	assert_int_equal(pool.used[SHARE_DIALS], 0);
}

/* However greedy those before it are, the next one finds room. */
static void nobody_is_shut_out(void **state)
{
	struct share_pool pool = pool_of(MAX);
	struct share *s[SITES];

	for (int i = 0; i < SITES; i++)
		s[i] = share_create(&pool, "site");
	for (int i = 0; i < SITES; i++) {
		unsigned n = take_all(s[i], SHARE_RELAYS);
		if (i < 4)
			assert_true(n > 0);
	}
	/* As connections come and go, two that want all have the same. */
	for (int i = 2; i < SITES; i++)
		give_all(s[i], SHARE_RELAYS);
	for (int round = 0; round < 10000; round++) {
		share_give(s[round % 2], SHARE_RELAYS);
		take_all(s[0], SHARE_RELAYS);
		take_all(s[1], SHARE_RELAYS);
	}
	assert_in_range(share_used(s[0], SHARE_RELAYS), MAX * 4 / 9 - 5,
	                MAX * 4 / 9 + 5);
	assert_in_range(share_used(s[1], SHARE_RELAYS), MAX * 4 / 9 - 5,
	                MAX * 4 / 9 + 5);
	for (int i = 0; i < SITES; i++) {
		give_all(s[i], SHARE_RELAYS);
		share_destroy(s[i]);
	}
	assert_int_equal(pool.used[SHARE_RELAYS], 0);
}

/* A site may be removed while c-ares still answers for it. */
static void what_is_still_out_keeps_it(void **state)
{
	struct share_pool pool = pool_of(MAX);
	struct share *s = share_create(&pool, "site");

	assert_true(share_take(s, SHARE_NAMES));
	share_destroy(s);
	assert_int_equal(pool.used[SHARE_NAMES], 1);
	share_give(s, SHARE_NAMES);
	assert_int_equal(pool.used[SHARE_NAMES], 0);
	share_destroy(NULL);
	assert_true(share_take(NULL, SHARE_DIALS));
	share_give(NULL, SHARE_DIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_alone_has_all),
		cmocka_unit_test(one_of_two_has_nearly_all),
		cmocka_unit_test(nobody_is_shut_out),
		cmocka_unit_test(what_is_still_out_keeps_it),
	};

	return cmocka_run_group_tests_name("proxy/share", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <cmocka.h>

static struct addr host(unsigned i)
{
	return (struct addr){ .family = AF_INET, .port = (uint16_t)i,
	                      .ip = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

struct sum { uint64_t hosts, down, up; };

static void note(void *ctx, struct usage_host *h)
{
	struct sum *sum = ctx;

	sum->hosts++;
	sum->down += h->down_bytes;
	sum->up += h->up_bytes;
}

static void test_sums(void **state)
{
	struct addr a = host(1), b = host(2);
	struct usage u = { 0 };
	struct sum sum = { 0 };

	for (int i = 0; i < 10; i++) {
		usage_add(&u, &a, 100, 1);
		a.port++; /* the same host */
		usage_add(&u, &b, 0, 7);
	}
	usage_each(&u, note, &sum);
	assert_int_equal(sum.hosts, 2);
	assert_int_equal(sum.down, 1000);
	assert_int_equal(sum.up, 80);
	usage_each(&u, note, &sum);
	assert_int_equal(sum.hosts, 2); /* told once */
	for (unsigned i = 0; i < USAGE_REST_S; i++)
		usage_each(&u, note, &sum);
	assert_null(u.hosts);
	usage_add(&u, &b, 1, 1);
	usage_finish(&u);
}

static void test_crowd(void **state)
{
	struct usage u = { 0 };
	struct sum sum = { 0 };

	for (unsigned i = 0; i < 3 * USAGE_HOSTS_MAX; i++) {
		struct addr a = host(i);
		usage_add(&u, &a, 10, 1);
	}
	usage_each(&u, note, &sum);
	assert_int_equal(sum.hosts, USAGE_HOSTS_MAX);
	assert_int_equal(sum.down + u.down_bytes, 30 * USAGE_HOSTS_MAX);
	usage_finish(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

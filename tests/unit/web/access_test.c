/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: who may ask the page, from which page, and how often who does not know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/access.h"

#include <string.h>

#define SECRET "abcdefghijklmnopqrstuvwxyz012345"
#define RIGHT "Bearer " SECRET
#define WRONG "Bearer abcdefghijklmnopqrstuvwxyz012346"
#define SECOND UINT64_C(1000000)

static void hosts_are_addresses(void **state)
{
	static const char *const good[] = { "192.168.1.1", "192.168.1.1:8080",
		"[2001:db8::1]:8080", "localhost", "localhost:8080", "127.0.0.1:1" };
	static const char *const bad[] = { "", "evil.example", "evil.example:8080",
		"localhost.evil.example", "localhostx", "192.168.1.1.evil.example",
		"192.168.1.1:99999", "[::1", "x192.168.1.1" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(access_is_host(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(access_is_host(bad[i]));
	assert_false(access_is_host(NULL));
}

static void origins_are_our_own(void **state)
{
	assert_true(access_is_own_origin(NULL, "192.168.1.1:8080"));
	assert_true(access_is_own_origin("http://192.168.1.1:8080", "192.168.1.1:8080"));
	assert_true(access_is_own_origin("https://192.168.1.1:8080", "192.168.1.1:8080"));
	assert_false(access_is_own_origin("http://192.168.1.1", "192.168.1.1:8080"));
	assert_false(access_is_own_origin("http://192.168.1.1:8080.evil.example",
	                                  "192.168.1.1:8080"));
	assert_false(access_is_own_origin("null", "192.168.1.1:8080"));
	assert_false(access_is_own_origin("http://evil.example", "192.168.1.1:8080"));
	assert_false(access_is_own_origin("http://evil.example", NULL));
}

static struct addr source(unsigned n)
{
	return (struct addr){ .family = AF_INET, .port = (uint16_t)n,
	                      .ip = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

static void the_secret_opens(void **state)
{
	struct access a = { .secret = SECRET };
	struct addr from = source(1);

	assert_int_equal(access_check(&a, &from, RIGHT, 1), ACCESS_OK);
	assert_int_equal(access_check(&a, &from, NULL, 1), ACCESS_NONE);
	assert_int_equal(access_check(&a, &from, "Basic " SECRET, 1), ACCESS_NONE);
	assert_int_equal(access_check(&a, &from, WRONG, 1), ACCESS_WRONG);
	assert_int_equal(access_check(&a, &from, "Bearer ", 1), ACCESS_WRONG);
	assert_int_equal(access_check(&a, &from, RIGHT "6", 1), ACCESS_WRONG);
	assert_int_equal(access_check(&a, &from, "Bearer abc", 1), ACCESS_WRONG);
}

static void wrong_guesses_wait(void **state)
{
	struct access a = { .secret = SECRET };
	struct addr from = source(1), other = source(2);
	uint64_t now = 100 * SECOND;

	for (int i = 0; i < ACCESS_GUESSES; i++)
		assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_WRONG);
	assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_TOO_OFTEN);
	assert_int_equal(access_check(&a, &from, RIGHT, now), ACCESS_TOO_OFTEN);
	assert_int_equal(access_check(&a, &other, RIGHT, now), ACCESS_OK);
	from.port = 77; /* another connection is no other source */
	now += ACCESS_GUESS_US;
	assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_WRONG);
	assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_TOO_OFTEN);
	now += ACCESS_GUESS_US;
	assert_int_equal(access_check(&a, &from, RIGHT, now), ACCESS_OK);
	now += ACCESS_GUESSES * ACCESS_GUESS_US;
	for (int i = 0; i < ACCESS_GUESSES; i++)
		assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_WRONG);
}

/* Many sources do not push out the one that guesses most. */
static void many_sources(void **state)
{
	struct access a = { .secret = SECRET };
	struct addr from = source(1);
	uint64_t now = 100 * SECOND;

	for (int i = 0; i < ACCESS_GUESSES; i++)
		assert_int_equal(access_check(&a, &from, WRONG, now), ACCESS_WRONG);
	for (unsigned n = 2; n < 5000; n++) {
		struct addr other = source(n);
		assert_int_equal(access_check(&a, &other, WRONG, now), ACCESS_WRONG);
	}
	assert_int_equal(access_check(&a, &from, RIGHT, now), ACCESS_TOO_OFTEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_addresses),
		cmocka_unit_test(origins_are_our_own),
		cmocka_unit_test(the_secret_opens),
		cmocka_unit_test(wrong_guesses_wait),
		cmocka_unit_test(many_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the guard at the door: caps, buckets, who is familiar, who makes room,
 * and a table that strangers fill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "agg/role/guard.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

static struct addr source(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 1), 0);
	return a;
}

static struct addr source_number(unsigned i)
{
	return (struct addr){ .family = AF_INET, .port = 1,
		.ip = { 198, 18, (uint8_t)(i >> 8), (uint8_t)i } };
}

static bool enter(struct guard *g, const struct addr *from, uint64_t now)
{
	return guard_enter(g, from, now) == GUARD_ENTERS;
}

/* One handshake that fails at once. */
static bool fail_once(struct guard *g, const struct addr *from, uint64_t now)
{
	if (!enter(g, from, now))
		return false;
	guard_leave(g, from, GUARD_FAILED, now);
	return true;
}

static unsigned fail_all(struct guard *g, const struct addr *from, uint64_t now)
{
	unsigned n = 0;

	while (n < 10000 && fail_once(g, from, now))
		n++;
	return n;
}

static bool succeed(struct guard *g, const struct addr *from, uint64_t now)
{
	if (!enter(g, from, now))
		return false;
	guard_leave(g, from, GUARD_GOOD, now);
	return true;
}

/* Strangers take every place that they can; returns how many. */
static unsigned fill(struct guard *g, uint64_t now)
{
	unsigned i = 0;

	for (; i < 2 * GUARD_HANDSHAKES_MAX; i++) {
		struct addr a = source_number(i);
		if (!enter(g, &a, now))
			break;
	}
	return i;
}

static void test_per_source(void **state)
{
	struct addr a = source("192.0.2.1"), b = source("192.0.2.2");
	struct guard g = { 0 };

	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(enter(&g, &a, 1));
	assert_int_equal(guard_enter(&g, &a, 1), GUARD_REFUSES);
	assert_true(enter(&g, &b, 1)); /* others are not harmed */
	guard_leave(&g, &a, GUARD_EVICTED, 1);
	assert_true(enter(&g, &a, 1));
	assert_int_equal(g.under_way, GUARD_PER_SOURCE_MAX + 1);
}

/* The port says nothing; an IPv6 source is its /64. */
static void test_who_is_one_source(void **state)
{
	struct addr a = source("[2001:db8::1]:1"), b = source("[2001:db8::2]:2");
	struct addr far = source("[2001:db8:0:1::1]:1");
	struct addr v4 = source("192.0.2.1:1"), port = source("192.0.2.1:2");
	struct guard g = { 0 };

	assert_int_equal(fail_all(&g, &a, SECOND), GUARD_SOURCE_BURST);
	assert_false(enter(&g, &b, SECOND));
	assert_true(fail_once(&g, &far, SECOND));
	assert_int_equal(fail_all(&g, &v4, SECOND), GUARD_SOURCE_BURST);
	assert_false(enter(&g, &port, SECOND));
}

/* Some failures are free, then there is one a second. */
static void test_a_source_that_fails(void **state)
{
	struct addr a = source("192.0.2.1");
	struct guard g = { 0 };
	unsigned failed = 0;

	for (uint64_t now = SECOND; now < 61 * SECOND; now += SECOND / 100)
		failed += fail_once(&g, &a, now);
	assert_in_range(failed, GUARD_SOURCE_BURST + 59, GUARD_SOURCE_BURST + 61);
	assert_int_equal(g.under_way, 0);
}

/* Failures of what began before it was shut out count as well, up to a limit. */
static void test_parallel_failures(void **state)
{
	struct addr a = source("192.0.2.1");
	struct guard g = { 0 };

	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(enter(&g, &a, SECOND));
	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		guard_leave(&g, &a, GUARD_FAILED, SECOND);
	uint64_t debt = (GUARD_SOURCE_BURST + 1) * GUARD_SOURCE_US;
	assert_false(enter(&g, &a, SECOND + debt - 1));
	assert_true(enter(&g, &a, SECOND + debt));
}

/* Behind one address of a carrier's NAT somebody fails every two seconds. The
 * gateway comes for the first time, and later again. */
static void test_a_neighbour_that_fails(void **state)
{
	struct addr a = source("192.0.2.1");
	struct guard g = { 0 };

	for (uint64_t now = SECOND; now < 600 * SECOND; now += 2 * SECOND) {
		fail_once(&g, &a, now);
		assert_true(enter(&g, &a, now + SECOND));
		guard_leave(&g, &a, GUARD_EVICTED, now + SECOND);
	}
	assert_true(succeed(&g, &a, 600 * SECOND));
	/* And from now on, were it five a second. */
	for (uint64_t now = 601 * SECOND; now < 700 * SECOND; now += SECOND / 5) {
		fail_once(&g, &a, now);
		assert_true(succeed(&g, &a, now));
	}
}

/* It fills the address' places with handshakes that stand still: one of them
 * goes for the site that came from there before. */
static void test_a_neighbour_that_is_silent(void **state)
{
	struct addr a = source("192.0.2.1"), other = source("192.0.2.2");
	struct guard g = { 0 };

	assert_true(succeed(&g, &a, SECOND));
	assert_true(enter(&g, &other, SECOND));
	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(enter(&g, &a, SECOND));
	assert_int_equal(guard_enter(&g, &a, SECOND), GUARD_NEEDS_ROOM);
	assert_true(guard_victim(&g, &a, &a));
	assert_false(guard_victim(&g, &a, &other));
	guard_leave(&g, &a, GUARD_EVICTED, SECOND);
	assert_true(enter(&g, &a, SECOND));
}

/* Each of its /64s has failures free, all of them together have a limit. */
static void test_a_net_that_fails(void **state)
{
	struct guard g = { 0 };
	struct addr house = source("2001:db8::1"), other = source("2001:db8:1::1");
	unsigned failed = 0;

	assert_true(succeed(&g, &house, SECOND));
	for (uint64_t i = 1; i < 10000; i++) {
		struct addr a = house;
		a.ip[6] = (uint8_t)(i >> 8);
		a.ip[7] = (uint8_t)i;
		failed += fail_once(&g, &a, SECOND + i * 1000);
	}
	/* In ten seconds. */
	assert_in_range(failed, GUARD_NET_BURST,
	                GUARD_NET_BURST + 10 * SECOND / GUARD_NET_US + 1);
	assert_true(enter(&g, &other, 12 * SECOND)); /* others are not harmed */
	assert_true(succeed(&g, &house, 12 * SECOND)); /* nor is who is known */
}

static void test_per_net(void **state)
{
	struct guard g = { 0 };
	unsigned in = 0;

	for (unsigned i = 0; i < 2 * GUARD_PER_NET_MAX; i++) {
		struct addr a = source("2001:db8::1");
		a.ip[7] = (uint8_t)i;
		in += enter(&g, &a, SECOND);
	}
	assert_int_equal(in, GUARD_PER_NET_MAX);
}

/* A crowd of sources, each below its own limit. The first of a source comes in
 * all the same, if there is a place. */
static void test_bucket_over_all(void **state)
{
	struct guard g = { 0 };
	unsigned begun = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct addr a = source_number(i);
		assert_true(enter(&g, &a, SECOND));
	}
	for (uint64_t now = SECOND; now < 11 * SECOND; now += SECOND / 20)
		for (unsigned i = 0; i < 100; i++) {
			struct addr a = source_number(i);
			if (!enter(&g, &a, now))
				continue;
			guard_leave(&g, &a, GUARD_EVICTED, now);
			begun++;
		}
	assert_in_range(begun, GUARD_ALL_BURST,
	                GUARD_ALL_BURST + 10 * SECOND / GUARD_ALL_US + 1);
	struct addr fresh = source("192.0.2.1");
	assert_true(enter(&g, &fresh, 11 * SECOND));
}

/* All places that are not kept are taken. */
static void test_places_are_kept(void **state)
{
	struct guard g = { 0 };
	struct addr known = source("192.0.2.1"), fresh = source("192.0.2.2");

	assert_true(succeed(&g, &known, SECOND));
	assert_int_equal(fill(&g, SECOND),
	                 GUARD_HANDSHAKES_MAX - GUARD_FAMILIAR_PLACES);
	assert_int_equal(guard_enter(&g, &fresh, SECOND), GUARD_NEEDS_ROOM);
	for (int i = 0; i < GUARD_FAMILIAR_PLACES; i++)
		assert_true(enter(&g, &known, SECOND));
	assert_int_equal(guard_enter(&g, &known, SECOND), GUARD_NEEDS_ROOM);
	assert_int_equal(g.under_way, GUARD_HANDSHAKES_MAX);
}

/* Who has most makes room; it is no failure of his. */
static void test_who_makes_room(void **state)
{
	struct guard g = { 0 };
	struct addr many = source("192.0.2.1"), fresh = source("192.0.2.2");
	struct addr few = source_number(0);

	for (int i = 0; i < 20; i++)
		assert_true(enter(&g, &many, SECOND));
	fill(&g, SECOND);
	for (int i = 0; i < 19; i++) { /* until all have one */
		assert_int_equal(guard_enter(&g, &fresh, SECOND),
		                 GUARD_NEEDS_ROOM);
		assert_true(guard_victim(&g, &fresh, &many));
		assert_false(guard_victim(&g, &fresh, &few));
		guard_leave(&g, &many, GUARD_EVICTED, SECOND);
		struct addr next = source_number(1000u + (unsigned)i);
		assert_true(enter(&g, &next, SECOND));
	}
	guard_leave(&g, &many, GUARD_EVICTED, SECOND);
	assert_int_equal(fail_all(&g, &many, SECOND), GUARD_SOURCE_BURST);
}

/* A reload that adds a pin: the gateway need not wait. */
static void test_forgiven(void **state)
{
	struct guard g = { 0 };
	struct addr a = source("192.0.2.1");

	fail_all(&g, &a, SECOND);
	assert_false(enter(&g, &a, SECOND));
	guard_forgive(&g);
	assert_true(enter(&g, &a, SECOND));
}

/* Of familiar sources the oldest is a stranger again. */
static void test_familiar_has_a_limit(void **state)
{
	struct guard g = { 0 };
	struct addr first = source_number(0);
	unsigned familiar = 0;

	for (unsigned i = 0; i <= GUARD_FAMILIAR_MAX; i++) {
		struct addr a = source_number(i);
		assert_true(succeed(&g, &a, SECOND + i));
	}
	for (int i = 0; i < GUARD_SOURCES_MAX; i++)
		familiar += g.sources[i].familiar_us != 0;
	assert_int_equal(familiar, GUARD_FAMILIAR_MAX);
	assert_int_equal(fail_all(&g, &first, 2 * SECOND), GUARD_SOURCE_BURST);
}

/* A thousand sites are familiar, however many strangers come after them, and a
 * table is as long as it had to be. */
static void test_many_sites_stay_familiar(void **state)
{
	struct guard g = { 0 };
	unsigned sites = 1000;

	for (unsigned i = 0; i < sites; i++) {
		struct addr a = source_number(i);
		assert_true(succeed(&g, &a, SECOND + i));
		assert_int_equal(g.source_count, i + 1);
	}
	for (unsigned i = sites; i < sites + 2 * GUARD_HANDSHAKES_MAX; i++) {
		struct addr a = source_number(i);
		assert_true(fail_once(&g, &a, 2 * SECOND + i));
	}
	assert_int_equal(g.source_count, GUARD_SOURCES_MAX);
	for (unsigned i = 0; i < sites; i++) {
		struct addr a = source_number(i);
		assert_int_equal(fail_all(&g, &a, 3 * SECOND),
		                 GUARD_FAMILIAR_BURST);
	}
}

/* A table full of strangers: the oldest idle one is forgotten, one with a
 * handshake under way never is, nor is one from which a site came. */
static void test_full_table(void **state)
{
	struct addr busy = source("192.0.2.1"), bad = source("192.0.2.2"), a;
	struct addr known = source("192.0.2.3");
	struct guard g = { 0 };

	assert_true(succeed(&g, &known, 1));
	assert_true(enter(&g, &busy, 1));
	fail_all(&g, &bad, 2);
	for (unsigned i = 0; i < 2 * GUARD_SOURCES_MAX; i++) {
		a = source_number(i);
		assert_true(fail_once(&g, &a, 3 + i));
	}
	assert_true(fail_once(&g, &bad, 1000)); /* forgotten */
	for (int i = 1; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(enter(&g, &busy, 1000));
	assert_false(enter(&g, &busy, 1000)); /* counted all along */
	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		guard_leave(&g, &busy, GUARD_GOOD, 1000);
	assert_int_equal(g.under_way, 0);
	assert_int_equal(fail_all(&g, &known, 1000), GUARD_FAMILIAR_BURST);
}

/* Whatever comes and goes: the counts are those of who is inside. */
static void test_random(void **state)
{
	struct guard g = { 0 };
	struct rand r = { 1 };
	unsigned inside[64] = { 0 }, all = 0;

	for (uint64_t step = 1; step < 100000; step++) {
		unsigned i = (unsigned)rand_below(&r, 64);
		struct addr a = source_number(i);
		if (i & 1) {
			a = source("2001:db8::1");
			a.ip[7] = (uint8_t)i;
		}
		if (rand_below(&r, 2) && inside[i]) {
			guard_leave(&g, &a, (enum guard_end)rand_below(&r, 3),
			            step * 1000);
			inside[i]--;
			all--;
		} else if (enter(&g, &a, step * 1000)) {
			inside[i]++;
			all++;
		}
		assert_true(inside[i] <= GUARD_PER_SOURCE_MAX);
		assert_true(all <= GUARD_HANDSHAKES_MAX);
		assert_int_equal(g.under_way, all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_source),
		cmocka_unit_test(test_who_is_one_source),
		cmocka_unit_test(test_a_source_that_fails),
		cmocka_unit_test(test_parallel_failures),
		cmocka_unit_test(test_a_neighbour_that_fails),
		cmocka_unit_test(test_a_neighbour_that_is_silent),
		cmocka_unit_test(test_a_net_that_fails),
		cmocka_unit_test(test_per_net),
		cmocka_unit_test(test_bucket_over_all),
		cmocka_unit_test(test_places_are_kept),
		cmocka_unit_test(test_who_makes_room),
		cmocka_unit_test(test_forgiven),
		cmocka_unit_test(test_familiar_has_a_limit),
		cmocka_unit_test(test_many_sites_stay_familiar),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("role/guard", tests, NULL, NULL);
}

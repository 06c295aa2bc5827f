/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one gateway that begins anew, and two with one key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/rivals.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

static enum rivals_answer hello(struct rivals *r, uint8_t who, uint64_t away_us,
                                uint64_t now_us)
{
	uint8_t id[RIVALS_ID_BYTES];

	memset(id, who, sizeof(id));
	return rivals_hello(r, id, away_us, now_us);
}

static void one_gateway_that_begins_anew(void **state)
{
	struct rivals r = { 0 };
	uint64_t now = SECOND;

	assert_int_equal(hello(&r, 1, UINT64_MAX, now), RIVALS_JOINS);
	assert_int_equal(hello(&r, 1, 0, now), RIVALS_JOINS);
	for (uint8_t start = 2; start < 50; start++) {
		now += SECOND;
		assert_int_equal(hello(&r, start, 0, now), RIVALS_ANEW);
		assert_int_equal(hello(&r, start, 0, now), RIVALS_JOINS);
		/* What the one before had sent is still on its way. */
		assert_int_equal(hello(&r, (uint8_t)(start - 1), 0, now + SECOND / 2),
		                 RIVALS_LATE);
	}
	assert_false(rivals_contend(&r, now));
}

/* Each tries every half second, as the second knows nothing of the first, and
 * with a new id each minute. */
static void two_gateways_with_one_key(void **state)
{
	struct rivals r = { 0 };
	unsigned anew = 0, told = 0, refused = 0;

	hello(&r, 1, UINT64_MAX, SECOND);
	for (uint64_t now = 2 * SECOND; now < 602 * SECOND; now += SECOND / 2) {
		uint8_t second = (uint8_t)(100 + now / (60 * SECOND));
		for (int i = 0; i < 2; i++) {
			enum rivals_answer a = hello(&r, i ? second : 1, 0, now);
			anew += a == RIVALS_ANEW;
			told += a == RIVALS_CONTENDED;
			refused += a == RIVALS_REFUSED || a == RIVALS_LATE;
		}
	}
	assert_int_equal(anew, 1);
	assert_int_equal(told, 1);
	assert_true(refused > 1000);
	assert_true(rivals_contend(&r, 602 * SECOND));
}

/* Who has it goes: after a while the other gets it, and keeps it. */
static void the_other_gets_it_in_the_end(void **state)
{
	struct rivals r = { 0 };
	uint64_t now = 20 * SECOND;

	hello(&r, 1, UINT64_MAX, SECOND);
	hello(&r, 2, 0, 2 * SECOND);
	assert_int_equal(hello(&r, 1, 0, now), RIVALS_CONTENDED);
	assert_int_equal(hello(&r, 1, now, now + SECOND), RIVALS_REFUSED);
	assert_int_equal(hello(&r, 1, now, now + RIVALS_AWAY_US), RIVALS_ANEW);
	now += RIVALS_AWAY_US;
	assert_int_equal(hello(&r, 2, 0, now + SECOND), RIVALS_LATE);
	assert_int_equal(hello(&r, 2, 0, now + 20 * SECOND), RIVALS_REFUSED);
	assert_int_equal(hello(&r, 3, 0, now + 20 * SECOND), RIVALS_REFUSED);
	assert_int_equal(hello(&r, 3, UINT64_MAX, now + 20 * SECOND), RIVALS_ANEW);
}

static void it_is_forgotten_when_the_other_stays_away(void **state)
{
	struct rivals r = { 0 };
	uint64_t now = 20 * SECOND;

	hello(&r, 1, UINT64_MAX, SECOND);
	hello(&r, 2, 0, 2 * SECOND);
	assert_int_equal(hello(&r, 1, 0, now), RIVALS_CONTENDED);
	now += RIVALS_CONTENDED_US;
	assert_false(rivals_contend(&r, now));
	assert_int_equal(hello(&r, 3, 0, now), RIVALS_ANEW); /* a restart */
}

static void lines_have_a_limit(void **state)
{
	struct rivals r = { 0 };
	unsigned times = 0, lines = 0, all = 0;

	for (uint64_t now = SECOND; now < 61 * SECOND; now += SECOND / 20)
		if (rivals_may_log(&r, &times, now)) {
			lines++;
			all += times;
		}
	assert_int_equal(lines, 6);
	assert_int_equal(all, 1 + 5 * 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_gateway_that_begins_anew),
		cmocka_unit_test(two_gateways_with_one_key),
		cmocka_unit_test(the_other_gets_it_in_the_end),
		cmocka_unit_test(it_is_forgotten_when_the_other_stays_away),
		cmocka_unit_test(lines_have_a_limit),
	};

	return cmocka_run_group_tests_name("role/rivals", tests, NULL, NULL);
}

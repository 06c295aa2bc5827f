/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "proxy/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S UINT64_C(1000000)
#define BPS 125000u /* 1 Mbit/s */

/* Who asks every `step` and takes pieces while he may: what he has in ten seconds. */
static uint64_t taken(struct throttle *t, uint64_t step_us, uint64_t piece)
{
	uint64_t before = t->taken[THROTTLE_DOWN], from_us = t->at_us + 1;

	for (uint64_t now_us = from_us; now_us < from_us + 10 * S; now_us += step_us)
		while (throttle_lets(t, THROTTLE_DOWN, now_us))
			throttle_take(t, THROTTLE_DOWN, piece);
	return t->taken[THROTTLE_DOWN] - before;
}

static void test_rate(void **state)
{
	static const struct { uint64_t step_us, piece; } rows[] = {
		{ 5000, 1400 }, { 1, 100 }, { 5000, 32768 }, { 100000, 1400 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct throttle t = { 0 };
		throttle_set(&t, BPS, 1000);
		assert_in_range(taken(&t, rows[i].step_us, rows[i].piece),
		                10 * BPS * 95 / 100 - THROTTLE_DEPTH_MIN,
		                10 * BPS + THROTTLE_DEPTH_MIN + 2 * rows[i].piece);
	}
}

static void test_ways_apart(void **state)
{
	struct throttle t = { 0 };

	assert_true(throttle_lets(&t, THROTTLE_UP, 5));
	throttle_take(&t, THROTTLE_UP, 1 << 30);
	assert_true(throttle_lets(&t, THROTTLE_UP, 5)); /* no limit */
	assert_true(throttle_lets(NULL, THROTTLE_UP, 5));
	throttle_take(NULL, THROTTLE_UP, 5);
	throttle_set(&t, BPS, S);
	assert_true(throttle_lets(&t, THROTTLE_UP, 2 * S));
	throttle_take(&t, THROTTLE_UP, 3 * BPS);
	assert_false(throttle_lets(&t, THROTTLE_UP, 2 * S));
	assert_true(throttle_lets(&t, THROTTLE_DOWN, 2 * S));
	assert_false(throttle_lets(&t, THROTTLE_UP, 4 * S)); /* 16 KB were left */
	assert_true(throttle_lets(&t, THROTTLE_UP, 5 * S));
	throttle_set(&t, 0, 5 * S);
	throttle_take(&t, THROTTLE_UP, BPS);
	assert_true(throttle_lets(&t, THROTTLE_UP, 5 * S));
	assert_int_equal(t.taken[THROTTLE_UP], (1u << 30) + 4 * BPS);
}

/* Who takes all that there is each millisecond, streams first, for ten seconds. */
static void contend(struct throttle *t, uint64_t packet_bps, uint64_t *streams,
                    uint64_t *packets)
{
	uint64_t owed = 0;

	*streams = *packets = 0;
	for (uint64_t now_us = S; now_us < 11 * S; now_us += 1000) {
		while (throttle_lets(t, THROTTLE_DOWN, now_us)) {
			throttle_take(t, THROTTLE_DOWN, THROTTLE_PIECE_BYTES);
			*streams += THROTTLE_PIECE_BYTES;
		}
		for (owed += packet_bps / 1000; owed >= 1000; owed -= 1000) {
			if (!throttle_lets_packet(t, THROTTLE_DOWN, now_us))
				continue; /* it is lost */
			throttle_take_packet(t, THROTTLE_DOWN, 1000);
			*packets += 1000;
		}
		for (uint64_t us = 0; us < 999; us++) /* asking costs nothing */
			throttle_lets_packet(t, THROTTLE_DOWN, now_us + us);
	}
}

static void test_packets_beside_streams(void **state)
{
	static const struct { uint64_t packet_bps, least, most; } rows[] = {
		{ BPS / 10, BPS * 98 / 100, BPS },       /* all of a call */
		{ 3 * BPS, BPS * 10 / 4, BPS * 10 / 3 }, /* their part of a flood */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct throttle t = { 0 };
		uint64_t streams, packets;
		throttle_set(&t, BPS, S);
		contend(&t, rows[i].packet_bps, &streams, &packets);
		assert_in_range(packets, rows[i].least - THROTTLE_DEPTH_MIN, rows[i].most);
		assert_in_range(streams + packets, BPS * 95 / 10,
		                10 * BPS + 2 * THROTTLE_PIECE_BYTES);
	}
	assert_true(throttle_lets_packet(&(struct throttle){ 0 }, THROTTLE_UP, S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_ways_apart),
		cmocka_unit_test(test_packets_beside_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

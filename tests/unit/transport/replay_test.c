/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the replay window, beside one that remembers every counter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/replay.h"

#include <string.h>

#define MODEL_MAX 65536u

static void note_once(struct replay *r, uint64_t counter)
{
	assert_true(replay_is_fresh(r, counter));
	replay_note(r, counter);
	assert_false(replay_is_fresh(r, counter));
}

static void each_comes_once(void **state)
{
	struct replay r = { 0 };

	assert_true(replay_is_highest(&r, 0));
	for (uint64_t i = 0; i < 3 * REPLAY_BITS; i++)
		note_once(&r, i);
	for (uint64_t i = 0; i < 3 * REPLAY_BITS; i++)
		assert_false(replay_is_fresh(&r, i));
	assert_false(replay_is_highest(&r, 3 * REPLAY_BITS - 1));
	assert_true(replay_is_highest(&r, 3 * REPLAY_BITS));
}

/* What is late is taken as long as the window tells, and then no more. */
static void the_window_has_an_end(void **state)
{
	struct replay r = { 0 };

	note_once(&r, 100000);
	assert_true(replay_is_fresh(&r, 100001 - REPLAY_WINDOW));
	assert_false(replay_is_fresh(&r, 100000 - REPLAY_WINDOW));
	note_once(&r, 100001 - REPLAY_WINDOW);
	note_once(&r, 100002);
	assert_false(replay_is_fresh(&r, 0));
	note_once(&r, 1u << 20); /* far ahead: nothing of before is left over */
	for (uint64_t i = (1u << 20) - REPLAY_WINDOW + 1; i < 1u << 20; i++)
		note_once(&r, i);
}

/* Random jumps, forward and back; a fixed sequence. */
static void as_if_all_were_remembered(void **state)
{
	static bool seen[MODEL_MAX];
	struct replay r = { 0 };
	uint64_t rng = 88172645463325252u, highest = 0;

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 200000; i++) {
		rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
		uint64_t jump = rng % 97 ? rng % 8 : rng % 300;
		uint64_t back = rng >> 32 & 1 ? (rng >> 33) % (REPLAY_WINDOW / 2) : 0;
		uint64_t counter = highest + jump > back ? highest + jump - back : 0;
		if (counter >= MODEL_MAX)
			break;
		assert_int_equal(replay_is_fresh(&r, counter), !seen[counter]);
		if (!seen[counter])
			replay_note(&r, counter);
		seen[counter] = true;
		if (counter > highest)
			highest = counter;
	}
	assert_true(highest > MODEL_MAX / 2);
}

static uint64_t rebuilt(uint64_t next, uint32_t low)
{
	struct replay r = { .next = next };

	return replay_rebuild(&r, low);
}

static void high_bits_are_rebuilt(void **state)
{
	uint64_t wrap = UINT64_C(1) << 32;

	assert_int_equal(rebuilt(0, 0), 0);
	assert_int_equal(rebuilt(0, 5), 5);
	assert_int_equal(rebuilt(wrap - 100, 0xfffffff0), 0xfffffff0);
	assert_int_equal(rebuilt(wrap - 100, 3), wrap + 3);
	assert_int_equal(rebuilt(wrap + 3, 0xffffffff), wrap - 1);
	assert_int_equal(rebuilt(wrap + 3, 3), wrap + 3);
	assert_int_equal(rebuilt(7 * wrap + 9, 0xfffffffe), 7 * wrap - 2);
	assert_int_equal(rebuilt(UINT64_MAX, 5), UINT64_MAX - UINT32_MAX + 5);
	for (uint64_t next = wrap - 3000; next < wrap + 3000; next++)
		for (int64_t d = -2000; d <= 2000; d += 100)
			assert_int_equal(rebuilt(next, (uint32_t)(next + (uint64_t)d)),
			                 next + (uint64_t)d);
}

static void the_last_one_is_never_taken(void **state)
{
	struct replay r = { .next = UINT64_MAX - 1 };

	assert_false(replay_is_fresh(&r, UINT64_MAX));
	assert_true(replay_is_fresh(&r, UINT64_MAX - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_comes_once),
		cmocka_unit_test(the_window_has_an_end),
		cmocka_unit_test(as_if_all_were_remembered),
		cmocka_unit_test(high_bits_are_rebuilt),
		cmocka_unit_test(the_last_one_is_never_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

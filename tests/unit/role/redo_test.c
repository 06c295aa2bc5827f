/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when a thing is put again that fails, or that others take away.
 */
#include "agg/role/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000u
#define START (5 * SECOND)

static void put(struct redo *u, bool good, uint64_t now_us)
{
	redo_begin(u);
	assert_true(u->putting);
	redo_end(u, good, now_us);
	assert_false(u->putting);
}

static void made(struct redo *u)
{
	redo_init(u);
	assert_int_equal(u->due_us, UINT64_MAX);
	redo_want(u, START);
	assert_int_equal(u->due_us, START);
	put(u, true, START);
}

static void what_succeeds_is_in_force_and_rests(void **state)
{
	struct redo u;

	made(&u);
	assert_true(redo_is_good(&u));
	assert_int_equal(u.due_us, UINT64_MAX);
}

static void what_fails_is_not_in_force_and_is_tried_again(void **state)
{
	struct redo u;
	uint64_t now = START, pause = REDO_FAILURE_MIN_US;

	redo_init(&u);
	redo_want(&u, now);
	for (int i = 0; i < 12; i++) {
		put(&u, false, now);
		assert_false(redo_is_good(&u));
		assert_int_equal(u.due_us, now + pause);
		now = u.due_us;
		pause = pause * 2 < REDO_FAILURE_MAX_US ? pause * 2
		                                        : REDO_FAILURE_MAX_US;
	}
	put(&u, true, now);
	assert_true(redo_is_good(&u));
	assert_int_equal(u.due_us, UINT64_MAX);
}

static void failing_again_what_was_in_force_is_not_in_force(void **state)
{
	struct redo u;

	made(&u);
	redo_want(&u, START + SECOND);
	assert_true(redo_is_good(&u)); /* the old one still is */
	put(&u, false, START + SECOND);
	assert_false(redo_is_good(&u));
}

static void another_wish_while_it_fails_does_not_make_pauses_vain(void **state)
{
	struct redo u;

	redo_init(&u);
	redo_want(&u, START);
	for (int i = 0; i < 8; i++)
		put(&u, false, START);
	redo_want(&u, START + 1);
	assert_int_equal(u.due_us, START + 1 + REDO_FAILURE_MIN_US);
	redo_want(&u, START + 2); /* the first wish's time stays */
	assert_int_equal(u.due_us, START + 1 + REDO_FAILURE_MIN_US);
}

static void another_wish_while_it_is_put_is_put_behind(void **state)
{
	struct redo u;

	made(&u);
	redo_want(&u, START);
	redo_begin(&u);
	redo_want(&u, START + 7);
	redo_end(&u, true, START + 9);
	assert_int_equal(u.due_us, START + 7);
}

static void what_is_taken_away_is_put_at_once(void **state)
{
	struct redo u;

	made(&u);
	redo_lose(&u, START + SECOND);
	assert_false(redo_is_good(&u));
	assert_int_equal(u.due_us, START + SECOND);
	assert_int_equal(u.losses, 1);
	redo_lose(&u, START + SECOND); /* the same act, another message */
	assert_int_equal(u.losses, 1);
	put(&u, true, START + SECOND);
	assert_true(redo_is_good(&u));
}

static void who_keeps_taking_away_meets_pauses(void **state)
{
	struct redo u;
	uint64_t now = START, puts = 0;

	made(&u);
	while (now < START + 60 * SECOND) {
		redo_lose(&u, now);
		assert_true(u.due_us - now <= REDO_LOSS_MAX_US);
		now = u.due_us;
		put(&u, true, now);
		now++;
		puts++;
	}
	assert_in_range(puts, 60, 90); /* about one a second */
}

static void calm_forgets_losses(void **state)
{
	struct redo u;

	made(&u);
	for (int i = 0; i < 5; i++) {
		redo_lose(&u, START);
		put(&u, true, START);
	}
	uint64_t later = START + REDO_CALM_US;
	redo_lose(&u, later);
	assert_int_equal(u.due_us, later);
	assert_int_equal(u.losses, 1);
}

static void taken_away_while_it_is_put_pauses_too(void **state)
{
	struct redo u;

	made(&u);
	redo_lose(&u, START);
	redo_begin(&u);
	redo_lose(&u, START + 1);
	redo_end(&u, true, START + 2);
	assert_int_equal(u.due_us, START + 1 + REDO_LOSS_MIN_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_succeeds_is_in_force_and_rests),
		cmocka_unit_test(what_fails_is_not_in_force_and_is_tried_again),
		cmocka_unit_test(failing_again_what_was_in_force_is_not_in_force),
		cmocka_unit_test(another_wish_while_it_fails_does_not_make_pauses_vain),
		cmocka_unit_test(another_wish_while_it_is_put_is_put_behind),
		cmocka_unit_test(what_is_taken_away_is_put_at_once),
		cmocka_unit_test(who_keeps_taking_away_meets_pauses),
		cmocka_unit_test(calm_forgets_losses),
		cmocka_unit_test(taken_away_while_it_is_put_pauses_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when datagrams leave one by one, by what is lost.
 */
#include "agg/transport/segment_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S UINT64_C(1000000)
#define STEP_US 250000u

static struct segment_trial trial;
static uint64_t now_us, counter, packets;
static unsigned changes;

/* A path that loses so many percent of what leaves at once, and of what leaves singly. */
static void run(unsigned seconds, unsigned at_once, unsigned singly, unsigned per_step)
{
	for (unsigned i = 0; i < seconds * 4; i++) {
		bool single = segment_trial_is_single(&trial);
		counter += per_step;
		packets += per_step * (100 - (single ? singly : at_once)) / 100;
		now_us += STEP_US;
		segment_trial_note(&trial, counter, packets, now_us);
		changes += single != segment_trial_is_single(&trial);
	}
}

static int begin(void **state)
{
	trial = (struct segment_trial){ .state = SEGMENT_TRIAL_NONE };
	now_us = 10 * S;
	counter = packets = changes = 0;
	return 0;
}

static void test_a_clean_path(void **state)
{
	run(600, 1, 0, 100);
	assert_int_equal(changes, 0);
}

static void test_a_device_that_spoils_them(void **state)
{
	run(12, 95, 0, 100);
	assert_int_equal(trial.state, SEGMENT_TRIAL_OFF);
	assert_true(segment_trial_is_single(&trial));
	run(3600, 95, 0, 100);
	assert_int_equal(trial.state, SEGMENT_TRIAL_OFF);
	assert_int_equal(changes, 3);
}

/* A day later it is tried again, and found well. */
static void test_a_device_that_was_mended(void **state)
{
	run(12, 95, 0, 100);
	now_us += SEGMENT_TRIAL_OFF_US;
	run(10, 0, 0, 100);
	assert_int_equal(trial.state, SEGMENT_TRIAL_NONE);
}

/* It is tried, and then not for a minute. */
static void test_a_path_that_loses_by_itself(void **state)
{
	run(50, 30, 30, 100);
	assert_int_equal(trial.state, SEGMENT_TRIAL_NONE);
	assert_int_equal(changes, 2);
}

/* As one that is cut for a while: better when they leave singly, and then, too. */
static void test_a_path_that_recovers(void **state)
{
	while (trial.state == SEGMENT_TRIAL_NONE)
		run(1, 60, 0, 100);
	run(20, 0, 0, 100);
	assert_int_equal(trial.state, SEGMENT_TRIAL_NONE);
}

/* The rate has fallen so far that few leave together. */
static void test_a_device_that_spoils_a_few(void **state)
{
	run(20, 8, 0, 25);
	assert_int_equal(trial.state, SEGMENT_TRIAL_OFF);
}

static void test_little_says_nothing(void **state)
{
	run(30, 100, 0, 0);
	assert_int_equal(changes, 0);
}

/* Another receiver begins at 0. */
static void test_another_receiver(void **state)
{
	run(10, 0, 0, 100);
	packets = 0;
	run(10, 0, 0, 100);
	assert_int_equal(changes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_clean_path, begin),
		cmocka_unit_test_setup(test_a_device_that_spoils_them, begin),
		cmocka_unit_test_setup(test_a_device_that_was_mended, begin),
		cmocka_unit_test_setup(test_a_path_that_loses_by_itself, begin),
		cmocka_unit_test_setup(test_a_path_that_recovers, begin),
		cmocka_unit_test_setup(test_a_device_that_spoils_a_few, begin),
		cmocka_unit_test_setup(test_little_says_nothing, begin),
		cmocka_unit_test_setup(test_another_receiver, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agg/base/backoff.h"

struct scene {
	struct loop *loop;
	struct rand rand;
	struct retry retry;
	unsigned retries;
};

static void on_retry(void *ctx)
{
	struct scene *s = ctx;

	s->retries++;
	loop_stop(s->loop);
}

static int setup(void **state)
{
	static struct scene s;

	s = (struct scene){ .loop = loop_create() };
	assert_int_equal(retry_init(&s.retry, s.loop, &s.rand, on_retry, &s), 0);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	retry_finish(&s->retry);
	loop_destroy(s->loop);
	return 0;
}

/* Ten refusals take a minute at least; ten that go unanswered some seconds. */
static void who_is_refused_knocks_seldom(void **state)
{
	uint64_t refused_us = 0, failed_us = 0;

	for (unsigned i = 1; i <= 10; i++) {
		refused_us += backoff_us(RETRY_REFUSED_US, i,
		                         RETRY_PAUSE_LONG_US) / 2;
		failed_us += backoff_us(RETRY_PAUSE_MIN_US, i,
		                        RETRY_PAUSE_MAX_US);
	}
	assert_in_range(refused_us, 60000000, 100000000);
	assert_in_range(failed_us, 1000000, 10000000);
}

/* It waited: nothing is due before the loop has turned. */
static void failures_and_refusals_are_counted(void **state)
{
	struct scene *s = *state;

	retry_failed(&s->retry);
	assert_true(s->retry.waiting);
	retry_refused(&s->retry);
	retry_refused(&s->retry);
	assert_int_equal(s->retry.failures, 3);
	assert_int_equal(s->retry.refusals, 2);
	assert_int_equal(s->retries, 0);
	retry_reset(&s->retry);
	assert_false(s->retry.waiting);
	assert_int_equal(s->retry.failures, 0);
	assert_int_equal(s->retry.refusals, 0);
	retry_failed(&s->retry);
	loop_run(s->loop);
	assert_int_equal(s->retries, 1);
	assert_false(s->retry.waiting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_refused_knocks_seldom),
		TEST(failures_and_refusals_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define LIMIT 512

static void reserves(void **state)
{
	static const struct {
		unsigned long limit;
		unsigned stream, subflow;
	} rows[] = {
		{ 1024, 256, 64 }, { 512, 128, 32 }, { 65536, 1024, 256 },
		{ 1048576, 1024, 256 }, { 200, 64, 16 }, { 100, 50, 12 },
		{ 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(descriptors_reserve(DESCRIPTORS_STREAM,
		                                     rows[i].limit), rows[i].stream);
		assert_int_equal(descriptors_reserve(DESCRIPTORS_SUBFLOW,
		                                     rows[i].limit), rows[i].subflow);
	}
}

static void the_soft_limit_is_raised(void **state)
{
	struct rlimit limit = { 100, LIMIT };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(descriptors_raise(), LIMIT);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, LIMIT);
	assert_int_equal(descriptors_raise(), LIMIT); /* again is harmless */
}

/* As many are given out as the use may have, and not one more. */
static unsigned taken(enum descriptors_use use, int *fds)
{
	unsigned n = 0;

	while ((fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 &&
	       descriptors_allow(use, fds[n]))
		n++;
	assert_true(fds[n] >= 0);
	close(fds[n]);
	return n;
}

static void the_last_ones_are_kept(void **state)
{
	struct rlimit limit = { LIMIT, LIMIT };
	int first[LIMIT], then[LIMIT];

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(descriptors_for_streams(LIMIT), LIMIT - 128);
	assert_int_equal(descriptors_for_streams(100), 100);
	unsigned streams = taken(DESCRIPTORS_STREAM, first);
	assert_in_range(streams, LIMIT - 128 - 20, LIMIT - 128);
	unsigned subflows = taken(DESCRIPTORS_SUBFLOW, then);
	assert_int_equal(subflows, 128 - 32);
	close(first[7]); /* one that ended makes room for one */
	first[7] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(descriptors_allow(DESCRIPTORS_STREAM, first[7]));
	for (unsigned i = 0; i < streams; i++)
		close(first[i]);
	for (unsigned i = 0; i < subflows; i++)
		close(then[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserves),
		cmocka_unit_test(the_soft_limit_is_raised),
		cmocka_unit_test(the_last_ones_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

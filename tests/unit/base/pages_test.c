/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/pages.h"

#include <stdio.h>
#include <string.h>

#define LIBRARY "libcmocka" /* the one that we surely have */

struct rss {
	size_t fixed, writable; /* KB of the library's mappings */
};

static void read_rss(struct rss *rss)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512], access[8];
	size_t *now = NULL, kb;

	*rss = (struct rss){ 0 };
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*x-%*x %7s", access) == 1)
			now = !strstr(line, LIBRARY) ? NULL
			    : access[1] == 'w' ? &rss->writable : &rss->fixed;
		if (now && sscanf(line, "Rss: %zu kB", &kb) == 1)
			*now += kb;
	}
	fclose(file);
}

/* It goes, comes again where it is used, and what was written stays. */
static void test_code_is_dropped_and_comes_again(void **state)
{
	struct rss before, after;

	read_rss(&before);
	assert_true(before.fixed > 0);
	size_t bytes = pages_drop(LIBRARY);
	read_rss(&after);
	assert_true(bytes >= before.fixed * 1024 / 2);
	assert_true(after.fixed < before.fixed);
	assert_true(after.writable + 4 >= before.writable);
	will_return(test_code_is_dropped_and_comes_again, 7);
	assert_int_equal(mock(), 7); /* it still works, and knows what it knew */
}

static void test_no_such_library(void **state)
{
	assert_int_equal(pages_drop("libnobody"), 0);
	assert_int_equal(pages_drop("cmocka"), 0); /* names begin so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_is_dropped_and_comes_again),
		cmocka_unit_test(test_no_such_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

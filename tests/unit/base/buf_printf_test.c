/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void text_follows_text(void **state)
{
	struct buf b;

	buf_init(&b, 4096);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf_printf(&b, "%03d,", i), 0);
	assert_int_equal(b.len, 800);
	assert_memory_equal(buf_head(&b) + 796, "199,", 4);
	buf_finish(&b);
}

static void what_does_not_fit_is_not_appended(void **state)
{
	struct buf b;

	buf_init(&b, 8);
	assert_int_equal(buf_printf(&b, "%s", "123456"), 0);
	assert_int_equal(buf_printf(&b, "%s", "7890"), -ENOBUFS);
	assert_int_equal(b.len, 6);
	assert_memory_equal(buf_head(&b), "123456", 6);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_follows_text),
		cmocka_unit_test(what_does_not_fit_is_not_appended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page is whole, the trace is in it and cannot get out, and what a
 * file says of itself is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/sim/page.h"
#include "scheduler/sim/page_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The page of a trace: to be freed. */
static char *page_of(const char *json)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);

	assert_non_null(out);
	assert_int_equal(page_write(out, json), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(page), size);
	return page;
}

/* What stands in the place of the trace: to be freed. */
static char *trace_in(const char *json)
{
	char *page = page_of(json);
	size_t size = strlen(page) - page_before_size - page_after_size;
	char *trace = strndup(page + page_before_size, size);

	assert_non_null(trace);
	assert_memory_equal(page, page_before, page_before_size);
	assert_memory_equal(page + page_before_size + size, page_after,
	                    page_after_size);
	free(page);
	return trace;
}

static void assert_trace(const char *json, const char *expected)
{
	char *trace = trace_in(json);

	assert_string_equal(trace, expected);
	free(trace);
}

static void a_plain_trace_is_put_in_as_it_is(void **state)
{
	assert_trace("{}", "{}");
	assert_trace("{\"title\":\"\\\"a\\\" > b & 'c' \xc3\xa9\"}",
	             "{\"title\":\"\\\"a\\\" > b & 'c' \xc3\xa9\"}");
}

static void what_would_end_the_script_is_escaped(void **state)
{
	assert_trace("{\"title\":\"</script><script>x\"}",
	             "{\"title\":\"\\u003c/script>\\u003cscript>x\"}");
	assert_trace("{\"</SCRIPT \":\"<!-- <script\"}",
	             "{\"\\u003c/SCRIPT \":\"\\u003c!-- \\u003cscript\"}");
	assert_trace("[\"<\",\"<<\",\"a<\"]",
	             "[\"\\u003c\",\"\\u003c\\u003c\",\"a\\u003c\"]");
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void the_page_is_one_file(void **state)
{
	char *page = page_of("{}");

	assert_int_equal(count(page, "<!DOCTYPE html>"), 1);
	assert_int_equal(count(page, "</html>"), 1);
	assert_int_equal(count(page, "<script"), count(page, "</script>"));
	assert_true(count(page, "<script") > 2);
	assert_int_equal(count(page, "<style>"), 1);
	assert_null(strstr(page, "src="));
	assert_null(strstr(page, "@import"));
	assert_null(strstr(page, "url("));
	assert_int_equal(count(page, "href="), 1); /* that of no icon */
	assert_int_equal(count(page, "://"), 1);   /* the name of SVG */
	free(page);
}

static void a_full_disk_is_told(void **state)
{
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	assert_int_equal(page_write(out, "{}"), -ENOSPC);
	fclose(out);
}

/* Large enough that nothing is written before page_write() says it is. */
static void a_full_disk_is_told_behind_a_large_buffer(void **state)
{
	static char buffer[1 << 20];
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	assert_int_equal(setvbuf(out, buffer, _IOFBF, sizeof(buffer)), 0);
	assert_int_equal(page_write(out, "{}"), -ENOSPC);
	fclose(out);
}

static void a_file_that_is_only_read_is_told(void **state)
{
	FILE *out = fopen("/dev/null", "r");

	assert_non_null(out);
	assert_int_equal(page_write(out, "{}"), -EBADF);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_trace_is_put_in_as_it_is),
		cmocka_unit_test(what_would_end_the_script_is_escaped),
		cmocka_unit_test(the_page_is_one_file),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(a_full_disk_is_told_behind_a_large_buffer),
		cmocka_unit_test(a_file_that_is_only_read_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

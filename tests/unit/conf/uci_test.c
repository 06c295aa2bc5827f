/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/conf/uci.h"

#include "agg/base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(struct uci *uci, const char *text, struct conf_error *error)
{
	return uci_parse(uci, "f", text, strlen(text), error);
}

static void assert_error(const char *text, const char *want)
{
	struct conf_error error;
	struct uci uci;

	assert_int_equal(parse(&uci, text, &error), -EINVAL);
	assert_string_equal(error.text, want);
	assert_int_equal(uci.count, 0);
}

static void tree_holds_what_the_file_says(void **state)
{
	struct conf_error error;
	struct uci uci;

	assert_int_equal(parse(&uci, "\n# c\nconfig t\n option a 1\n"
	                       " list b x\n\n list b y\nconfig t n\n", &error), 0);
	assert_int_equal(uci.count, 2);
	assert_string_equal(uci.sections[0].type, "t");
	assert_string_equal(uci.sections[0].name, "");
	assert_int_equal(uci.sections[0].line, 3);
	assert_string_equal(uci.sections[1].name, "n");
	assert_int_equal(uci.sections[1].line, 8);
	const struct uci_option *a = uci_find(&uci.sections[0], "a");
	const struct uci_option *b = uci_find(&uci.sections[0], "b");
	assert_non_null(a);
	assert_false(a->is_list);
	assert_int_equal(a->count, 1);
	assert_non_null(b);
	assert_true(b->is_list);
	assert_int_equal(b->count, 2);
	assert_string_equal(b->values[1].text, "y");
	assert_int_equal(b->values[1].line, 7);
	assert_null(uci_find(&uci.sections[1], "a"));
	uci_finish(&uci);
}

static void quoting_is_that_of_uci(void **state)
{
	static const struct {
		const char *written;
		const char *meant;
	} cases[] = {
		{ "plain", "plain" },          { "'a b'", "a b" },
		{ "\"a b\"", "a b" },          { "''", "" },
		{ "'a'\"b\"c", "abc" },        { "'it'\\''s'", "it's" },
		{ "'a\\b'", "a\\b" },          { "\"a\\\"b\\\\\"", "a\"b\\" },
		{ "a\\ b", "a b" },            { "'#;'", "#;" },
		{ "a#b", "a" },                { "a;", "a" },
		{ "'\xc3\xa4'", "\xc3\xa4" },  { "'a\tb'", "a\tb" },
	};
	struct conf_error error;
	struct uci uci;
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "config t\noption k %s",
		         cases[i].written);
		assert_int_equal(parse(&uci, text, &error), 0);
		assert_string_equal(uci.sections[0].options[0].values[0].text,
		                    cases[i].meant);
		uci_finish(&uci);
	}
}

static void empty_files_are_empty(void **state)
{
	struct conf_error error;
	struct uci uci;

	assert_int_equal(parse(&uci, "", &error), 0);
	assert_int_equal(uci.count, 0);
	uci_finish(&uci);
	assert_int_equal(parse(&uci, " \t\n;;\n#", &error), 0);
	assert_int_equal(uci.count, 0);
	uci_finish(&uci);
}

static void errors_name_the_line(void **state)
{
	assert_error("\n\noption a b", "f:3: 'option' before the first 'config'");
	assert_error("config t\n\n o a 'b", "f:3: the quote ' is not closed on "
	             "this line");
	assert_error("config t; o a 1; o a 2", "f:1: 'a' is already given in "
	             "line 1; only 'list' is repeated");
}

/* A text of `head`, then so many times `line`, in which '@' is a number that
 * counts. */
static int parse_many(const char *head, const char *line, unsigned times,
                      struct conf_error *error)
{
	struct buf text;
	struct uci uci;

	buf_init(&text, 2 * UCI_FILE_MAX);
	buf_printf(&text, "%s", head);
	for (unsigned i = 0; i < times; i++) {
		size_t n = strcspn(line, "@");
		buf_printf(&text, "%.*s", (int)n, line);
		if (line[n])
			buf_printf(&text, "%u%s", i, line + n + 1);
	}
	int err = uci_parse(&uci, "f", (const char *)buf_head(&text), text.len,
	                    error);
	uci_finish(&uci);
	buf_finish(&text);
	return err;
}

static void every_limit_holds(void **state)
{
	static const struct {
		const char *head, *line;
		unsigned max;
		const char *error;
	} cases[] = {
		{ "", "config t\n", UCI_SECTIONS_MAX, "f:8193: more than 8192 "
		  "sections" },
		{ "config t\n", "option k@ v\n", UCI_OPTIONS_MAX,
		  "f:66: more than 64 keys in a section" },
		{ "config t\n", "list k v@\n", UCI_VALUES_MAX,
		  "f:1026: more than 1024 values of 'k'" },
		{ "config t\noption k ", "x", UCI_VALUE_MAX,
		  "f:2: a value is longer than 1023 bytes" },
		{ "", "\n", UCI_FILE_MAX, "f: larger than 2048 KiB" },
	};
	struct conf_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse_many(cases[i].head, cases[i].line,
		                            cases[i].max, &error), 0);
		assert_int_equal(parse_many(cases[i].head, cases[i].line,
		                            cases[i].max + 1, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].error);
	}
}

static void nul_bytes_are_refused(void **state)
{
	struct conf_error error;
	struct uci uci;

	assert_int_equal(uci_parse(&uci, "f", "config a\0b\n", 11, &error),
	                 -EINVAL);
	assert_string_equal(error.text, "f:1: a control character (byte 0) in a "
	                    "value; printable characters are allowed");
}

/* As root, somebody may name a file that others must not read. */
static void a_foreign_file_is_hardly_quoted(void **state)
{
	assert_error("root:$6$saltsalt$hash:19000:0:99999:7:::\n",
	             "f:1: 'root:$6$saltsalt...' begins no statement; allowed: "
	             "config, option, list, package");
	assert_error("very-long-secret-of-a-host more 'than enough' words here\n",
	             "f:1: 'very-long-secret...' begins no statement; allowed: "
	             "config, option, list, package");
	assert_error("\xc3\xa4 b\n", "f:1: '?" "?' begins no statement; allowed: "
	             "config, option, list, package");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_foreign_file_is_hardly_quoted),
		cmocka_unit_test(tree_holds_what_the_file_says),
		cmocka_unit_test(quoting_is_that_of_uci),
		cmocka_unit_test(empty_files_are_empty),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(every_limit_holds),
		cmocka_unit_test(nul_bytes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

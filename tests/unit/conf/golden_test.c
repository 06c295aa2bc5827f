/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: golden/NAME.in is a configuration; golden/NAME.ok is what we print of
 * it, or for bad-*.in the one line that says what is wrong.
 */
#include "agg/conf/conf.h"
#include "tests/unit/golden.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CASES_MIN 30 /* fewer mean that the files were not found */

static const struct conf_names names = {
	.schedulers = (const char *const[]){ "lowrtt", "roundrobin", "ecf", "srpt_ecf", NULL },
	.orders = (const char *const[]){ "auto", "fifo", "srpt", NULL },
	.reinjections = (const char *const[]){ "off", "suspect", "tail", NULL },
};

static void print(const struct conf *conf, struct buf *out)
{
	buf_init(out, CONF_PRINT_MAX);
	assert_int_equal(conf_print(conf, true, out), 0);
}

/* What we print parses again, to the same. */
static void check_round_trip(const struct conf *conf, const struct buf *text)
{
	struct conf_error error;
	struct conf *again;
	struct buf text_again;

	if (conf_parse("printed", (const char *)buf_head(text), text->len,
	               &names, &again, &error))
		fail_msg("%s", error.text);
	assert_true(conf_equal(conf, again));
	print(again, &text_again);
	assert_int_equal(text->len, text_again.len);
	assert_memory_equal(buf_head(text), buf_head(&text_again), text->len);
	buf_finish(&text_again);
	conf_free(again);
}

static void check_case(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char ok[512];
	struct conf_error error;
	struct conf *conf;
	struct buf in, out;

	snprintf(ok, sizeof(ok), "%.*s.ok", (int)(strlen(path) - 3), path);
	golden_read(path, &in);
	int err = conf_parse(name, (const char *)buf_head(&in), in.len,
	                     &names, &conf, &error);
	if (!strncmp(name, "bad-", 4)) {
		if (err != -EINVAL)
			fail_msg("%s: is not refused", name);
		assert_null(conf);
		buf_init(&out, CONF_PRINT_MAX);
		buf_printf(&out, "%s\n", error.text);
	} else {
		if (err)
			fail_msg("%s", error.text);
		print(conf, &out);
		check_round_trip(conf, &out);
		conf_free(conf);
	}
	golden_check(ok, &out);
	buf_finish(&in);
	buf_finish(&out);
}

static void every_pair_matches(void **state)
{
	glob_t found;

	assert_int_equal(glob(GOLDEN_DIR "/*.in", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= CASES_MIN);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_case(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_pair_matches) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

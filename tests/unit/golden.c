/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_MAX (1024 * 1024)

void golden_read(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");

	if (!f)
		fail_msg("%s: cannot be opened", path);
	buf_init(out, GOLDEN_MAX);
	uint8_t *to = buf_reserve(out, GOLDEN_MAX);
	assert_non_null(to);
	buf_added(out, fread(to, 1, GOLDEN_MAX, f));
	fclose(f);
}

static void golden_write(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(buf_head(text), 1, text->len, f), text->len);
	assert_int_equal(fclose(f), 0);
}

void golden_check(const char *path, const struct buf *text)
{
	struct buf want;

	if (getenv("GOLDEN_WRITE")) {
		golden_write(path, text);
		return;
	}
	golden_read(path, &want);
	if (want.len != text->len ||
	    (want.len && memcmp(buf_head(&want), buf_head(text), want.len)))
		fail_msg("%s: differs; wanted:\n%.*s\ngot:\n%.*s", path,
		         (int)want.len, (const char *)buf_head(&want),
		         (int)text->len, (const char *)buf_head(text));
	buf_finish(&want);
}

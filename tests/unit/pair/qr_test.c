/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a QR code as a camera sees it on the terminal: the modules are read back
 * from the blocks, and the three finders are where they have to be.
 */
#include "agg/pair/qr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "aggd1_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyCgoaKjpKWmp6ipqqusra6vAG"
#define SIZE_MAX_MODULES 128
#define FINDER 7 /* ISO/IEC 18004, 6.3.3 */
#define QUIET 2

static bool dark[SIZE_MAX_MODULES][SIZE_MAX_MODULES];

/* One character of a line: two modules, one above the other. */
static const char *read_block(const char *p, unsigned x, unsigned y)
{
	bool blank = *p == ' ', upper = !strncmp(p, "\u2580", 3);
	bool lower = !strncmp(p, "\u2584", 3), both = !strncmp(p, "\u2588", 3);

	assert_true(blank || upper || lower || both);
	dark[y][x] = upper || both;
	dark[y + 1][x] = lower || both;
	return p + (blank ? 1 : 3);
}

/* How many modules a line has. */
static unsigned read_all(const struct buf *out)
{
	const char *p = (const char *)buf_head(out), *end = p + out->len;
	unsigned y = 0, width = 0;

	for (; p < end; y += 2) {
		unsigned x = 0;
		assert_memory_equal(p, "\033[30;47m", 8);
		for (p += 8; *p != '\033'; x++)
			p = read_block(p, x, y);
		assert_memory_equal(p, "\033[0m\n", 5);
		p += 5;
		assert_true(!width || x == width);
		width = x;
	}
	assert_in_range(y, width, width + 1);
	return width;
}

static void assert_finder(unsigned left, unsigned top)
{
	for (unsigned y = 0; y < FINDER; y++)
		for (unsigned x = 0; x < FINDER; x++) {
			bool ring = x == 0 || y == 0 || x == FINDER - 1 ||
			            y == FINDER - 1;
			bool heart = x > 1 && x < 5 && y > 1 && y < 5;
			assert_int_equal(dark[top + y][left + x],
			                 ring || heart);
		}
}

static void a_code_is_drawn(void **state)
{
	struct buf out;

	buf_init(&out, 1 << 18);
	int err = qr_print(TEXT, 80, &out);
	if (err == -EOPNOTSUPP) { /* a build without */
		buf_finish(&out);
		return;
	}
	assert_int_equal(err, 0);
	unsigned width = read_all(&out);
	assert_finder(QUIET, QUIET);
	assert_finder(width - QUIET - FINDER, QUIET);
	assert_finder(QUIET, width - QUIET - FINDER);
	buf_finish(&out);
}

static void its_rows_are_told(void **state)
{
	struct buf out;

	buf_init(&out, 1 << 18);
	int err = qr_rows(TEXT, &out);
	if (err == -EOPNOTSUPP) { /* a build without */
		buf_finish(&out);
		return;
	}
	assert_int_equal(err, 0);
	const char *text = (const char *)buf_head(&out);
	unsigned width = (unsigned)strcspn(text, "\n");
	assert_int_equal(out.len, width * (width + 1));
	for (unsigned y = 0; y < width; y++, text += width + 1) {
		assert_int_equal(text[width], '\n');
		for (unsigned x = 0; x < width; x++)
			dark[y][x] = text[x] == '1';
	}
	assert_finder(0, 0);
	assert_finder(width - FINDER, 0);
	assert_finder(0, width - FINDER);
	buf_finish(&out);
}

static void a_narrow_terminal_has_none(void **state)
{
	struct buf out;

	buf_init(&out, 1 << 18);
	assert_int_not_equal(qr_print(TEXT, 20, &out), 0);
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_drawn),
		cmocka_unit_test(its_rows_are_told),
		cmocka_unit_test(a_narrow_terminal_has_none),
	};

	return cmocka_run_group_tests_name("pair/qr", tests, NULL, NULL);
}

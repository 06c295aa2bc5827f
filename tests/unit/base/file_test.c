/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: files read and put whole: modes, links, limits, what is refused, and that
 * nothing is left beside them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char dir[32];
	char path[64], other[64];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/file_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/one", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	unlink(p->other);
	int err = rmdir(p->dir); /* which fails when something is left */
	free(p);
	return err;
}

static int write_text(const char *path, const char *text, mode_t mode)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(buf_put(&b, text, strlen(text)), 0);
	int err = file_write(path, &b, mode);
	buf_finish(&b);
	return err;
}

static int create_text(const char *path, const char *text, mode_t mode)
{
	return file_create(path, (const uint8_t *)text, strlen(text), mode);
}

static void assert_holds(const char *path, const char *text, mode_t mode)
{
	struct buf b;
	struct stat st;

	buf_init(&b, 4096);
	assert_int_equal(file_read(path, &b), 0);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(buf_head(&b), text, b.len);
	buf_finish(&b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void what_is_written_takes_the_place_and_keeps_the_mode(void **state)
{
	const struct place *p = *state;

	assert_int_equal(write_text(p->path, "first", 0640), 0);
	assert_holds(p->path, "first", 0640);
	assert_int_equal(write_text(p->path, "second", 0600), 0);
	assert_holds(p->path, "second", 0640);
}

static void a_link_stays_one(void **state)
{
	const struct place *p = *state;
	struct stat st;

	assert_int_equal(write_text(p->other, "far", 0644), 0);
	assert_int_equal(symlink(p->other, p->path), 0);
	assert_int_equal(write_text(p->path, "new", 0600), 0);
	assert_holds(p->other, "new", 0644);
	assert_int_equal(lstat(p->path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void what_is_created_takes_nobodys_place(void **state)
{
	const struct place *p = *state;

	assert_int_equal(create_text(p->path, "mine", 0600), 0);
	assert_holds(p->path, "mine", 0600);
	assert_int_equal(create_text(p->path, "yours", 0644), -EEXIST);
	assert_holds(p->path, "mine", 0600);
	assert_int_equal(symlink("nowhere", p->other), 0);
	assert_int_equal(create_text(p->other, "x", 0600), -EEXIST);
}

static void what_is_too_large_or_not_there_is_told(void **state)
{
	const struct place *p = *state;
	struct buf b;
	char nowhere[96];

	assert_int_equal(write_text(p->path, "12345", 0600), 0);
	buf_init(&b, 4);
	assert_int_equal(file_read(p->path, &b), -EFBIG);
	assert_int_equal(file_read(p->other, &b), -ENOENT);
	buf_finish(&b);
	snprintf(nowhere, sizeof(nowhere), "%s/none/file", p->dir);
	assert_int_equal(write_text(nowhere, "x", 0600), -ENOENT);
	assert_int_equal(create_text(nowhere, "x", 0600), -ENOENT);
	assert_int_equal(file_remove(p->path), 0);
	assert_int_equal(file_remove(p->path), -ENOENT);
}

static void directories_are_made_down_to_the_last(void **state)
{
	const struct place *p = *state;
	char deep[96];
	struct stat st;

	snprintf(deep, sizeof(deep), "%s/a/b", p->dir);
	assert_int_equal(file_make_dirs(deep, 0700), 0);
	assert_int_equal(file_make_dirs(deep, 0700), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rmdir(deep), 0);
	*strrchr(deep, '/') = 0;
	assert_int_equal(rmdir(deep), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(what_is_written_takes_the_place_and_keeps_the_mode),
		IN_PLACE(a_link_stays_one),
		IN_PLACE(what_is_created_takes_nobodys_place),
		IN_PLACE(what_is_too_large_or_not_there_is_told),
		IN_PLACE(directories_are_made_down_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

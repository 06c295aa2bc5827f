/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the journal's file in a folder of its own; no privilege is needed.
 */
#include "agg/kernel/mptcp_store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
	char name[32], path[64];
};

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->name, "/tmp/aggd-store-XXXXXX");
	assert_non_null(mkdtemp(f->name));
	snprintf(f->path, sizeof(f->path), "%s/journal", f->name);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	unlink(f->path);
	rmdir(f->name); /* fails where something else is left: seen below */
	int left = !access(f->name, F_OK);
	free(f);
	return left;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void what_is_saved_is_loaded(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j = { .subflows = { true, 2, 8 } }, back;
	struct stat st;

	assert_int_equal(mptcp_store_place(&j), 0);
	assert_true(strlen(j.boot) > 30 && j.netns_inode);
	assert_int_equal(mptcp_store_load(f->path, &back), -ENOENT);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mptcp_store_load(f->path, &back), 0);
	assert_true(mptcp_journal_same_place(&j, &back));
	assert_int_equal(back.subflows.set, 8);
	j.subflows.set = 7;
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(mptcp_store_load(f->path, &back), 0);
	assert_int_equal(back.subflows.set, 7);
}

static void what_is_there_is_not_written_again(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j = { .subflows = { true, 2, 8 } };
	struct stat first, then;

	assert_int_equal(mptcp_store_place(&j), 0);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(stat(f->path, &first), 0);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(stat(f->path, &then), 0);
	assert_int_equal(first.st_ino, then.st_ino);
	j.subflows.set = 7;
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(stat(f->path, &then), 0);
	assert_int_not_equal(first.st_ino, then.st_ino);
	unlink(f->path); /* somebody else's doing is put right */
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void an_old_place_is_left(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j = { .subflows = { true, 2, 8 } }, back;
	char old[64];

	snprintf(old, sizeof(old), "%s/old", f->name);
	assert_int_equal(mptcp_store_adopt(f->path, old), -ENOENT);
	assert_int_equal(mptcp_store_place(&j), 0);
	assert_int_equal(mptcp_store_save(old, &j), 0);
	assert_int_equal(mptcp_store_adopt(f->path, old), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(mptcp_store_load(f->path, &back), 0);
	assert_int_equal(back.subflows.set, 8);
	j.subflows.set = 7; /* one that came late says nothing */
	assert_int_equal(mptcp_store_save(old, &j), 0);
	assert_int_equal(mptcp_store_adopt(f->path, old), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(mptcp_store_load(f->path, &back), 0);
	assert_int_equal(back.subflows.set, 8);
	unlink(f->path);
	write_text(old, "garbage");
	assert_int_equal(mptcp_store_adopt(f->path, old), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void nothing_of_ours_is_no_file(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j = { .subflows = { true, 2, 8 } };

	assert_int_equal(mptcp_store_place(&j), 0);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	j.subflows.held = false;
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
}

static void garbage_is_told(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j;

	write_text(f->path, "");
	assert_int_equal(mptcp_store_load(f->path, &j), -EBADMSG);
	write_text(f->path, "aggd-mptcp 1\nboot b\nnetns 1 0\nsubfl");
	assert_int_equal(mptcp_store_load(f->path, &j), -EBADMSG);
	assert_int_equal(truncate(f->path, 1 << 30), 0); /* with a hole */
	assert_int_equal(mptcp_store_load(f->path, &j), -EBADMSG);
	unlink(f->path);
	assert_int_equal(symlink("/etc/passwd", f->path), 0);
	assert_int_equal(mptcp_store_load(f->path, &j), -EBADMSG);
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(mptcp_store_load(f->path, &j), -EBADMSG);
	assert_int_equal(mptcp_store_load(f->name, &j), -EBADMSG);
}

static void a_link_is_replaced_not_followed(void **state)
{
	const struct folder *f = *state;
	struct mptcp_journal j = { .subflows = { true, 2, 8 } };
	char fresh[80];
	struct stat st;

	snprintf(fresh, sizeof(fresh), "%s.new", f->path);
	assert_int_equal(symlink("/nonexistent/target", fresh), 0);
	assert_int_equal(mptcp_store_place(&j), 0);
	assert_int_equal(mptcp_store_save(f->path, &j), 0);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(mptcp_store_save("/nonexistent/journal", &j), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(what_is_there_is_not_written_again,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_old_place_is_left, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(nothing_of_ours_is_no_file, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_is_replaced_not_followed,
		                                set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's settings as files in a folder of ours, of each kind of
 * kernel.
 */
#include "agg/kernel/mptcp_sched.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const files[] = { "available_schedulers", "scheduler",
                                     "mptcp_scheduler" };

static int set_up(void **state)
{
	char *folder = strdup("/tmp/aggd-sched-XXXXXX");

	assert_non_null(mkdtemp(folder));
	*state = folder;
	return 0;
}

static const char *path_of(char buf[128], const char *folder, const char *file)
{
	snprintf(buf, 128, "%s/%s", folder, file);
	return buf;
}

static int tear_down(void **state)
{
	char path[128];

	for (int i = 0; i < 3; i++)
		unlink(path_of(path, *state, files[i]));
	int rc = rmdir(*state);
	free(*state);
	return rc;
}

static void put(const char *folder, const char *file, const char *text)
{
	char path[128];
	FILE *f = fopen(path_of(path, folder, file), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void linux_lists_and_takes(void **state)
{
	char list[MPTCP_SCHED_LIST_MAX], name[MPTCP_SCHED_NAME_MAX];

	put(*state, "available_schedulers", "default burst\n");
	put(*state, "scheduler", "default\n");
	assert_int_equal(mptcp_sched_available(*state, list, sizeof(list)), 0);
	assert_string_equal(list, "default burst");
	assert_int_equal(mptcp_sched_current(*state, name), 0);
	assert_string_equal(name, "default");
	assert_int_equal(mptcp_sched_set(*state, "burst"), 0);
	assert_int_equal(mptcp_sched_current(*state, name), 0);
	assert_string_equal(name, "burst");
}

static void a_kernel_without_a_list_tells_what_runs(void **state)
{
	char list[MPTCP_SCHED_LIST_MAX], name[MPTCP_SCHED_NAME_MAX];

	put(*state, "mptcp_scheduler", "blest\n");
	assert_int_equal(mptcp_sched_available(*state, list, sizeof(list)), 0);
	assert_string_equal(list, "blest");
	assert_int_equal(mptcp_sched_set(*state, "redundant"), 0);
	assert_int_equal(mptcp_sched_current(*state, name), 0);
	assert_string_equal(name, "redundant");
}

static void an_old_kernel_has_none(void **state)
{
	char list[MPTCP_SCHED_LIST_MAX], name[MPTCP_SCHED_NAME_MAX];

	assert_int_equal(mptcp_sched_available(*state, list, sizeof(list)),
	                 -ENOENT);
	assert_int_equal(mptcp_sched_current(*state, name), -ENOENT);
	assert_int_equal(mptcp_sched_set(*state, "default"), -ENOENT);
}

static void only_names_are_names(void **state)
{
	char name[MPTCP_SCHED_NAME_MAX];

	put(*state, "scheduler", "default\n");
	assert_int_equal(mptcp_sched_set(*state, ""), -EINVAL);
	assert_int_equal(mptcp_sched_set(*state, "a b"), -EINVAL);
	assert_int_equal(mptcp_sched_set(*state, "sixteen_letters_"), -EINVAL);
	assert_int_equal(mptcp_sched_current(*state, name), 0);
	assert_string_equal(name, "default");
	put(*state, "scheduler", "%s\n");
	assert_int_equal(mptcp_sched_current(*state, name), -EBADMSG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(linux_lists_and_takes),
		TEST(a_kernel_without_a_list_tells_what_runs),
		TEST(an_old_kernel_has_none),
		TEST(only_names_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

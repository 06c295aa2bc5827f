/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's settings as files in a folder of ours: what is in MPTCP's
 * way is said in words.
 */
#include "agg/kernel/mptcp_sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const files[] = { "enabled", "pm_type",
                                     "allow_join_initial_addr_port" };
#define FILES_COUNT 3

static int set_up(void **state)
{
	char *folder = strdup("/tmp/aggd-sysctl-XXXXXX");

	assert_non_null(mkdtemp(folder));
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	char path[128];

	for (int i = 0; i < FILES_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", (char *)*state, files[i]);
		unlink(path);
	}
	int rc = rmdir(*state);
	free(*state);
	return rc;
}

static void put(const char *folder, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void numbers_are_read_or_absent(void **state)
{
	char text[8];

	put(*state, "enabled", "1\n");
	assert_int_equal(mptcp_sysctl_number(*state, "enabled", 7), 1);
	assert_int_equal(mptcp_sysctl_number(*state, "pm_type", 7), 7);
	put(*state, "pm_type", "many\n");
	assert_int_equal(mptcp_sysctl_number(*state, "pm_type", 7), 7);
	put(*state, "pm_type", "\n");
	assert_int_equal(mptcp_sysctl_number(*state, "pm_type", 7), 7);
	assert_int_equal(mptcp_sysctl_read(*state, "nosuch", text, sizeof(text)),
	                 -ENOENT);
	put(*state, "pm_type", "longer than its room\n");
	assert_int_equal(mptcp_sysctl_read(*state, "pm_type", text,
	                                   sizeof(text)), 0);
	assert_string_equal(text, "longer ");
}

static void obstacles_are_named(void **state)
{
	char words[MPTCP_SYSCTL_WORDS_MAX];

	assert_true(mptcp_sysctl_obstacle(*state, false, words));
	assert_non_null(strstr(words, "no MPTCP"));
	put(*state, "enabled", "0\n");
	assert_true(mptcp_sysctl_obstacle(*state, false, words));
	assert_non_null(strstr(words, "net.mptcp.enabled"));
	put(*state, "enabled", "1\n");
	assert_false(mptcp_sysctl_obstacle(*state, true, words));
	assert_string_equal(words, "");
	put(*state, "allow_join_initial_addr_port", "0\n");
	assert_false(mptcp_sysctl_obstacle(*state, false, words));
	assert_true(mptcp_sysctl_obstacle(*state, true, words));
	assert_non_null(strstr(words, "allow_join_initial_addr_port"));
	put(*state, "pm_type", "1\n");
	assert_true(mptcp_sysctl_obstacle(*state, false, words));
	assert_non_null(strstr(words, "pm_type"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_are_read_or_absent, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(obstacles_are_named, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

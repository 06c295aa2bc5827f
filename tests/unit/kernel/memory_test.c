/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the machine's memory, and groups of which each may have a limit: played in a
 * folder.
 */
#include "agg/kernel/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024ull * 1024)

static const char *const made[] = {
	"self", "top", "top/ours", NULL
};
static const char *const files[] = {
	"self/cgroup", "memory.max", "top/memory.max", "top/ours/memory.max", NULL
};

static void path_of(char path[128], const char *root, const char *name)
{
	snprintf(path, 128, "%s/%s", root, name);
}

static int set_up(void **state)
{
	char *root = strdup("/tmp/aggd-memory-XXXXXX"), path[128];

	assert_non_null(mkdtemp(root));
	for (const char *const *name = made; *name; name++) {
		path_of(path, root, *name);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	*state = root;
	return 0;
}

static int tear_down(void **state)
{
	char *root = *state, path[128];

	for (const char *const *name = files; *name; name++) {
		path_of(path, root, *name);
		unlink(path);
	}
	for (unsigned i = 3; i--;) {
		path_of(path, root, made[i]);
		rmdir(path);
	}
	int left = rmdir(root);
	free(root);
	return left;
}

static void put(const char *root, const char *name, const char *text)
{
	char path[128];

	path_of(path, root, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void without_groups_it_is_the_machines(void **state)
{
	const char *root = *state;
	uint64_t machine = memory_there_is("/nowhere", "/nowhere");

	assert_true(machine > MIB && machine < UINT64_MAX);
	put(root, "self/cgroup", "4:memory:/top\n0::/top\n");
	put(root, "top/memory.max", "1048576\n");
	assert_int_equal(memory_there_is(root, root), machine);
	put(root, "self/cgroup", "0::/top/ours\n");
	put(root, "top/memory.max", "max\n");
	assert_int_equal(memory_there_is(root, root), machine);
}

static void the_least_of_all_groups_holds(void **state)
{
	const char *root = *state;

	put(root, "self/cgroup", "0::/top/ours\n");
	put(root, "top/ours/memory.max", "9437184\n");
	assert_int_equal(memory_there_is(root, root), 9 * MIB);
	put(root, "top/memory.max", "8388608\n");
	assert_int_equal(memory_there_is(root, root), 8 * MIB);
	put(root, "top/ours/memory.max", "max\n");
	assert_int_equal(memory_there_is(root, root), 8 * MIB);
	put(root, "memory.max", "7340032\n"); /* as a container sees its own */
	assert_int_equal(memory_there_is(root, root), 7 * MIB);
	put(root, "self/cgroup", "0::/\n");
	assert_int_equal(memory_there_is(root, root), 7 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_groups_it_is_the_machines,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_least_of_all_groups_holds, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests_name("kernel/memory", tests, NULL, NULL);
}

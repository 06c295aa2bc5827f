/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one owner at a time, in a folder of its own. Who comes second is
 * another process, as flock(2) is between open files.
 */
#include "agg/kernel/runlock.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
	char name[32], sub[48], path[64];
};

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->name, "/tmp/aggd-lock-XXXXXX");
	assert_non_null(mkdtemp(f->name));
	snprintf(f->sub, sizeof(f->sub), "%s/run", f->name);
	snprintf(f->path, sizeof(f->path), "%s/a.lock", f->sub);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	unlink(f->path);
	rmdir(f->sub);
	rmdir(f->name);
	int left = !access(f->name, F_OK);
	free(f);
	return left;
}

static void second_is_told_who_is_first(void **state)
{
	const struct folder *f = *state;
	struct runlock first = RUNLOCK_FREE, second = RUNLOCK_FREE;
	struct kerr err = { "" };
	char pid[32];

	assert_int_equal(runlock_take(&first, f->path, "/nowhere/aggd.conf", &err),
	                 0);
	assert_int_equal(runlock_take(&second, f->path, "other", &err), -EBUSY);
	snprintf(pid, sizeof(pid), "pid %ld with ", (long)getpid());
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, "/nowhere/aggd.conf"));
	runlock_drop(&second); /* not held: the first's stays */
	assert_int_equal(runlock_take(&second, f->path, "other", &err), -EBUSY);
	runlock_drop(&first);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(runlock_take(&second, f->path, "other", &err), 0);
	runlock_drop(&second);
}

static void what_a_killed_owner_left_keeps_nobody_out(void **state)
{
	const struct folder *f = *state;
	struct runlock lock = RUNLOCK_FREE;
	struct kerr err = { "" };
	int ends[2], status;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (!pid) {
		byte = runlock_take(&lock, f->path, "child", &err) == 0;
		_exit(write(ends[1], &byte, 1) != 1 || (pause(), 0));
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_int_equal(runlock_take(&lock, f->path, "me", &err), -EBUSY);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(runlock_take(&lock, f->path, "me", &err), 0);
	runlock_drop(&lock);
	close(ends[0]);
	close(ends[1]);
}

static void a_longer_owner_before_leaves_no_words(void **state)
{
	const struct folder *f = *state;
	struct runlock lock = RUNLOCK_FREE, second = RUNLOCK_FREE;
	struct kerr err = { "" };

	assert_int_equal(runlock_take(&lock, f->path, "/n/a", &err), 0);
	FILE *file = fopen(f->path, "w");
	assert_non_null(file);
	fputs("123456789 /somewhere/very/long/indeed", file);
	fclose(file);
	close(lock.fd); /* as if it had been killed */
	assert_int_equal(runlock_take(&lock, f->path, "/n/b", &err), 0);
	assert_int_equal(runlock_take(&second, f->path, "x", &err), -EBUSY);
	assert_null(strstr(err.text, "indeed"));
	assert_non_null(strstr(err.text, "/n/b"));
	runlock_drop(&lock);
}

/* Those of network namespaces that are gone would be there for ever. */
static void what_nobody_holds_is_swept(void **state)
{
	const struct folder *f = *state;
	struct runlock held = RUNLOCK_FREE, kept = RUNLOCK_FREE;
	struct runlock left = RUNLOCK_FREE;
	struct kerr err = { "" };
	char path[3][RUNLOCK_PATH_MAX];

	snprintf(path[0], sizeof(path[0]), "%s/gateway.1.lock", f->sub);
	snprintf(path[1], sizeof(path[1]), "%s/gateway.2.lock", f->sub);
	snprintf(path[2], sizeof(path[2]), "%s/gateway.2.arp", f->sub);
	assert_int_equal(runlock_take(&held, path[0], "/n/a", &err), 0);
	assert_int_equal(runlock_take(&left, path[1], "/n/b", &err), 0);
	assert_int_equal(runlock_take(&kept, path[2], "/n/c", &err), 0);
	close(left.fd); /* as if it had been killed */
	close(kept.fd);
	runlock_sweep(f->sub);
	assert_int_equal(access(path[0], F_OK), 0);
	assert_int_equal(access(path[1], F_OK), -1);
	assert_int_equal(access(path[2], F_OK), 0); /* is no lock of a role */
	assert_int_equal(runlock_take(&left, path[0], "x", &err), -EBUSY);
	runlock_drop(&held);
	unlink(path[2]);
	runlock_sweep("/nowhere/at/all");
}

static void path_has_role_and_namespace(void **state)
{
	char path[RUNLOCK_PATH_MAX];

	assert_int_equal(runlock_netns_path(path, sizeof(path), "gateway",
	                                    "lock"), 0);
	assert_memory_equal(path, "/run/aggd/gateway.", 18);
	assert_non_null(strstr(path, ".lock"));
	assert_int_equal(runlock_netns_path(path, 12, "gateway", "lock"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(second_is_told_who_is_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_killed_owner_left_keeps_nobody_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_longer_owner_before_leaves_no_words,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_nobody_holds_is_swept, set_up,
		                                tear_down),
		cmocka_unit_test(path_has_role_and_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

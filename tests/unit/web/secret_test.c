/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the secret as a file: made once, and refused where others may read it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/aggd-secret.XXXXXX", path[64];

static void put(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void it_is_made_once(void **state)
{
	char first[ACCESS_SECRET_LEN + 1], again[ACCESS_SECRET_LEN + 1];
	struct stat st;

	assert_int_equal(secret_load(dir, first), 0);
	assert_int_equal(strlen(first), ACCESS_SECRET_LEN);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(secret_load(dir, again), 0);
	assert_string_equal(first, again);
	unlink(path);
	assert_int_equal(secret_load(dir, again), 0);
	assert_string_not_equal(first, again);
	unlink(path);
}

static void what_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "", "short\n",
		"abcdefghijklmnopqrstuvwxyz01234!\n",
		"abcdefghijklmnopqrstuvwxyz0123456789\n" };
	char secret[ACCESS_SECRET_LEN + 1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i]);
		assert_int_equal(secret_load(dir, secret), -EBADMSG);
	}
	put("abcdefghijklmnopqrstuvwxyz012345\n");
	assert_int_equal(secret_load(dir, secret), 0);
	assert_string_equal(secret, "abcdefghijklmnopqrstuvwxyz012345");
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(secret_load(dir, secret), -EPERM);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(secret_load(dir, secret), -EBADMSG);
	rmdir(path);
	assert_int_equal(secret_load("/tmp/no/such", secret), -ENOENT);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/" SECRET_FILE, dir);
	return 0;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_once),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sysctl.h. Owns nothing.
 */
#include "agg/kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX 32

int sysctl_read(const char *folder, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, size - 1);
	int err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return 0;
}

int sysctl_write(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	size_t len = strlen(text);

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, len);
	int err = n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

long sysctl_number(const char *folder, const char *name, long absent)
{
	char text[NUMBER_MAX], *end;

	if (sysctl_read(folder, name, text, sizeof(text)))
		return absent;
	long value = strtol(text, &end, 10);
	return *text && !*end ? value : absent;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_sched.h. Owns nothing; the files are the kernel's.
 */
#include "agg/kernel/mptcp_sched.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "/proc/sys/net/mptcp"

/* In the order in which they are tried: Linux, then multipath-tcp.org. */
static const char *const files[] = { "scheduler", "mptcp_scheduler" };
#define FILES_COUNT (sizeof(files) / sizeof(files[0]))

static int open_file(const char *folder, const char *file, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : FOLDER, file);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The first line. */
static int read_file(const char *folder, const char *file, char *text,
                     size_t size)
{
	int fd = open_file(folder, file, O_RDONLY);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, text, size - 1);
	int err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return 0;
}

int mptcp_sched_current(const char *folder, char name[MPTCP_SCHED_NAME_MAX])
{
	int err = -ENOENT;

	for (size_t i = 0; i < FILES_COUNT && err == -ENOENT; i++)
		err = read_file(folder, files[i], name, MPTCP_SCHED_NAME_MAX);
	if (err || mptcp_journal_is_name(name))
		return err;
	*name = 0;
	return -EBADMSG;
}

int mptcp_sched_available(const char *folder, char *text, size_t size)
{
	int err = read_file(folder, "available_schedulers", text, size);

	if (err != -ENOENT || size < MPTCP_SCHED_NAME_MAX)
		return err;
	return mptcp_sched_current(folder, text);
}

int mptcp_sched_set(const char *folder, const char *name)
{
	int fd = -ENOENT, err = 0;

	if (!mptcp_journal_is_name(name))
		return -EINVAL;
	for (size_t i = 0; i < FILES_COUNT && fd == -ENOENT; i++)
		fd = open_file(folder, files[i], O_WRONLY | O_TRUNC);
	if (fd < 0)
		return fd;
	if (write(fd, name, strlen(name)) < 0)
		err = errno == ENOENT || errno == EINVAL ? -ESRCH : -errno;
	close(fd);
	return err;
}

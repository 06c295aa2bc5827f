/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_sched.h. Owns nothing; the files are the kernel's.
 */
#include "agg/kernel/mptcp_sched.h"
#include "agg/kernel/mptcp_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the order in which they are tried: Linux, then multipath-tcp.org. */
static const char *const files[] = { "scheduler", "mptcp_scheduler" };
#define FILES_COUNT (sizeof(files) / sizeof(files[0]))

static int open_file(const char *folder, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s",
	         folder ? folder : MPTCP_SYSCTL_FOLDER, file);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int mptcp_sched_current(const char *folder, char name[MPTCP_SCHED_NAME_MAX])
{
	int err = -ENOENT;

	for (size_t i = 0; i < FILES_COUNT && err == -ENOENT; i++)
		err = mptcp_sysctl_read(folder, files[i], name,
		                        MPTCP_SCHED_NAME_MAX);
	if (err || mptcp_journal_is_name(name))
		return err;
	*name = 0;
	return -EBADMSG;
}

int mptcp_sched_available(const char *folder, char *text, size_t size)
{
	int err = mptcp_sysctl_read(folder, "available_schedulers", text, size);

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
		fd = open_file(folder, files[i]);
	if (fd < 0)
		return fd;
	if (write(fd, name, strlen(name)) < 0)
		err = errno == ENOENT || errno == EINVAL ? -ESRCH : -errno;
	close(fd);
	return err;
}

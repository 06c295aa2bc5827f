/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_sysctl.h (Documentation/networking/mptcp-sysctl.rst). Owns
 * nothing; the files are the kernel's.
 */
#include "agg/kernel/mptcp_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX 32

int mptcp_sysctl_read(const char *folder, const char *name, char *text,
                      size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s",
	         folder ? folder : MPTCP_SYSCTL_FOLDER, name);
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

long mptcp_sysctl_number(const char *folder, const char *name, long absent)
{
	char text[NUMBER_MAX], *end;

	if (mptcp_sysctl_read(folder, name, text, sizeof(text)))
		return absent;
	long value = strtol(text, &end, 10);
	return *text && !*end ? value : absent;
}

bool mptcp_sysctl_obstacle(const char *folder, bool server,
                           char words[MPTCP_SYSCTL_WORDS_MAX])
{
	const char *what = "";

	if (mptcp_sysctl_number(folder, "enabled", -1) < 0)
		what = "this kernel has no MPTCP (Linux 5.6 and later may)";
	else if (!mptcp_sysctl_number(folder, "enabled", 1))
		what = "MPTCP is turned off: net.mptcp.enabled is 0";
	else if (mptcp_sysctl_number(folder, "pm_type", 0))
		what = "another program manages the paths: net.mptcp.pm_type is "
		       "not 0";
	else if (server && !mptcp_sysctl_number(
		 folder, "allow_join_initial_addr_port", 1))
		what = "net.mptcp.allow_join_initial_addr_port is 0: joins are "
		       "refused";
	snprintf(words, MPTCP_SYSCTL_WORDS_MAX, "%s", what);
	return *what;
}

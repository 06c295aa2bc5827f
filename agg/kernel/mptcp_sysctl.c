/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_sysctl.h (Documentation/networking/mptcp-sysctl.rst). Owns
 * nothing; the files are the kernel's.
 */
#include "agg/kernel/mptcp_sysctl.h"

#include "agg/kernel/sysctl.h"

#include <stdio.h>

static const char *folder_of(const char *folder)
{
	return folder ? folder : MPTCP_SYSCTL_FOLDER;
}

int mptcp_sysctl_read(const char *folder, const char *name, char *text,
                      size_t size)
{
	return sysctl_read(folder_of(folder), name, text, size);
}

long mptcp_sysctl_number(const char *folder, const char *name, long absent)
{
	return sysctl_number(folder_of(folder), name, absent);
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see memory.h; the kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
#include "agg/kernel/memory.h"

#include "agg/kernel/sysctl.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUP "0::" /* of the second version, /proc/self/cgroup has this line only */

static uint64_t of_machine(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);

	return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes
	                              : UINT64_MAX;
}

uint64_t memory_there_is(const char *proc, const char *groups)
{
	uint64_t least = of_machine();
	char line[PATH_MAX], folder[2 * PATH_MAX];

	if (sysctl_read(proc, "self/cgroup", line, sizeof(line)) ||
	    strncmp(line, GROUP, strlen(GROUP)))
		return least;
	/* Of the group and of all above it. */
	for (char *end = line + strlen(line); end; end = strrchr(line, '/')) {
		*end = 0;
		snprintf(folder, sizeof(folder), "%s%s", groups,
		         line + strlen(GROUP));
		long most = sysctl_number(folder, "memory.max", 0);
		if (most > 0 && (uint64_t)most < least)
			least = (uint64_t)most;
	}
	return least;
}

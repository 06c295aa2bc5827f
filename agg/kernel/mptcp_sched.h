/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's own packet scheduler of MPTCP: which there are, which runs,
 * another one. It holds for the connections that begin afterwards, in the
 * whole network namespace. mptcp_pm_set_scheduler() also undoes it.
 *
 * Linux has it since 6.6 (net.mptcp.scheduler), and only "default" unless BPF
 * brings others; available_schedulers came with 6.11. The kernels of
 * multipath-tcp.org have net.mptcp.mptcp_scheduler.
 */
#ifndef AGG_KERNEL_MPTCP_SCHED_H
#define AGG_KERNEL_MPTCP_SCHED_H

#include "agg/kernel/mptcp_journal.h"

#define MPTCP_SCHED_LIST_MAX 2048 /* bytes of all names, with the NUL */

/* folder: where the settings are, NULL for /proc/sys/net/mptcp. Each gives 0
 * or -errno: -ENOENT this kernel has no choice of schedulers. */

/* "default burst"; where a kernel does not tell, the one that runs. */
int mptcp_sched_available(const char *folder, char *text, size_t size);
int mptcp_sched_current(const char *folder, char name[MPTCP_SCHED_NAME_MAX]);
/* -EINVAL: not a name; -ESRCH: there is none of that name; -EPERM, -EACCES. */
int mptcp_sched_set(const char *folder, const char *name);

#endif

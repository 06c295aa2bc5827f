/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the network namespace's settings of MPTCP (net.mptcp.*), read. Only the
 * scheduler is ever set: mptcp_sched.
 */
#ifndef AGG_KERNEL_MPTCP_SYSCTL_H
#define AGG_KERNEL_MPTCP_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#define MPTCP_SYSCTL_FOLDER "/proc/sys/net/mptcp"
#define MPTCP_SYSCTL_WORDS_MAX 128 /* of an obstacle */

/* The first line of one setting. folder NULL: the kernel's. 0 or -errno;
 * -ENOENT: this kernel does not have it. */
int mptcp_sysctl_read(const char *folder, const char *name, char *text,
                      size_t size);
/* A number. absent where the kernel has no such setting. */
long mptcp_sysctl_number(const char *folder, const char *name, long absent);

/* Is there a setting, or no MPTCP at all, by which a connection would have no
 * joins or be plain TCP? Then words say it, for the one who can change it;
 * else "". server: of the side that accepts. A blackhole, for which a kernel
 * (6.12) turned MPTCP off for a time, is not told here: mptcpinfo_counters()
 * has syn_tx_disabled. */
bool mptcp_sysctl_obstacle(const char *folder, bool server,
                           char words[MPTCP_SYSCTL_WORDS_MAX]);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how much memory there is for us: the machine's, or what the control group
 * (a service, a container) is limited to, where that is less.
 */
#ifndef AGG_KERNEL_MEMORY_H
#define AGG_KERNEL_MEMORY_H

#include <stdint.h>

#define MEMORY_GROUPS "/sys/fs/cgroup"

/* Bytes; UINT64_MAX: not known. proc and groups are where those file systems are;
 * of control groups only the second version is read. */
uint64_t memory_there_is(const char *proc, const char *groups);

#endif

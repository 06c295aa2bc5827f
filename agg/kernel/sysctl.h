/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: reads and writes settings of the kernel, as files below /proc/sys and /sys.
 */
#ifndef AGG_KERNEL_SYSCTL_H
#define AGG_KERNEL_SYSCTL_H

#include <stddef.h>

#define SYSCTL_FOLDER "/proc/sys"

/* The first line of one setting. 0 or -errno; -ENOENT: this kernel does not
 * have it. */
int sysctl_read(const char *folder, const char *name, char *text, size_t size);
int sysctl_write(const char *folder, const char *name, const char *text);
/* A number. absent where there is none. */
long sysctl_number(const char *folder, const char *name, long absent);

#endif

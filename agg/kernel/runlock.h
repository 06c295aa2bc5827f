/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: that one daemon at a time owns what only one can: the rules, routes
 * and table of a network namespace, or a control socket. A file with the
 * owner's words in it and flock(2) on it: the kernel takes the lock off
 * when its owner dies, however that comes, and a file that was left says
 * nothing.
 */
#ifndef AGG_KERNEL_RUNLOCK_H
#define AGG_KERNEL_RUNLOCK_H

#include "agg/kernel/kerr.h"

#include <stddef.h>

#define RUNLOCK_DIRECTORY "/run/aggd"
#define RUNLOCK_PATH_MAX 128
#define RUNLOCK_SWEPT_MAX 256 /* files that are looked at in one go */
#define RUNLOCK_OWNER_MAX 384 /* bytes of "PID CONFIG" that are kept */

struct runlock {
	int fd; /* -1: not held */
	char path[RUNLOCK_PATH_MAX];
};

/* A lock that is not held. */
#define RUNLOCK_FREE { .fd = -1, .path = "" }

/* Takes the lock at path for the process, with its directory made if need be.
 * config is kept in the file, for who comes second. 0; -EBUSY: another process
 * has it, and err says who ("another aggd has it, pid 7 with /etc/config/aggd");
 * another -errno: the file could not be made. */
int runlock_take(struct runlock *lock, const char *path, const char *config,
                 struct kerr *err);
/* Removes the file, too. What is not held is fine. */
void runlock_drop(struct runlock *lock);

/* Removes the locks of roles in that directory that nobody holds, as those who
 * were killed left them. Who takes one meanwhile gets it. */
void runlock_sweep(const char *directory);

/* A file in RUNLOCK_DIRECTORY about what a role makes in this network
 * namespace, of a kind such as "lock": namespaces share /run, so the name has
 * the namespace's number. 0 or -errno. */
int runlock_netns_path(char *out, size_t size, const char *role,
                       const char *kind);

#endif

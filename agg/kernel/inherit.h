/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: listening sockets that go on to the next process of this program: so nobody
 * who connects meanwhile is refused. All descriptors of ours are closed by an exec
 * but those that shall go on: that is the mark by which the next one knows them.
 */
#ifndef AGG_KERNEL_INHERIT_H
#define AGG_KERNEL_INHERIT_H

#include "agg/base/addr.h"

#include <stdbool.h>

#define INHERIT_MAX 64u

/* This process's own: how many, and which. */
unsigned inherit_find(int fds[INHERIT_MAX]);
/* What it was started with: the one at that address (port 0: any) of that protocol, is
 * the caller's from now on. A descriptor, or -ENOENT. */
int inherit_take(const struct addr *at, int protocol, bool transparent);
/* Those that nobody took are closed. */
void inherit_close(void);

#endif

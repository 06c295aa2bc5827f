/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the process's privileges. aggd keeps three capabilities and gives up
 * the rest for good; its children, nft and at an update the next aggd, get no more.
 */
#ifndef AGG_KERNEL_CAPS_H
#define AGG_KERNEL_CAPS_H

#include "agg/kernel/kerr.h"

#include <stddef.h>

/* Keeps those of CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE that the
 * process has, drops all others, the bounding set too, and forbids to gain
 * any (no_new_privs). user NULL: the user stays; else the process becomes
 * that user, with its groups. Call once, before threads. What a capability
 * was needed for must not be needed later: files of other users are out of
 * reach afterwards. 0, -ENOENT (no such user) or -errno. */
int caps_drop(const char *user, struct kerr *err);

/* What of the three the process lacks, in words: "CAP_NET_ADMIN (routes,
 * TPROXY)", joined by ", ". Returns how many; 0 leaves "". */
unsigned caps_missing(char *text, size_t text_size);

#endif

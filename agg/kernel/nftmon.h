/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: watches nftables tables of family inet for changes by others: `nft flush
 * ruleset`, a firewall that starts, a person. Heard by the kernel's
 * notifications (NFNLGRP_NFTABLES), and looked at where they may have been
 * lost.
 */
#ifndef AGG_KERNEL_NFTMON_H
#define AGG_KERNEL_NFTMON_H

#include "agg/base/loop.h"
#include "agg/kernel/kerr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NFTMON_TABLE_MAX 31

struct nftmon;
/* Somebody else changed the table, or may have: see nftmon_differs. It must
 * not destroy the watcher. */
typedef void nftmon_fn(void *ctx);

/* open: another table, into whose sets others may put what they like; "": none.
 * NULL: errno; it wants CAP_NET_ADMIN. */
struct nftmon *nftmon_create(struct loop *loop, const char *table,
                             const char *open, nftmon_fn *on_change, void *ctx);
void nftmon_destroy(struct nftmon *mon);

/* What process pid does to the table is our doing, until nftmon_settle. (nft
 * lets the kernel name its socket, which takes the process' number.) */
void nftmon_expect(struct nftmon *mon, pid_t pid);
/* It is done: the tables' rules as they are now are those that shall be. */
void nftmon_settle(struct nftmon *mon);

/* Asks the kernel: are the rules other ones than they were at nftmon_settle?
 * False too where the kernel does not answer. */
bool nftmon_differs(struct nftmon *mon);

/* Is the message a notification of a change of that table, or, if it is one of a
 * set's elements, do those count? Pure; size is what is left of the buffer. */
struct nlmsghdr;
bool nftmon_touches(const struct nlmsghdr *msg, size_t size, const char *table,
                    bool elements);

#endif

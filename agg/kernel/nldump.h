/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: all that the kernel tells when it is asked for all of something (NLM_F_DUMP). Waits.
 */
#ifndef AGG_KERNEL_NLDUMP_H
#define AGG_KERNEL_NLDUMP_H

struct mnl_socket;
struct nlmsghdr;

/* A socket of its own on that bus (NETLINK_ROUTE ...), on which no word of the kernel is
 * awaited for longer. The caller's: mnl_socket_close(). NULL: errno says why. */
struct mnl_socket *nldump_open(int bus, unsigned timeout_ms);
/* Hands on each message of the answer, whole; a refusal (NLMSG_ERROR), too, as the last.
 * 0, or -errno: -ETIMEDOUT. */
typedef void nldump_fn(void *ctx, const struct nlmsghdr *msg);
int nldump_read(struct mnl_socket *socket, nldump_fn *fn, void *ctx);

#endif

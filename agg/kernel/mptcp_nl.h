/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: requests to the kernel's MPTCP path manager: one each, blocking for the
 * kernel's answer, which comes from its memory at once. mptcp_pm decides what
 * to ask.
 */
#ifndef AGG_KERNEL_MPTCP_NL_H
#define AGG_KERNEL_MPTCP_NL_H

#include "agg/kernel/kerr.h"
#include "agg/kernel/mptcp_msg.h"

/* An id is a byte, and 0 is the connection's own address. */
#define MPTCP_NL_ENDPOINTS_MAX 255

struct mptcp_nl; /* a socket, and what the kernel calls the family */

struct mptcp_nl_list {
	unsigned count;
	struct mptcp_msg_endpoint of[MPTCP_NL_ENDPOINTS_MAX];
};

/* NULL with errno, and words in err: ENOENT no MPTCP in this kernel. */
struct mptcp_nl *mptcp_nl_create(struct kerr *err);
void mptcp_nl_destroy(struct mptcp_nl *nl);

/* The multicast group of the events; 0: this kernel has none. */
uint32_t mptcp_nl_events_group(const struct mptcp_nl *nl);

/* Each: 0 or -errno; the kernel's own words are then in mptcp_nl_words(),
 * else "". Endpoints: port is not used. */
int mptcp_nl_list(struct mptcp_nl *nl, struct mptcp_nl_list *out);
int mptcp_nl_add(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e);
int mptcp_nl_remove(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e);
/* Gives the endpoint of that address the flag BACKUP, or takes it. */
int mptcp_nl_set_backup(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e);
int mptcp_nl_get_limits(struct mptcp_nl *nl, struct mptcp_msg_limits *out);
/* One of the two is left as it is: NULL. */
int mptcp_nl_set_limits(struct mptcp_nl *nl, const uint32_t *accepted,
                        const uint32_t *subflows);
const char *mptcp_nl_words(const struct mptcp_nl *nl);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the messages of the kernel's MPTCP path manager (generic netlink,
 * family "mptcp_pm") as structs: the parser behind mptcp_pm. Pure.
 */
#ifndef AGG_KERNEL_MPTCP_MSG_H
#define AGG_KERNEL_MPTCP_MSG_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPTCP_MSG_WORDS_MAX 96 /* of the kernel's own explanation */

enum mptcp_event_kind {
	MPTCP_EV_OTHER,   /* well-formed, and of no interest here */
	MPTCP_EV_CREATED, /* a connection, its first subflow on its way */
	MPTCP_EV_ESTABLISHED,     /* it may have more subflows now */
	MPTCP_EV_CLOSED,          /* only token is set */
	MPTCP_EV_ANNOUNCED,       /* the peer's ADD_ADDR: remote, remote_id */
	MPTCP_EV_REMOVED,         /* its REMOVE_ADDR: remote_id */
	MPTCP_EV_SUB_ESTABLISHED, /* a further subflow */
	MPTCP_EV_SUB_CLOSED,      /* and a join refused; not with CLOSED */
	MPTCP_EV_SUB_PRIORITY,    /* the peer changed backup */
	MPTCP_EV_OVERRUN, /* not of the kernel: events were lost, ask anew */
};

#define MPTCP_RESET_NONE (-1) /* of reset_reason: no MP_TCPRST came */

/* An event. What a kernel does not say is 0, and an address AF_UNSPEC. */
struct mptcp_event {
	enum mptcp_event_kind kind;
	uint32_t token;            /* names the connection on this host */
	struct addr local, remote; /* of the subflow, with ports */
	int ifindex;               /* that the subflow is bound to; 0: none */
	uint8_t local_id, remote_id;
	bool backup;               /* the peer's wish; of our own it is not told */
	bool server_side;          /* of CREATED and ESTABLISHED: we accepted */
	uint8_t error;             /* errno of the subflow; 0: none */
	int reset_reason;          /* RFC 8684, 3.6: 0..6; or RESET_NONE */
};

/* An endpoint as the kernel lists it. */
struct mptcp_msg_endpoint {
	struct addr addr; /* port 0: any */
	uint8_t id;
	uint32_t flags;   /* MPTCP_PM_ADDR_FLAG_... */
	int ifindex;
};

struct mptcp_msg_limits {
	uint32_t accepted; /* ADD_ADDRs that are followed */
	uint32_t subflows; /* beside the first */
};

/* What generic netlink says of a family. */
struct mptcp_msg_family {
	uint16_t id;
	uint32_t events_group; /* 0: this kernel has none (before 5.12) */
};

/* Each reads one message of size bytes: 0, or -EBADMSG where it is too short
 * or an attribute is not what it must be. */
int mptcp_msg_event(struct mptcp_event *out, const void *data, size_t size);
int mptcp_msg_endpoint(struct mptcp_msg_endpoint *out, const void *data,
                       size_t size);
int mptcp_msg_limits(struct mptcp_msg_limits *out, const void *data,
                     size_t size);
int mptcp_msg_family(struct mptcp_msg_family *out, const void *data,
                     size_t size);

/* An acknowledgement: 0, or the -errno that it carries, with the kernel's
 * words for it or "". */
int mptcp_msg_ack(const void *data, size_t size,
                  char words[MPTCP_MSG_WORDS_MAX]);

#endif

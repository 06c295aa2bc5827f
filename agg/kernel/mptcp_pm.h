/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's MPTCP path manager: from which of our addresses a
 * connection gets further subflows (endpoints), how many (limits), by which
 * scheduler, and what happens to them (events). All of it holds for the whole
 * network namespace, other programs' connections too.
 *
 * Nothing of others is touched: what we change is written into a journal
 * before it is changed, undone by mptcp_pm_cleanup(), and after a crash by the
 * next mptcp_pm_create() with the same journal. A setting that somebody
 * changed after us is left as that one wants it.
 *
 * An endpoint wants its ifindex: only then does a join leave by the uplink's
 * own table (rule `oif`), whatever the connection itself is bound to. Give the
 * endpoints before the connection begins, its own address too: one that is
 * added later joins, and of its own address that is a second subflow by the
 * same uplink. A connection joins when its first data was acknowledged, from
 * endpoints of its family, as many as the limits of both sides allow when it
 * begins. An endpoint is used once per connection: after its subflow has
 * closed, or was refused, the kernel tries again only if it is removed and
 * added. To remove it closes its subflows, the first one too.
 *
 * Linux 5.6 and later; events 5.12, the backup flag in place 5.12 (else the
 * endpoint is removed and added, which closes its subflows).
 */
#ifndef AGG_KERNEL_MPTCP_PM_H
#define AGG_KERNEL_MPTCP_PM_H

#include "agg/base/loop.h"
#include "agg/kernel/kerr.h"
#include "agg/kernel/mptcp_msg.h"

#define MPTCP_PM_ENDPOINTS_MAX 8 /* the kernel's (MPTCP_PM_ADDR_MAX) */
#define MPTCP_PM_SUBFLOWS_MAX 8  /* and of both limits */
#define MPTCP_PM_RECEIVE_BUFFER_BYTES (1 << 20)

struct mptcp_pm;

/* Called for every event of every MPTCP connection of the namespace, in the
 * kernel's order; MPTCP_EV_OVERRUN: some were lost. May call everything here
 * but mptcp_pm_destroy; the event is valid until it returns. */
typedef void mptcp_pm_fn(void *ctx, const struct mptcp_event *event);

struct mptcp_pm_endpoint {
	struct addr addr; /* of ours; port is not looked at */
	int ifindex;      /* of the device that it leaves by; 0: any */
	bool backup;      /* used while no other subflow works */
};

struct mptcp_pm_stats {
	uint64_t events;    /* that were told */
	uint64_t overruns;  /* times the kernel could not queue one */
	uint64_t malformed; /* messages that were not understood */
};

/* Undoes what an earlier run left (a journal that is garbage, or of another
 * boot or namespace, is ignored with a log line), then listens. The path is
 * copied; NULL: no journal, a crash leaves all as it is then. on_event may be
 * NULL. NULL: errno and words in err: ENOENT this kernel has no MPTCP path
 * manager, EPERM without CAP_NET_ADMIN. */
struct mptcp_pm *mptcp_pm_create(struct loop *loop, const char *journal_path,
                                 mptcp_pm_fn *on_event, void *ctx,
                                 struct kerr *err);
/* Leaves everything set: see mptcp_pm_cleanup(). */
void mptcp_pm_destroy(struct mptcp_pm *pm);

/* Makes our endpoints be exactly these (flag SUBFLOW). What differs in backup
 * only is changed in place; asking again for the same changes nothing. An
 * endpoint of that address that is not ours is left as it is, and counts as
 * there. 0 or -errno: -ENOSPC more than fit, -EINVAL not an address, -EPERM;
 * what was done before the error stays done, and ours. */
int mptcp_pm_set_endpoints(struct mptcp_pm *pm,
                           const struct mptcp_pm_endpoint *want,
                           unsigned count, struct kerr *err);

/* Raises the limit of subflows beside the first to at least that, and never
 * lowers it. -EINVAL: more than MPTCP_PM_SUBFLOWS_MAX. */
int mptcp_pm_raise_limits(struct mptcp_pm *pm, unsigned subflows,
                          struct kerr *err);
/* How many of a peer's ADD_ADDRs a connection follows; 0: none. */
int mptcp_pm_set_accepted_addresses(struct mptcp_pm *pm, unsigned accepted,
                                    struct kerr *err);
/* For later connections. -ESRCH: no scheduler of that name; -ENOENT: no
 * choice in this kernel. */
int mptcp_pm_set_scheduler(struct mptcp_pm *pm, const char *name,
                           struct kerr *err);

/* The limits as they are now. */
int mptcp_pm_limits(struct mptcp_pm *pm, struct mptcp_msg_limits *out,
                    struct kerr *err);

/* Removes our endpoints, restores what is still as we set it, and removes the
 * journal. After an error the journal stays for the next start. */
int mptcp_pm_cleanup(struct mptcp_pm *pm, struct kerr *err);

struct mptcp_pm_stats mptcp_pm_stats(const struct mptcp_pm *pm);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what mptcp_pm.c and mptcp_pm_endpoints.c share. Included by nobody else.
 */
#ifndef AGG_KERNEL_MPTCP_PM_IMPL_H
#define AGG_KERNEL_MPTCP_PM_IMPL_H

#include "agg/kernel/mptcp_journal.h"
#include "agg/kernel/mptcp_nl.h"
#include "agg/kernel/mptcp_pm.h"
#include "agg/kernel/nlhear.h"

struct mptcp_pm {
	struct loop *loop; /* borrowed */
	struct mptcp_nl *nl;
	struct nlhear events;
	struct loop_io *io;
	char *path; /* of the journal, or NULL */
	struct mptcp_journal ours;
	struct mptcp_pm_stats stats;
	mptcp_pm_fn *on_event;
	void *ctx;
};

/* The error with what was done, and the kernel's words where it has some. */
int mptcp_pm_refuse(struct mptcp_pm *pm, int rc, struct kerr *err,
                    const char *what);
/* The journal. 0 or -errno. */
int mptcp_pm_save(struct mptcp_pm *pm);
int mptcp_pm_save_or_refuse(struct mptcp_pm *pm, struct kerr *err);

/* mptcp_pm_endpoints.c */
/* Removes those of ours that are there and not wanted, as far as it goes. 0 or
 * -errno. */
int mptcp_pm_remove_unwanted(struct mptcp_pm *pm,
                             const struct mptcp_nl_list *list,
                             const struct mptcp_pm_endpoint *want,
                             unsigned count);

#endif

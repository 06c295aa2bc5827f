/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's MPTCP as either role finds it on its host: whether it can be
 * used, the path manager with its journal in /run, the packet scheduler, and
 * what the kernel has counted since.
 */
#ifndef AGG_ROLE_MPTCP_MPTCP_HOST_H
#define AGG_ROLE_MPTCP_MPTCP_HOST_H

#include "agg/conf/conf.h"
#include "agg/kernel/mptcp_pm.h"
#include "agg/kernel/mptcpinfo.h"
#include "agg/report/report.h"

struct mptcp_host {
	struct mptcp_pm *pm;   /* NULL: it cannot be used */
	char obstacle[KERR_TEXT_MAX]; /* and why; "" */
	struct mptcpinfo_counters first; /* the kernel's, as we began */
	bool rests;            /* nothing is undone at the end: it is another's */
};

/* Undoes what a crash left. on_event may be NULL. A host without MPTCP is no
 * error: see obstacle. */
void mptcp_host_open(struct mptcp_host *host, struct loop *loop,
                     const struct conf_main *main, mptcp_pm_fn *on_event,
                     void *ctx);
/* Endpoints, limits and scheduler are as they were. */
void mptcp_host_close(struct mptcp_host *host);
/* Where the carrier is mptcp: the kernel's scheduler of the configured name, if
 * it has one. */
void mptcp_host_set_scheduler(struct mptcp_host *host,
                              const struct conf_main *main);
/* The scheduler that runs, and the counters. */
void mptcp_host_report(const struct mptcp_host *host, struct report_session *out);

#endif

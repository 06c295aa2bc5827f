/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_host.h. Owns the path manager.
 */
#include "agg/role/mptcp_host.h"

#include "agg/base/log.h"
#include "agg/kernel/mptcp_sched.h"
#include "agg/kernel/mptcp_sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL "/mptcp.journal" /* in the state directory */

void mptcp_host_open(struct mptcp_host *host, struct loop *loop,
                     const struct conf_main *main, mptcp_pm_fn *on_event,
                     void *ctx)
{
	bool server = main->role == CONF_ROLE_CONCENTRATOR;
	char journal[CONF_PATH_MAX + sizeof(JOURNAL)];
	struct kerr err = { "" };

	*host = (struct mptcp_host){ .pm = NULL };
	mptcpinfo_counters(NULL, &host->first);
	snprintf(journal, sizeof(journal), "%s" JOURNAL, main->state);
	if (!mptcp_sysctl_obstacle(NULL, server, host->obstacle) &&
	    !mptcpinfo_is_told())
		snprintf(host->obstacle, sizeof(host->obstacle), "this kernel does "
		         "not tell of MPTCP connections (Linux 5.16 does)");
	if (*host->obstacle)
		return;
	host->pm = mptcp_pm_create(loop, journal, on_event, ctx, &err);
	if (!host->pm)
		snprintf(host->obstacle, sizeof(host->obstacle), "%s", err.text);
}

void mptcp_host_close(struct mptcp_host *host)
{
	struct kerr err = { "" };

	if (host->pm && mptcp_pm_cleanup(host->pm, &err) < 0)
		log_sys("mptcp: %s", err.text);
	mptcp_pm_destroy(host->pm);
	host->pm = NULL;
}

void mptcp_host_set_scheduler(struct mptcp_host *host,
                              const struct conf_main *main)
{
	struct kerr err = { "" };

	if (!host->pm || main->carrier != CONF_CARRIER_MPTCP)
		return;
	int done = mptcp_pm_set_scheduler(host->pm, main->scheduler, &err);
	if (done < 0 && done != -ESRCH && done != -ENOENT)
		log_sys("mptcp: %s", err.text);
}

static uint64_t fallbacks(const struct mptcpinfo_counters *c)
{
	return c->fallback_synack + c->fallback_ack + c->fallback_data +
	       c->fallback_dss;
}

static uint64_t refused(const struct mptcpinfo_counters *c)
{
	return c->join_rejected + c->join_no_token + c->join_synack_hmac +
	       c->join_ack_hmac;
}

static uint64_t checksum_errors(const struct mptcpinfo_counters *c)
{
	return c->checksum_error + c->dss_corruption_fallback +
	       c->dss_corruption_reset;
}

void mptcp_host_report(const struct mptcp_host *host, struct report_session *out)
{
	const struct mptcpinfo_counters *since = &host->first;
	char name[MPTCP_SCHED_NAME_MAX] = "unknown";
	struct mptcpinfo_counters now;

	mptcp_sched_current(NULL, name);
	snprintf(out->kernel_scheduler, sizeof(out->kernel_scheduler), "%s", name);
	if (mptcpinfo_counters(NULL, &now) < 0)
		return;
	out->mptcp = (struct report_mptcp){
		.fallbacks = fallbacks(&now) - fallbacks(since),
		.joins = now.join_syn_tx - since->join_syn_tx,
		.joined = now.join_synack_rx - since->join_synack_rx,
		.joins_refused = refused(&now) - refused(since),
		.checksum_errors = checksum_errors(&now) - checksum_errors(since),
		.blackholes = now.blackhole - since->blackhole,
	};
}

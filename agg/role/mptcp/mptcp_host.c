/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_host.h. Owns the path manager.
 */
#include "agg/role/mptcp/mptcp_host.h"

#include "agg/base/log.h"
#include "agg/kernel/mptcp_sched.h"
#include "agg/kernel/mptcp_store.h"
#include "agg/kernel/mptcp_sysctl.h"
#include "agg/kernel/runlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OLD_JOURNAL "/mptcp.journal" /* in the state directory, once */
#define RUN_MODE 0755

/* It is for this boot only, and written often: not for a router's flash. What
 * an earlier version left in the state directory is taken over. */
static int place_journal(char out[RUNLOCK_PATH_MAX], const char *role,
                         const char *state)
{
	char old[CONF_PATH_MAX + sizeof(OLD_JOURNAL)];
	int err = runlock_netns_path(out, RUNLOCK_PATH_MAX, role, "mptcp");

	if (err < 0)
		return err;
	if (mkdir(RUNLOCK_DIRECTORY, RUN_MODE) < 0 && errno != EEXIST)
		return -errno;
	snprintf(old, sizeof(old), "%s" OLD_JOURNAL, state);
	err = mptcp_store_adopt(out, old);
	if (err < 0 && err != -ENOENT)
		log_sys("mptcp: the journal %s, which is now %s: %s", old, out,
		        strerror(-err));
	return 0;
}

void mptcp_host_open(struct mptcp_host *host, struct loop *loop,
                     const struct conf_main *main, mptcp_pm_fn *on_event,
                     void *ctx)
{
	bool server = main->role == CONF_ROLE_CONCENTRATOR;
	char journal[RUNLOCK_PATH_MAX];
	struct kerr err = { "" };

	*host = (struct mptcp_host){ .pm = NULL };
	mptcpinfo_counters(NULL, &host->first);
	if (!mptcp_sysctl_obstacle(NULL, server, host->obstacle) &&
	    !mptcpinfo_is_told())
		snprintf(host->obstacle, sizeof(host->obstacle), "this kernel does "
		         "not tell of MPTCP connections (Linux 5.16 does)");
	if (*host->obstacle)
		return;
	int rc = place_journal(journal, server ? "concentrator" : "gateway",
	                       main->state);
	if (rc < 0) {
		snprintf(host->obstacle, sizeof(host->obstacle),
		         "no journal in " RUNLOCK_DIRECTORY ": %s", strerror(-rc));
		return;
	}
	host->pm = mptcp_pm_create(loop, journal, on_event, ctx, &err);
	if (!host->pm)
		snprintf(host->obstacle, sizeof(host->obstacle), "%s", err.text);
}

void mptcp_host_close(struct mptcp_host *host)
{
	struct kerr err = { "" };

	if (host->pm && !host->rests && mptcp_pm_cleanup(host->pm, &err) < 0)
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

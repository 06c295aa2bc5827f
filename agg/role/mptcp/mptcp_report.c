/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the gateway's MPTCP shows of itself (mptcp.h). Reads only.
 */
#include "agg/role/mptcp/mptcp_impl.h"

#include <stdio.h>

static const char *state_of(const struct mptcp *m, const struct mptcp_uplink *u,
                            const struct join *join)
{
	if (!m->host.pm || !m->peer_has || !mptcp_is_wanted(m))
		return "";
	if (mptcp_is_metered(u))
		return "not used, as it could not spare a metered uplink";
	if (u->family < 0)
		return "not used, as the uplink has no address of a family that "
		       "the concentrator has";
	if (mptcp_is_stripped(u))
		return u->dropped ? "what carries the option is dropped"
		                  : "the option is stripped";
	if (join->bundles)
		return "joined";
	if (join->stalled)
		return "silent";
	return u->in_vain ? "its joins come to nothing; something on the way may "
	                    "drop them" : "not joined";
}

void mptcp_report_uplink(const struct mptcp *m, unsigned index,
                         struct report_uplink *out)
{
	const struct mptcp_uplink *u = &m->uplinks[index];
	const struct join *join = &m->joins.uplinks[index];

	snprintf(out->mptcp, sizeof(out->mptcp), "%s", state_of(m, u, join));
	if (!*out->mptcp)
		return;
	out->mptcp_alive = (unsigned)__builtin_popcount(join->bundles);
	out->mptcp_total = u->family < 0 ? 0 : pool_wanted(m->pools[u->family]);
	out->mptcp_srtt_us = join->srtt_us;
	out->mptcp_rate_bps = join->rate_bps;
	out->mptcp_down_bytes = join->rx_bytes;
	out->mptcp_up_bytes = join->tx_bytes;
	out->down_bytes += join->rx_bytes;
	out->up_bytes += join->tx_bytes;
}

static const char *name_of(const struct mptcp *m, const struct addr *local)
{
	int i = joins_uplink(m->address, local);

	return i < 0 ? "" : m->uplinks[i].name;
}

static void report_bundle(const struct mptcp *m, const struct snapshot *snap,
                          int f, unsigned b, struct report *out)
{
	const struct subflow *sf = pool_bundle(m->pools[f], b);
	struct mptcpinfo info;

	if (!sf || subflow_mptcp(sf, &info) < 0)
		return;
	for (unsigned i = 0; i < info.count; i++) {
		struct report_subflow *rs = report_add_subflow(out);
		if (!rs)
			return;
		snapshot_mptcp(snap, &info, i, rs);
		rs->bundle = b;
		snprintf(rs->uplink, sizeof(rs->uplink), "%s",
		         name_of(m, &info.subflows[i].local));
	}
}

void mptcp_report(const struct mptcp *m, const struct snapshot *snap,
                  struct report_session *rs, struct report *out)
{
	if (!mptcp_is_active(m))
		return;
	mptcp_host_report(&m->host, rs);
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		for (unsigned b = 0; b < WIRE_BUNDLES_MAX; b++)
			report_bundle(m, snap, f, b, out);
}

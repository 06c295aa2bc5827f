/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a site shows of itself (site.h). Reads only.
 */
#include "agg/role/site.h"
#include "agg/role/site_tunnel.h"

#include <stdio.h>
#include <string.h>

#include <utlist.h>

static void report_paths(const struct site *site, struct snapshot *snap,
                         struct report *out, struct report_site *rs)
{
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		const struct member *m, *found = NULL;
		struct report_uplink *ru;
		struct addr local;

		snap->uplink_of_path[p] = -1;
		DL_FOREACH(site->members, m)
			if (m->path == p)
				found = m;
		if (!found || !(ru = report_add_uplink(out)))
			continue;
		snprintf(ru->site, sizeof(ru->site), "%.*s", REPORT_NAME_MAX,
		         site->conf.name);
		ru->state = REPORT_PATH_UP;
		addr_format(subflow_peer(found->sf), ru->address);
		subflow_local(found->sf, &local);
		addr_format(&local, ru->endpoint);
		snapshot_path(snap, p, ru);
		ru->subflows_total = ru->subflows_alive;
		snap->uplink_of_path[p] = (int)out->uplink_count - 1;
		rs->uplinks++;
	}
}

/* The uplink that has a subflow of ours from the same address; "" */
static const char *uplink_from(const struct site *site, const struct addr *from)
{
	const struct member *m;

	DL_FOREACH(site->members, m)
		if (m->path < WIRE_UPLINKS_MAX &&
		    addr_equal_ip(subflow_peer(m->sf), from))
			return m->uplink;
	return "";
}

static void report_mptcp(const struct site *site, const struct snapshot *snap,
                         struct report_session *session, struct report *out)
{
	const struct member *m;
	struct mptcpinfo info;

	if (site->sites->flags & WIRE_HAS_MPTCP)
		mptcp_host_report(site->sites->mptcp_host, session);
	DL_FOREACH(site->members, m) {
		if (m->path < WIRE_UPLINKS_MAX || subflow_mptcp(m->sf, &info) < 0)
			continue;
		for (unsigned i = 0; i < info.count; i++) {
			struct report_subflow *rs = report_add_subflow(out);
			if (!rs)
				return;
			snapshot_mptcp(snap, &info, i, rs);
			rs->bundle = m->bundle;
			snprintf(rs->uplink, sizeof(rs->uplink), "%s",
			         uplink_from(site, &info.subflows[i].remote));
			snprintf(rs->site, sizeof(rs->site), "%.*s",
			         REPORT_NAME_MAX, site->conf.name);
		}
	}
}

void site_report(struct site *site, struct report *out)
{
	struct snapshot snap = {
		.session = site->home.session, .meter = &site->home.meter,
		.now_us = loop_now_us(site->sites->loop),
	};
	struct report_site *rs = report_add_site(out);
	struct report_session *session;
	struct wire_wish wish;

	if (!rs)
		return;
	snprintf(rs->name, sizeof(rs->name), "%.*s", REPORT_NAME_MAX,
	         site->conf.name);
	rs->since_us = site->since_us ? snap.now_us - site->since_us : 0;
	rs->connected = site->members != NULL;
	site_note(site, rs->note);
	rs->rate_mbps = site->conf.rate_mbps;
	rs->quota_bytes = site->conf.quota_bytes;
	rs->month_bytes = rs->quota_bytes ? site->quota.bytes : 0;
	memset(snap.uplink_of_path, -1, sizeof(snap.uplink_of_path));
	left_report(&site->lefts, &snap, rs->name, out);
	rs->streams = left_streams(&site->lefts);
	if (!site->home.session || !(session = report_add_session(out)))
		return;
	snapshot_session(&snap, session);
	wish = site->wish;
	policy_spell_out(&wish);
	snapshot_sending(&wish, &session->up);
	snprintf(session->site, sizeof(session->site), "%s", rs->name);
	session->state = rs->connected ? REPORT_SESSION_UP
	                               : REPORT_SESSION_OUTAGE;
	session->age_us = rs->since_us;
	snprintf(session->library, sizeof(session->library), "%s", tls_library());
	if (site->members)
		snprintf(session->cipher, sizeof(session->cipher), "%s",
		         subflow_cipher(site->members->sf));
	site_tunnel_report(site, &session->tunnel);
	rs->streams += session->streams;
	rs->down_bytes = session->down_bytes;
	rs->up_bytes = session->up_bytes;
	report_paths(site, &snap, out, rs);
	report_mptcp(site, &snap, session, out);
	snapshot_streams(&snap, rs->name, out);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the gateway shows of itself (gateway.c). Reads only.
 */
#include "agg/role/gateway_impl.h"

#include <stdio.h>

/* Why the session is not up. */
static const char *why_not_up(const struct gateway *g)
{
	const char *said = NULL;
	struct session_stats stats;
	bool mute;

	session_stats(g->home.session, &stats);
	mute = stats.lanes_mute > 0;
	for (unsigned i = 0; i < CONF_UPLINKS_MAX && !said; i++) {
		if (!g->uplinks[i])
			continue;
		said = uplink_verdict(g->uplinks[i]);
		mute |= uplink_is_mute(g->uplinks[i]);
	}
	return said ? said : mute ? SESSION_MUTE_WORDS : "no path works";
}

/* What is in force may leave connections alone, and in an outage does. */
static void report_interception(const struct gateway *g,
                                struct report_interception *out)
{
	const struct outage_facts facts = gateway_facts(g);

	lan_report(g->lan, out);
	if (out->state == REPORT_INTERCEPTION_IN_FORCE)
		snprintf(out->why, sizeof(out->why), "%s",
		         outage_passes(&g->outage, &facts));
}

static void report_session(const struct gateway *g, const struct snapshot *snap,
                           struct report *out)
{
	const struct conf *conf = g->role.conf;
	struct report_session *rs = report_add_session(out);

	if (!rs)
		return;
	snapshot_session(snap, rs);
	snapshot_sending(&g->told, &rs->down);
	snprintf(rs->concentrator, sizeof(rs->concentrator), "%s",
	         conf->concentrator.name);
	/* Who reads "up" may rely on it. */
	bool loading = !g->outage.pathless_us && !lan_is_settled(g->lan);
	rs->state = loading ? REPORT_SESSION_CONNECTING
	                    : outage_state(&g->outage, g->incarnation != 0);
	if (g->outage.pathless_us || loading)
		snprintf(rs->why, sizeof(rs->why), "%s%s%s", loading ?
		         "the LAN's rules are being loaded" : why_not_up(g),
		         g->outage.is_on ? "; " : "", g->outage.is_on ?
		         outage_follows(conf->main.on_outage) : "");
	rs->streams += left_streams(&g->lefts);
	rs->age_us = snap->now_us - g->outage.since_us;
	report_interception(g, &rs->interception);
	gateway_tunnel_report(g, &rs->tunnel);
	rs->peer_known = g->remote_known;
	rs->peer_ipv6 = g->remote_ipv6;
	rs->bundles = conf->main.bundles;
	snprintf(rs->carrier_wanted, sizeof(rs->carrier_wanted), "%s",
	         conf_carrier_words[conf->main.carrier]);
	snprintf(rs->carrier_why, sizeof(rs->carrier_why), "%s", g->carrier.why);
	mptcp_report(g->mptcp, snap, rs, out);
	snprintf(rs->library, sizeof(rs->library), "%s", tls_library());
	snprintf(rs->cipher, sizeof(rs->cipher), "%s", g->cipher);
}

void gateway_report(struct role *role, struct report *out)
{
	struct gateway *g = (struct gateway *)role;
	struct snapshot snap = {
		.session = g->home.session, .meter = &g->home.meter,
		.now_us = loop_now_us(role->loop), .gateway = true,
	};

	lan_waits_for(g->lan, out->head.waits_for, sizeof(out->head.waits_for));
	report_session(g, &snap, out);
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		snap.uplink_of_path[i] = -1;
		struct report_uplink *ru = g->uplinks[i] ?
			report_add_uplink(out) : NULL;
		if (!ru)
			continue;
		uplink_report(g->uplinks[i], ru);
		gateway_history_report(g, i, ru);
		snapshot_path(&snap, i, ru);
		mptcp_report_uplink(g->mptcp, i, ru);
		snap.uplink_of_path[i] = (int)out->uplink_count - 1;
	}
	snap.uplink_of_path[WIRE_PATH_MPTCP4] = REPORT_SHARE_MPTCP;
	snap.uplink_of_path[WIRE_PATH_MPTCP6] = REPORT_SHARE_MPTCP;
	snapshot_streams(&snap, "", out);
	left_report(&g->lefts, &snap, "", out);
	gateway_history_report_devices(g, out);
}

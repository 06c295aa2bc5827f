/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an update of the gateway (role.h), at either of its ends.
 */
#include "agg/role/gateway_impl.h"

static const char *why_not(const struct role *role)
{
	const struct gateway *g = (const struct gateway *)role;

	return g->home.peer_flags & WIRE_KEEPS ? NULL :
		"the concentrator is not connected, or its release knows of no "
		"sessions that leave";
}

/* What is written by both would be spoilt. */
static void rest(struct gateway *g, bool rests)
{
	g->rests = rests;
	route_rest(g->route, rests);
	mptcp_rest(g->mptcp, rests);
	lan_rest(g->lan, rests);
	gateway_tunnel_set_conf(g);
	if (rests)
		gateway_history_write(g);
}

static void update(struct role *role, enum role_update step)
{
	struct gateway *g = (struct gateway *)role;

	switch (step) {
	case ROLE_RESTS:
		rest(g, true);
		home_set_flags(&g->home, WIRE_KEEPS | WIRE_LEAVES);
		break;
	case ROLE_GOES_ON:
		g->home.flags = WIRE_KEEPS;
		gateway_leave(g);
		rest(g, false);
		upkeep_look(g->upkeep);
		break;
	case ROLE_IS_GONE:
		g->gone = true;
		lan_drain(g->lan);
		/* Another concentrator may take over meanwhile. */
		g->session.incarnation = g->incarnation;
		gateway_offer(g->tls, g->incarnation);
		break;
	}
}

enum { TOLD = 1, TOLD_IPV6 = 2 };

static uint8_t has_left(const struct role *role)
{
	const struct gateway *g = (const struct gateway *)role;

	if (!(g->home.peer_flags & WIRE_LEAVES))
		return 0;
	return g->remote_ipv6 ? TOLD | TOLD_IPV6 : TOLD;
}

/* New connections wait for its session, as at an outage that has just begun. */
static void succeed(struct role *role, uint8_t told)
{
	struct gateway *g = (struct gateway *)role;

	g->remote_ipv6 = told & TOLD_IPV6;
	g->outage.is_on = false;
	gateway_set_modes(g);
}

struct host_teller {
	role_host_fn *on_host;
	void *ctx;
};

static void tell_host(void *ctx, struct usage_host *host)
{
	const struct host_teller *t = ctx;

	t->on_host(t->ctx, &host->address, host->down_bytes, host->up_bytes);
}

static void each_host(struct role *role, role_host_fn *on_host, void *ctx)
{
	struct gateway *g = (struct gateway *)role;
	struct host_teller teller = { on_host, ctx };

	clients_tell_usage(g->clients);
	usage_each(&g->trace.usage, tell_host, &teller);
}

static void count_host(struct role *role, const struct addr *host,
                       uint64_t down_bytes, uint64_t up_bytes)
{
	struct gateway *g = (struct gateway *)role;

	usage_add(&g->trace.usage, host, down_bytes, up_bytes);
}

const struct role_updates gateway_updates = {
	.why_not = why_not, .update = update, .has_left = has_left, .succeed = succeed,
	.each_host = each_host, .count_host = count_host,
};

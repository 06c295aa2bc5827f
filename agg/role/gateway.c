/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway. Owns the uplinks (gateway_uplinks.c), the session to the
 * concentrator (gateway_session.c), its packet tunnel (gateway_tunnel.h), and the
 * side towards the LAN (lan.h).
 *
 *     LAN client -> lan -> on_client -> clients -> on_asked -> session_open + relay
 *     netmon -> uplink -> subflow -> on_welcome -> gateway_admit -> subflow_join
 *
 * The interception follows what is true: taken while the concentrator
 * answers; in an outage left to the host's own routing (`direct`) or refused
 * (`block`); IPv6 refused while the concentrator has no way out for it.
 */
#include "agg/role/gateway_impl.h"

#include "agg/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_client(void *ctx, const struct inlet_client *client)
{
	struct gateway *g = ctx;

	clients_ask(g->clients, client, g->role.conf);
}

static void on_asked(void *ctx, const struct inlet_client *client,
                     const char *name)
{
	struct gateway *g = ctx;
	const struct outage_facts facts = gateway_facts(g);

	clients_take(g->clients, client, name, outage_way(&g->outage, &facts),
	             g->home.session, g->role.conf);
}

/* All connect anew: the session is another one. */
static void on_anew(struct gateway *g)
{
	gateway_uplinks_restart(g);
	mptcp_restart(g->mptcp);
}

/* Time and news -------------------------------------------------------------- */

static void on_bundle(void *ctx, struct subflow *sf,
                      const struct wire_welcome *welcome)
{
	struct gateway *g = ctx;

	if (!gateway_admit(g, sf, welcome))
		return;
	mptcp_on_join(g->mptcp, sf);
	gateway_note_paths(g);
}

static void on_second(void *ctx)
{
	struct gateway *g = ctx;
	uint64_t now = loop_now_us(g->role.loop);
	struct snapshot_totals more = { 0 };

	gateway_note_paths(g);
	gateway_note_bypass(g);
	mptcp_add_totals(g->mptcp, &more);
	home_measure(&g->home, &more);
	left_step(&g->lefts);
	if (!g->rests)
		gateway_history_measure(g);
	mptcp_look(g->mptcp);
	gateway_choose_carrier(g);
	tunnel_kit_rest(&g->tunnel.kit);
	role_tidy_memory(&g->role);
	loop_timer_arm(g->second, now + SNAPSHOT_RATE_US);
}

static void on_mptcp_change(void *ctx)
{
	struct gateway *g = ctx;

	gateway_note_paths(g);
	gateway_choose_carrier(g);
}

/* The role ------------------------------------------------------------------ */

static void on_endpoints(void *ctx)
{
	struct gateway *g = ctx;

	gateway_uplinks_on_endpoints(g);
	mptcp_on_endpoints(g->mptcp);
	lan_on_endpoints(g->lan);
	role_changed(&g->role);
}

static void on_lan_settled(void *ctx)
{
	struct gateway *g = ctx;

	role_changed(&g->role);
}

static void gateway_on_netdev(struct role *role, const struct netdev *dev)
{
	struct gateway *g = (struct gateway *)role;

	gateway_uplinks_on_netdev(g, dev);
	gateway_tunnel_on_netdev(g, dev);
	gateway_note_paths(g);
	gateway_note_bypass(g);
	lan_on_netdev(g->lan);
}

static int gateway_reload(struct role *role, const struct conf *conf,
                          struct conf_error *error)
{
	struct gateway *g = (struct gateway *)role;
	const struct conf *old = role->conf;
	const struct policy_names nobody = { 0 };
	struct policy_names before;
	int err = lan_reload(g->lan, conf, error);

	if (err < 0)
		return err;
	role->conf = conf;
	clients_set_conf(g->clients, conf);
	policy_of_gateway(old, &nobody, &before);
	home_reload(&g->home, &before);
	home_set_limits(&g->home, home_memory(conf->main.memory_bytes, role->memory.max),
	                conf->main.linger_us);
	route_set_preference(g->route, conf->main.rule_pref);
	gateway_set_modes(g);
	endpoints_set_conf(g->endpoints, &conf->concentrator);
	mptcp_set_conf(g->mptcp, conf);
	gateway_uplinks_reload(g, old);
	gateway_tunnel_set_conf(g);
	gateway_note_bypass(g);
	lan_on_bypass(g->lan);
	upkeep_look(g->upkeep);
	gateway_choose_carrier(g);
	return 0;
}

static void gateway_drain(struct role *role)
{
	struct gateway *g = (struct gateway *)role;

	g->draining = true;
	lan_drain(g->lan);
}

static unsigned gateway_streams(const struct role *role)
{
	const struct gateway *g = (const struct gateway *)role;

	return home_streams(&g->home) + left_streams(&g->lefts) +
	       clients_direct(g->clients);
}

static int gateway_choose(struct role *role, const struct choice *choice,
                          struct buf *out)
{
	struct gateway *g = (struct gateway *)role;
	const char *name = role->conf->concentrator.name;

	if (choice->site && strcmp(choice->site, name)) {
		buf_printf(out, "there is no '%s' here; allowed: %s\n",
		           choice->site, name);
		return -EINVAL;
	}
	home_choose(&g->home, choice, "up, and wished for down", role->conf,
	            "config aggd 'main'", out);
	return 0;
}

static void gateway_destroy(struct role *role)
{
	struct gateway *g = (struct gateway *)role;

	if (!g)
		return;
	bool rests = g->rests;
	lan_destroy(g->lan);
	speedtest_finish(&g->speedtest);
	gateway_tunnel_finish(g);
	if (!g->session.over)
		gateway_say_end(g);
	left_finish(&g->lefts, "the gateway ends");
	home_finish(&g->home);
	clients_destroy(g->clients);
	gateway_history_finish(g);
	gateway_uplinks_destroy(g);
	mptcp_destroy(g->mptcp);
	endpoints_destroy(g->endpoints);
	loop_timer_destroy(g->probe);
	loop_timer_destroy(g->second);
	tls_context_destroy(g->tls);
	upkeep_destroy(g->upkeep);
	route_destroy(g->route);
	free(g);
	if (!rests)
		role_cleanup_routes();
}

static int make_parts(struct gateway *g)
{
	struct loop *loop = g->role.loop;
	struct kerr err = { "" };
	struct mptcp_args mptcp = {
		.loop = loop, .rand = &g->rand, .conf = g->role.conf,
		.on_welcome = on_bundle, .on_change = on_mptcp_change,
		.health = gateway_uplinks_health,
		.next_id = gateway_next_id, .session = &g->session, .ctx = g,
	};
	const struct clients_args clients = {
		.loop = loop, .netmon = g->role.netmon, .conf = g->role.conf,
		.bypass = &g->bypass, .device = gateway_bypass_device,
		.tunnel = gateway_bypass_tunnel, .usage = &g->trace.usage,
		.on_asked = on_asked, .ctx = g,
	};
	const struct endpoints_args endpoints = {
		.loop = loop, .conf = &g->role.conf->concentrator,
		.on_change = on_endpoints, .ctx = g,
	};

	g->second = loop_timer_create(loop, on_second, g);
	g->clients = clients_create(&clients);
	g->route = route_create(&err);
	if (g->route)
		route_set_preference(g->route, g->role.conf->main.rule_pref);
	g->tls = tls_context_create(TLS_CLIENT, g->role.conf->main.state);
	if (!g->tls)
		log_user("identity in %s: %s; aggctl keygen %s makes one",
		         g->role.conf->main.state, strerror(errno),
		         g->role.conf->main.state);
	if (!g->route)
		log_sys("routes: %s", err.text);
	if (!g->second || !g->clients || !g->route || !g->tls)
		return -1;
	g->upkeep = upkeep_create(loop, g->role.netmon, g->route);
	if (!g->upkeep)
		return -1;
	g->endpoints = endpoints_create(&endpoints);
	if (!g->endpoints)
		return -1;
	mptcp.tls = g->tls;
	mptcp.endpoints = g->endpoints;
	g->mptcp = mptcp_create(&mptcp);
	return g->mptcp && gateway_tunnel_init(g) == 0 ? 0 : -1;
}

static int open_lan(struct gateway *g)
{
	struct lan_args args = {
		.loop = g->role.loop, .netmon = g->role.netmon,
		.route = g->route, .conf = g->role.conf, .endpoints = g->endpoints,
		.bypass = &g->bypass, .hosts = clients_hosts(g->clients), .on_client = on_client,
		.on_settled = on_lan_settled, .ctx = g,
	};

	g->lan = lan_create(&args);
	if (!g->lan)
		return -1;
	gateway_set_modes(g);
	return 0;
}

static struct role *gateway_create(struct loop *loop, const struct conf *conf,
                                   struct netmon *netmon)
{
	struct gateway *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	role_init(&g->role, &role_gateway, loop, conf, netmon);
	g->on_anew = on_anew;
	g->rand.state = loop_now_us(loop);
	outage_init(&g->outage, loop_now_us(loop));
	bypass_init(&g->bypass);
	carrier_init(&g->carrier);
	gateway_history_init(g);
	if (make_parts(g) < 0 || gateway_session_begin(g) < 0 ||
	    open_lan(g) < 0) {
		gateway_destroy(&g->role);
		return NULL;
	}
	gateway_uplinks_add(g);
	on_second(g);
	lan_on_bypass(g->lan); /* the uplinks have their numbers */
	return &g->role;
}

const struct role_ops role_gateway = {
	.name = "gateway",
	.create = gateway_create,
	.reload = gateway_reload,
	.on_netdev = gateway_on_netdev,
	.drain = gateway_drain,
	.streams = gateway_streams,
	.part = gateway_part,
	.report = gateway_report,
	.choose = gateway_choose,
	.speedtest = gateway_speedtest,
	.history = gateway_history,
	.updates = &gateway_updates,
	.destroy = gateway_destroy,
};

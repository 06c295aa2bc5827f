/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's uplinks (uplink.h): which there are, by the configuration,
 * and what devices, endpoints and a new session are to them.
 */
#include "agg/role/gateway_impl.h"

#include "agg/base/log.h"

#include <errno.h>
#include <string.h>

static void on_welcome(void *ctx, struct uplink *u, struct subflow *sf,
                       const struct wire_welcome *welcome)
{
	struct gateway *g = ctx;

	if (!gateway_admit(g, sf, welcome))
		return;
	if (!uplink_joined(u))
		log_info("uplink %s: up", uplink_name(u));
	uplink_on_join(u, sf);
	gateway_note_paths(g);
}

static void on_uplink_change(void *ctx)
{
	gateway_note_paths(ctx);
}

struct health {
	unsigned path, good, suspect; /* lanes */
	uint64_t rtt_us;
};

static void note_health(void *ctx, const struct lane_stats *lane)
{
	struct health *h = ctx;

	if (lane->path != h->path)
		return;
	if (lane->suspect) {
		h->suspect++;
	} else {
		h->good++;
		if (lane->info.srtt_us > h->rtt_us)
			h->rtt_us = lane->info.srtt_us;
	}
}

int64_t gateway_uplinks_health(void *ctx, unsigned uplink)
{
	const struct gateway *g = ctx;
	struct health h = { .path = uplink };

	session_each_lane(g->home.session, note_health, &h);
	if (h.good)
		return h.rtt_us ? (int64_t)h.rtt_us : 1;
	return h.suspect || !g->uplinks[uplink] ||
	       uplink_has_failed(g->uplinks[uplink]) ? -1 : 0;
}

static struct uplink *find_uplink(struct gateway *g, const char *name)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i] && !strcmp(uplink_name(g->uplinks[i]), name))
			return g->uplinks[i];
	return NULL;
}

/* dev NULL: there is none. */
static void tell_device(struct gateway *g, unsigned i, const struct netdev *dev)
{
	struct uplink *u = g->uplinks[i];

	struct conf_uplink conf = *conf_find_uplink(g->role.conf, uplink_name(u));

	conf.cost = uplink_cost(u);
	uplink_on_netdev(u, dev); /* its routes first: names are asked by them */
	endpoints_set_device(g->endpoints, i, conf.enabled ? dev : NULL);
	if (mptcp_set_uplink(g->mptcp, i, &conf, dev))
		carrier_forget(&g->carrier);
}

void gateway_uplinks_set_cost(struct gateway *g, unsigned path, enum conf_cost cost,
                              const char *why)
{
	struct uplink *u = g->uplinks[path];
	struct conf_uplink conf = *conf_find_uplink(g->role.conf, uplink_name(u));
	bool other = cost != uplink_cost(u);

	uplink_set_cost(u, cost, why);
	if (!other)
		return;
	conf.cost = cost;
	session_set_class(g->home.session, path, (unsigned)cost);
	mptcp_set_uplink(g->mptcp, path, &conf, netmon_find(g->role.netmon,
	                                                    uplink_device(u)));
	gateway_tunnel_look(g);
	gateway_note_bypass(g);
	role_changed(&g->role);
}

static void add_uplink(struct gateway *g, const struct conf_uplink *conf)
{
	struct uplink_args args = {
		.loop = g->role.loop, .route = g->route, .tls = g->tls,
		.rand = &g->rand, .conf = g->role.conf, .endpoints = g->endpoints,
		.on_welcome = on_welcome, .on_change = on_uplink_change,
		.next_id = gateway_next_id, .session = &g->session, .ctx = g,
	};

	while (g->uplinks[args.index]) /* conf has no more than there is room */
		args.index++;
	struct uplink *u = uplink_create(&args, conf->name);
	if (!u) {
		log_sys("uplink %s: %s", conf->name, strerror(errno));
		return;
	}
	g->uplinks[args.index] = u;
	gateway_history_see_cap(g, args.index);
	tell_device(g, args.index,
	            netmon_find(g->role.netmon, conf->device.name));
}

static void remove_uplink(struct gateway *g, struct uplink *u)
{
	g->uplinks[uplink_index(u)] = NULL;
	gateway_history_forget(g, uplink_index(u));
	endpoints_set_device(g->endpoints, uplink_index(u), NULL);
	mptcp_set_uplink(g->mptcp, uplink_index(u), NULL, NULL);
	uplink_destroy(u);
}

static void find_links(struct gateway *g)
{
	const struct netdev *devs[CONF_UPLINKS_MAX] = { NULL };
	const struct conf *conf = g->role.conf;
	struct links links;

	for (unsigned i = 0; i < conf->uplink_count; i++)
		if (conf->uplinks[i].enabled)
			devs[i] = netmon_find(g->role.netmon,
			                      conf->uplinks[i].device.name);
	links_find(devs, conf->uplink_count, &links);
	upkeep_set_links(g->upkeep, &links);
}

void gateway_uplinks_on_netdev(struct gateway *g, const struct netdev *dev)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i] &&
		    !strcmp(uplink_device(g->uplinks[i]), dev->name))
			tell_device(g, i, dev);
	find_links(g);
}

void gateway_uplinks_add(struct gateway *g)
{
	const struct conf *conf = g->role.conf;

	for (unsigned i = 0; i < conf->uplink_count; i++)
		if (!find_uplink(g, conf->uplinks[i].name))
			add_uplink(g, &conf->uplinks[i]);
	find_links(g);
}

/* But for what it may cost: that changes while it is connected. */
static bool is_alike(const struct conf_uplink *was, const struct conf_uplink *is)
{
	struct conf_uplink as = *is;

	as.cost = was->cost;
	as.cap_bytes = was->cap_bytes;
	as.cap_day = was->cap_day;
	return conf_uplink_equal(was, &as);
}

void gateway_uplinks_reload(struct gateway *g, const struct conf *old)
{
	const struct conf *conf = g->role.conf;
	bool endpoints = !conf_concentrator_equal(&old->concentrator,
	                                          &conf->concentrator);

	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		struct uplink *u = g->uplinks[i];
		if (!u)
			continue;
		const struct conf_uplink *was = conf_find_uplink(old, uplink_name(u));
		const struct conf_uplink *is = conf_find_uplink(conf, uplink_name(u));
		if (!is || endpoints || !is_alike(was, is)) {
			remove_uplink(g, u);
			continue;
		}
		uplink_set_conf(u, conf);
		gateway_history_see_cap(g, i);
	}
	gateway_uplinks_add(g);
}

void gateway_uplinks_restart(struct gateway *g)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i])
			uplink_restart(g->uplinks[i], "new session");
}

void gateway_uplinks_leave(struct gateway *g, keeper_take_fn *take, void *ctx)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i])
			uplink_leave(g->uplinks[i], take, ctx);
}

void gateway_uplinks_on_endpoints(struct gateway *g)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i])
			uplink_on_endpoints(g->uplinks[i]);
}

void gateway_uplinks_destroy(struct gateway *g)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		uplink_destroy(g->uplinks[i]);
}

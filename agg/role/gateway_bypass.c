/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what bypasses the session (bypass.h), in the gateway: finds what the
 * uplinks are now, and tells of a change those who lead traffic: the LAN's
 * rules, and the connections past the session.
 */
#include "agg/role/gateway_impl.h"

#include "agg/base/log.h"

#include <stdio.h>
#include <string.h>

static const sa_family_t families[] = { AF_INET, AF_INET6 };
static const char *const family_words[] = { "IPv4", "IPv6" };

static void find_path(struct gateway *g, unsigned i, struct bypass_path *out)
{
	const struct uplink *u = g->uplinks[i];
	const struct conf_uplink *conf = u ?
		conf_find_uplink(g->role.conf, uplink_name(u)) : NULL;
	const struct netdev *dev = u ?
		netmon_find(g->role.netmon, uplink_device(u)) : NULL;

	if (!conf)
		return;
	snprintf(out->name, sizeof(out->name), "%s", conf->name);
	out->cost = uplink_cost(u);
	out->health_us = gateway_uplinks_health(g, i);
	for (unsigned f = 0; f < 2; f++)
		out->ready[f] = conf->enabled && dev &&
			netdev_is_ready(dev, families[f]);
}

/* The device of the main table's best default route. */
static const struct netdev *default_device(const struct gateway *g, unsigned f)
{
	const struct netdev *dev, *found = NULL;

	for (unsigned i = 0; (dev = netmon_at(g->role.netmon, i)); i++) {
		const struct netdev_route *route = &netdev_ip(dev, families[f])->route;
		if (!netdev_is_ready(dev, families[f]) ||
		    route->table != NETDEV_TABLE_MAIN)
			continue;
		if (!found ||
		    route->metric < netdev_ip(found, families[f])->route.metric)
			found = dev;
	}
	return found;
}

static uint8_t direct_path(const struct gateway *g, unsigned f)
{
	const struct netdev *dev = default_device(g, f);

	for (uint8_t i = 0; dev && i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i] &&
		    !strcmp(uplink_device(g->uplinks[i]), dev->name))
			return i;
	return BYPASS_NOBODY;
}

static const char *name_of(const struct bypass_facts *facts, uint8_t path)
{
	return path == BYPASS_NOBODY ? "its own route" : facts->paths[path].name;
}

static void tell(const struct bypass_facts *facts, const char *what,
                 unsigned f, uint8_t before, uint8_t now)
{
	if (before != now)
		log_info("bypass: what goes %s%s leaves by %s now (%s)",
		         strcmp(what, CONF_TO_DIRECT) ? "by " : "", what,
		         name_of(facts, now), family_words[f]);
}

/* Of what a section sends by it. */
static void tell_changes(const struct gateway *g, const struct bypass *before)
{
	const struct conf *conf = g->role.conf;

	for (unsigned n = 0; n < conf->bypass_count; n++) {
		const struct conf_bypass *section = &conf->bypasses[n];
		bool told = false;
		for (unsigned k = 0; k < n; k++)
			told |= !strcmp(conf->bypasses[k].to, section->to);
		for (unsigned f = 0; f < 2 && !told; f++)
			tell(&g->bypass.facts, section->to, f,
			     bypass_leads(before, section, families[f]),
			     bypass_leads(&g->bypass, section, families[f]));
	}
}

void gateway_note_bypass(struct gateway *g)
{
	const struct bypass before = g->bypass;
	struct bypass_facts facts = { .direct = { direct_path(g, 0),
	                                          direct_path(g, 1) } };

	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		find_path(g, i, &facts.paths[i]);
	if (!bypass_step(&g->bypass, &facts, loop_now_us(g->role.loop)))
		return;
	tell_changes(g, &before);
	clients_on_bypass(g->clients);
	lan_on_bypass(g->lan);
}

const char *gateway_bypass_device(void *ctx, unsigned path)
{
	const struct gateway *g = ctx;

	return g->uplinks[path] ? uplink_device(g->uplinks[path]) : "";
}

bool gateway_bypass_tunnel(void *ctx, sa_family_t family, const char **device)
{
	const struct gateway *g = ctx;
	const struct outage_facts facts = gateway_facts(g);
	const char *tunnel = gateway_tunnel_device(g);

	switch (outage_tunnel_mode(&g->tunnel.outage, g->tunnel.was_up, &facts,
	                           family)) {
	case INTERCEPT_TAKE:
		*device = tunnel ? tunnel : "";
		return true;
	case INTERCEPT_FORWARD:
		*device = "";
		return true;
	case INTERCEPT_REJECT:
		break;
	}
	return false;
}

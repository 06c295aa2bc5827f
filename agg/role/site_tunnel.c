/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see site_tunnel.h. Owns the device and the tunnel.
 */
#include "agg/role/site_tunnel.h"

#include "agg/base/log.h"
#include "agg/role/mptcp/joins.h"
#include "agg/role/site.h"
#include "agg/role/tunnel_home.h"
#include "agg/role/tunnel_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define QUEUE_PART 4u /* of a site's memory, at most */
#define GUESS_LEAST_BPS 12500u /* less by MPTCP leaves everybody room */

struct site_tunnel {
	struct tunnel_home home;
	struct wire_tunnel_net says, peer;
	bool suspect[WIRE_UPLINKS_MAX]; /* as the tunnel was told, as is this */
	unsigned path_class[WIRE_UPLINKS_MAX];
	struct joins *joins; /* of the kernel's MPTCP; NULL: it had no bundle yet */
};

static bool is_wanted(const struct site *site)
{
	const struct sites *sites = site->sites;

	return sites->dgram && sites->conf->main.tunnel && site->conf.number &&
	       !sites->leaves_us; /* then the device is another process's */
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct site *site = ctx;

	session_say_tunnel(site->home.session, frame);
}

static bool carry(void *ctx, const uint8_t *p, size_t n)
{
	struct site *site = ctx;

	return site->home.session && session_carry(site->home.session, p, n);
}

/* MPTCP ------------------------------------------------------------------------- */

/* From where the uplinks' own subflows come, in that family; their bits. */
static unsigned find_uplinks(const struct site *site, sa_family_t family,
                             struct addr from[WIRE_UPLINKS_MAX])
{
	const struct member *m;
	unsigned uplinks = 0;

	memset(from, 0, WIRE_UPLINKS_MAX * sizeof(*from));
	DL_FOREACH(site->members, m) {
		if (m->path >= WIRE_UPLINKS_MAX)
			continue;
		uplinks |= 1u << m->path;
		if (subflow_peer(m->sf)->family == family)
			from[m->path] = *subflow_peer(m->sf);
	}
	return uplinks;
}

static void look_at_bundle(const struct site *site, struct joins *joins,
                           const struct member *m)
{
	unsigned bundle = (m->path - WIRE_UPLINKS_MAX) * WIRE_BUNDLES_MAX + m->bundle;
	struct addr from[WIRE_UPLINKS_MAX];
	struct mptcpinfo info;

	if (bundle >= JOINS_BUNDLES_MAX || subflow_mptcp(m->sf, &info) < 0)
		return;
	unsigned uplinks = find_uplinks(site, subflow_peer(m->sf)->family, from);
	joins_far(joins, bundle, &info, from, uplinks);
}

/* What streams send by it on that uplink of late, bytes/s. */
static uint64_t mptcp_bps(const struct site *site, unsigned uplink)
{
	struct site_tunnel *st = site->tunnel;
	uint64_t now = loop_now_us(site->sites->loop);
	const struct member *m;

	for (m = site->members; !st->joins && m; m = m->next)
		if (m->path >= WIRE_UPLINKS_MAX)
			st->joins = calloc(1, sizeof(*st->joins));
	if (!st->joins || uplink >= WIRE_UPLINKS_MAX)
		return 0;
	if (now - st->joins->rated_us >= JOINS_RATE_US) {
		joins_begin(st->joins);
		DL_FOREACH(site->members, m)
			if (m->path >= WIRE_UPLINKS_MAX)
				look_at_bundle(site, st->joins, m);
		joins_rate(st->joins, now);
	}
	return st->joins->uplinks[uplink].tx_bps;
}

bool site_tunnel_guesses(const struct site *site)
{
	const struct joins *joins = site->tunnel ? site->tunnel->joins : NULL;
	uint64_t bps = 0;

	for (unsigned i = 0; joins && i < WIRE_UPLINKS_MAX; i++)
		bps += joins->uplinks[i].tx_bps;
	return joins && joins->guesses && bps > GUESS_LEAST_BPS;
}

static void load(void *ctx, unsigned path, struct path_load *out)
{
	const struct site *site = ctx;

	if (site->home.session)
		session_path_load(site->home.session, path, mptcp_bps(site, path), out);
}

/* The host hears of it from the kernel. */
static void on_device(void *ctx)
{
	site_tunnel_measure(ctx);
}

static const struct tunnel_home_ops home_ops = {
	.say = say, .carry = carry, .load = load, .on_device = on_device,
};

static void say_none(struct site *site)
{
	const struct wire_frame none = { .type = WIRE_TUNNEL_NET };

	site->tunnel_refused = true;
	session_say_tunnel(site->home.session, &none);
}

static bool is_said(const struct wire_tunnel_net *net,
                    const struct wire_tunnel_net *before)
{
	return net->flags == before->flags &&
	       addr_equal_ip(&net->inner4, &before->inner4) &&
	       net->inner6.family == before->inner6.family &&
	       !memcmp(net->inner6.ip, before->inner6.ip, sizeof(net->inner6.ip)) &&
	       net->lan_count == before->lan_count &&
	       !memcmp(net->lan, before->lan, sizeof(net->lan));
}

/* Where hosts behind the gateway are found by their own network, too; the site's own
 * come first. */
static void find_addresses(const struct site *site, struct wire_tunnel_net *net)
{
	const struct conf *conf = site->sites->conf;

	for (unsigned other = 0; other < 2; other++)
		for (unsigned i = 0; i < conf->address_count; i++) {
			const struct conf_address *a = &conf->addresses[i];
			if (net->lan_count < WIRE_LAN_PREFIXES_MAX &&
			    !strcmp(a->site, site->conf.name) == !other)
				net->lan[net->lan_count++] = a->address;
		}
}

/* Tells what changed, and goes by it. */
static void say_net(struct site *site)
{
	struct site_tunnel *st = site->tunnel;
	const struct prefix inner4 = tunnel_inner4(site->sites->conf,
	                                           site->conf.number);
	struct wire_frame frame = { .type = WIRE_TUNNEL_NET, .tunnel_net = { 0 } };
	struct wire_tunnel_net *net = &frame.tunnel_net;

	net->flags = WIRE_TUNNEL_ON | WIRE_TUNNEL_UDP;
	net->inner4.family = AF_INET;
	memcpy(net->inner4.ip, inner4.ip, 4);
	net->inner6 = tunnel_inner6(site->conf.number);
	find_addresses(site, net);
	tunnel_guard_know(&st->home.guard, &net->inner4, &net->inner6, st->peer.lan,
	                  st->peer.lan_count, &site->conf.prefix);
	if (is_said(net, &st->says))
		return;
	st->says = *net;
	site->tunnel_refused = false;
	session_say_tunnel(site->home.session, &frame);
}

/* Another site's network that this one may reach. */
static bool reaches(const void *ctx, const struct addr *to)
{
	const struct site *site = ctx;
	const struct conf *conf = site->sites->conf;
	const struct conf_site *own = &site->conf;

	for (unsigned i = 0; own->reach_count && i < conf->site_count; i++)
		for (unsigned k = 0; k < conf->sites[i].reach_count; k++)
			if (conf->sites[i].number != own->number &&
			    prefix_has(&conf->sites[i].reach[k], to))
				return true;
	return false;
}

/* Room for one, which is told to the gateway. */
static int prepare(struct site *site)
{
	const struct sites *sites = site->sites;
	struct tunnel_home_args args = {
		.loop = sites->loop, .kit = sites->kit, .dgram = sites->dgram,
		.memory = sites->memory, .egress = sites->egress,
		.throttle = share_throttle(site->share),
		.ops = &home_ops, .ctx = site,
	};
	int err = tunnel_kit_open(sites->kit, sites->memory);

	if (err < 0 || !(site->tunnel = calloc(1, sizeof(*site->tunnel))))
		return -ENOMEM;
	tunnel_device(&site->conf, args.device);
	err = tunnel_home_init(&site->tunnel->home, &args);
	if (err < 0)
		return err;
	site->tunnel->home.guard.reaches = reaches;
	site->tunnel->home.guard.reaches_ctx = site;
	say_net(site);
	return 0;
}

/* No key is used by two tunnels, as both would count from 0: one that comes again
 * is passed over. */
static int take_key(struct site *site, const struct wire_frame *frame)
{
	struct tunnel_home *home = &site->tunnel->home;
	uint64_t queue = site_memory(site->sites, site->sites->conf) / QUEUE_PART;
	int err = 0;

	if (frame->tunnel_key.epoch <= site->tunnel_epoch)
		return 0;
	if (!home->tunnel) {
		err = tunnel_home_begin(home, site->rivals.current,
		                        queue < TUNNEL_QUEUE_BYTES ? queue
		                        : TUNNEL_QUEUE_BYTES);
		if (err < 0)
			return err;
		tunnel_home_open(home);
		tunnel_home_measure(home);
		site_tunnel_note_paths(site);
	}
	site->tunnel_epoch = frame->tunnel_key.epoch;
	return tunnel_frame(home->tunnel, frame);
}

static int take_net(struct site *site, const struct wire_tunnel_net *net)
{
	if (!(net->flags & WIRE_TUNNEL_ON)) {
		site_tunnel_end(site);
		return 0;
	}
	site->tunnel->peer = *net;
	tunnel_home_treat(&site->tunnel->home, &net->traffic);
	say_net(site);
	return 0;
}

void site_tunnel_frame(struct site *site, const struct wire_frame *frame)
{
	int err = 0;

	if (!site->home.session)
		return;
	if (frame->type == WIRE_DATAGRAM) {
		if (site->tunnel && site->tunnel->home.tunnel)
			tunnel_frame(site->tunnel->home.tunnel, frame);
		return;
	}
	if (!is_wanted(site)) {
		if (!site->tunnel_refused)
			say_none(site);
		return;
	}
	if (!site->tunnel)
		err = prepare(site);
	if (!err)
		err = frame->type == WIRE_TUNNEL_NET ?
			take_net(site, &frame->tunnel_net) : take_key(site, frame);
	if (err < 0) {
		log_sys("site %s: packet tunnel: %s", site->conf.name,
		        strerror(-err));
		site_tunnel_end(site);
	}
}

struct lanes {
	unsigned good, suspect; /* a bit for each path */
	unsigned path_class[WIRE_PATHS_MAX];
};

static void look_at_lane(void *ctx, const struct lane_stats *lane)
{
	struct lanes *lanes = ctx;

	*(lane->suspect ? &lanes->suspect : &lanes->good) |= 1u << lane->path;
	lanes->path_class[lane->path] = lane->path_class;
}

void site_tunnel_note_paths(struct site *site)
{
	struct site_tunnel *st = site->tunnel;
	struct lanes lanes = { 0 };

	if (!st || !st->home.tunnel || !site->home.session)
		return;
	session_each_lane(site->home.session, look_at_lane, &lanes);
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX && i < TUNNEL_PATHS_MAX; i++) {
		bool suspect = lanes.suspect & ~lanes.good & 1u << i;
		if (suspect == st->suspect[i] &&
		    lanes.path_class[i] == st->path_class[i])
			continue;
		st->suspect[i] = suspect;
		st->path_class[i] = lanes.path_class[i];
		tunnel_path(st->home.tunnel, i, suspect ? TUNNEL_PATH_SUSPECT
		                                        : TUNNEL_PATH_UP,
		            st->path_class[i]);
	}
}

void site_tunnel_change(struct site *site)
{
	if (!site->home.session)
		return;
	if (site->tunnel && !is_wanted(site)) {
		say_none(site);
		site_tunnel_end(site);
	} else if (site->tunnel) {
		struct site_tunnel *st = site->tunnel;
		struct addr before = st->says.inner4;
		tunnel_guard_forget(&st->home.guard);
		say_net(site);
		if (!addr_equal_ip(&before, &st->says.inner4))
			tunnel_home_renew(&st->home);
	} else if (site->tunnel_refused && is_wanted(site) && prepare(site) < 0) {
		site_tunnel_end(site); /* it is asked again by a key */
	}
}

void site_tunnel_measure(struct site *site)
{
	if (site->tunnel)
		tunnel_home_measure(&site->tunnel->home);
}

void site_tunnel_report(const struct site *site, struct report_tunnel *out)
{
	const struct site_tunnel *st = site->tunnel;
	const struct member *m;

	if (!st || !st->home.tunnel)
		return;
	bool up = st->home.device && tunnel_is_up(st->home.tunnel);
	out->state = up ? REPORT_TUNNEL_UP : REPORT_TUNNEL_DOWN;
	if (!up)
		snprintf(out->why, sizeof(out->why), "%s", *st->home.why ?
		         st->home.why : "no path carries datagrams");
	tunnel_home_report(&st->home, out);
	for (unsigned i = 0; i < REPORT_TUNNEL_PATHS_MAX; i++) {
		const char *name = NULL;
		DL_FOREACH(site->members, m)
			if (m->path == i)
				name = m->uplink;
		if (!name)
			continue;
		out->path[out->path_count] = out->path[i];
		snprintf(out->path[out->path_count++].uplink,
		         sizeof(out->path[0].uplink), "%s", name);
	}
}

void site_tunnel_end(struct site *site)
{
	if (!site->tunnel)
		return;
	tunnel_home_finish(&site->tunnel->home);
	free(site->tunnel->joins);
	free(site->tunnel);
	site->tunnel = NULL;
}

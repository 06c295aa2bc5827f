/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see gateway_tunnel.h. Owns the device's link and routes, the tunnel, and its
 * sockets.
 */
#include "agg/role/gateway_impl.h"

#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/link.h"
#include "agg/kernel/neighbor.h"
#include "agg/kernel/sysctl.h"
#include "agg/role/tunnel_class.h"
#include "agg/role/tunnel_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_US 100000u /* between looks while it is not up */
#define SET_US 500000u /* between times at which the device is set again */
#define MEET_US 5000000u /* between looks at who has which card, where that counts */

/* What we tell -------------------------------------------------------------------- */

static bool is_link_local(const struct prefix *p)
{
	return p->family == AF_INET6 && p->ip[0] == 0xfe && (p->ip[1] & 0xc0) == 0x80;
}

/* The networks of the LAN's devices, and those behind its routers: nobody else behind us
 * has a voice. */
static void find_lans(const struct gateway *g, struct wire_tunnel_net *net)
{
	const struct conf_lan *lan = &g->role.conf->lan;

	for (unsigned i = 0; i < lan->device_count; i++) {
		const struct netdev *dev = netmon_find(g->role.netmon,
		                                       lan->device[i].name);
		for (unsigned c = 0; dev && c < dev->connected_count + dev->routed_count; c++)
			if (net->lan_count < WIRE_LAN_PREFIXES_MAX &&
			    !is_link_local(&dev->connected[c]))
				net->lan[net->lan_count++] = dev->connected[c];
	}
}

struct meeting {
	struct wire_traffic *traffic;
	const struct conf *conf;
};

static void on_neighbor(void *ctx, const struct addr *ip,
                        const uint8_t mac[NEIGHBOR_MAC_BYTES])
{
	const struct meeting *m = ctx;

	tunnel_class_meet(m->traffic, m->conf, ip, mac);
}

static void find_classes(struct gateway *g, struct wire_tunnel_net *net)
{
	struct meeting meeting = { &net->traffic, g->role.conf };

	tunnel_class_read(&net->traffic, g->role.conf);
	if (tunnel_class_hangs_on_mac(g->role.conf))
		neighbor_each(on_neighbor, &meeting);
}

static void know(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;

	tunnel_guard_know(&gt->home.guard, &gt->peer.inner4, &gt->peer.inner6,
	                  gt->says.lan, gt->says.lan_count, NULL);
}

static void say_net(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	struct wire_frame frame = { .type = WIRE_TUNNEL_NET, .tunnel_net = { 0 } };
	struct wire_tunnel_net *net = &frame.tunnel_net;

	if (gt->home.tunnel)
		net->flags = WIRE_TUNNEL_ON;
	find_lans(g, net);
	find_classes(g, net);
	if (!memcmp(net, &gt->says, sizeof(*net)))
		return;
	gt->says = *net;
	know(g);
	tunnel_home_treat(&gt->home, &net->traffic);
	session_say_tunnel(g->home.session, &frame);
}

/* The device ------------------------------------------------------------------------ */

static void set_why(struct gateway_tunnel *gt, const char *why)
{
	if (*why && strcmp(gt->why, why))
		log_sys("packet tunnel: %s", why);
	snprintf(gt->why, sizeof(gt->why), "%s", why);
}

static struct link find_link(const struct gateway *g)
{
	const struct wire_tunnel_net *peer = &g->tunnel.peer;
	struct link link = { .device = TUNNEL_DEVICE };

	link.addresses[0] = (struct prefix){ peer->inner4.family, 32 };
	memcpy(link.addresses[0].ip, peer->inner4.ip, 4);
	link.addresses[1] = peer->inner6;
	return link;
}

static int set_routes(struct gateway *g, struct kerr *err)
{
	const struct conf *conf = g->role.conf;
	char from[CONF_LAN_DEVICES_MAX][IFNAMSIZ];
	const struct route_tunnel want = {
		.number = 0, .device = TUNNEL_DEVICE,
		.mark = conf->main.tunnel_mark, .mask = conf->main.tunnel_mark,
		.from = (const char (*)[IFNAMSIZ])from,
		.from_count = conf->lan.device_count,
	};

	for (unsigned i = 0; i < conf->lan.device_count; i++)
		memcpy(from[i], conf->lan.device[i].name, IFNAMSIZ);
	return route_set_tunnel(g->route, &want, err);
}

static void make_ready(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	const struct link link = find_link(g);
	struct kerr err = { "" };

	tunnel_home_measure(&gt->home);
	gt->ready = gt->home.device && !link_set(&link, &err) &&
	            !set_routes(g, &err);
	set_why(gt, gt->home.device ? err.text : "");
	if (g->lan)
		gateway_set_modes(g);
}

static void on_device(void *ctx)
{
	make_ready(ctx);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct gateway *g = ctx;

	session_say_tunnel(g->home.session, frame);
}

static bool carry(void *ctx, const uint8_t *p, size_t n)
{
	struct gateway *g = ctx;

	return g->home.session && session_carry(g->home.session, p, n);
}

static void load(void *ctx, unsigned path, struct path_load *out)
{
	struct gateway *g = ctx;

	if (g->home.session)
		session_path_load(g->home.session, path, mptcp_tx_bps(g->mptcp, path), out);
}

static const struct tunnel_home_ops home_ops = {
	.say = say, .carry = carry, .load = load, .on_device = on_device,
};

/* Others may have set it down, or taken its addresses; some do so until all are gone. */
static void look_at_device(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	const struct netdev *dev = netmon_find(g->role.netmon, TUNNEL_DEVICE);
	const struct link link = find_link(g);

	if (gt->home.device && dev && (!gt->ready || !link_is_set(&link, dev)) &&
	    seldom(&gt->set_us, loop_now_us(g->role.loop), SET_US))
		make_ready(g);
}

void gateway_tunnel_on_netdev(struct gateway *g, const struct netdev *dev)
{
	if (!strcmp(dev->name, TUNNEL_DEVICE))
		look_at_device(g);
	if (g->tunnel.wanted)
		say_net(g);
}

/* Paths ------------------------------------------------------------------------------ */

static enum tunnel_path_state find_way(struct gateway *g, unsigned i,
                                       struct tunnel_way *way)
{
	if (!g->uplinks[i] || !uplink_way(g->uplinks[i], way))
		return TUNNEL_PATH_DOWN;
	return gateway_uplinks_health(g, i) < 0 ? TUNNEL_PATH_SUSPECT
	                                        : TUNNEL_PATH_UP;
}

static void look_at_path(struct gateway *g, unsigned i)
{
	struct gateway_tunnel *gt = &g->tunnel;
	struct tunnel_way way = { "" };
	enum tunnel_path_state state = find_way(g, i, &way);
	unsigned path_class = state == TUNNEL_PATH_DOWN ? 0 :
		(unsigned)uplink_cost(g->uplinks[i]);

	if (state == gt->path[i].state && path_class == gt->path[i].path_class &&
	    !memcmp(&way, &gt->path[i].way, sizeof(way)))
		return;
	if (state == TUNNEL_PATH_DOWN)
		tunnel_shell_disconnect(gt->home.shell, i);
	else if (tunnel_shell_connect(gt->home.shell, i, &way, path_class) < 0)
		state = TUNNEL_PATH_DOWN; /* and tried again */
	else if (state == TUNNEL_PATH_SUSPECT)
		tunnel_path(gt->home.tunnel, i, state, path_class);
	gt->path[i].way = way;
	gt->path[i].state = state;
	gt->path[i].path_class = path_class;
}

static bool works(const struct gateway_tunnel *gt)
{
	return gt->ready && gt->home.tunnel && gt->peer.flags & WIRE_TUNNEL_ON &&
	       tunnel_is_up(gt->home.tunnel);
}

void gateway_tunnel_look(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	uint64_t now = loop_now_us(g->role.loop);

	if (!gt->wanted || !gt->home.tunnel)
		return;
	if (tunnel_class_hangs_on_mac(g->role.conf) && seldom(&gt->met_us, now, MEET_US))
		say_net(g);
	tunnel_home_measure(&gt->home);
	look_at_device(g);
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		look_at_path(g, i);
	if (outage_step(&gt->outage, works(gt), now)) {
		log_info("packet tunnel: %s", gt->outage.is_on ?
		         "no path carries datagrams" : "up");
		gt->was_up |= !gt->outage.is_on;
		role_changed(&g->role);
		if (g->lan)
			gateway_set_modes(g);
	}
	if (gt->outage.pathless_us)
		loop_timer_arm(gt->look, now + LOOK_US);
}

static void on_look(void *ctx)
{
	gateway_tunnel_look(ctx);
}

void gateway_tunnel_report(const struct gateway *g, struct report_tunnel *out)
{
	const struct gateway_tunnel *gt = &g->tunnel;
	const char *why = *gt->home.why ? gt->home.why : gt->why;

	if (!gt->wanted || (gt->refused && !*why))
		return;
	if (!*why && gt->ready)
		why = route_tunnel_why(g->route, 0);
	if (!*why && !sysctl_number(SYSCTL_FOLDER, "net/ipv4/ip_forward", 1))
		why = "this host does not forward IPv4";
	out->state = gt->outage.is_on || *why ? REPORT_TUNNEL_DOWN
	                                      : REPORT_TUNNEL_UP;
	if (out->state == REPORT_TUNNEL_DOWN)
		snprintf(out->why, sizeof(out->why), "%s", *why ? why :
		         gt->peer.flags & WIRE_TUNNEL_ON ?
		         "no path carries datagrams" :
		         "the concentrator has none yet");
	out->lost = out->state == REPORT_TUNNEL_DOWN && (*why || gt->was_up);
	tunnel_home_report(&gt->home, out);
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		if (!g->uplinks[i])
			continue;
		out->path[out->path_count] = out->path[i];
		snprintf(out->path[out->path_count++].uplink,
		         sizeof(out->path[0].uplink), "%s",
		         uplink_name(g->uplinks[i]));
	}
}

const char *gateway_tunnel_device(const struct gateway *g)
{
	return g->tunnel.wanted && g->tunnel.home.device ? TUNNEL_DEVICE : NULL;
}

static void begin(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;

	tunnel_home_end(&gt->home);
	memset(gt->path, 0, sizeof(gt->path));
	memset(&gt->says, 0, sizeof(gt->says));
	int err = tunnel_home_begin(&gt->home, g->session.id, TUNNEL_QUEUE_BYTES);
	if (err < 0) {
		log_sys("packet tunnel: %s", strerror(-err));
		return;
	}
	say_net(g);
	gateway_tunnel_look(g);
}

/* What the peer tells ------------------------------------------------------------------ */

static void take_net(struct gateway *g, const struct wire_tunnel_net *net)
{
	struct gateway_tunnel *gt = &g->tunnel;

	if (!(net->flags & WIRE_TUNNEL_ON)) {
		gt->refused = true;
	} else if (gt->refused) { /* it has lost our key */
		gt->refused = false;
		begin(g);
	}
	if (!memcmp(net, &gt->peer, sizeof(*net)))
		return;
	bool moved = gt->peer.flags && !addr_equal_ip(&net->inner4, &gt->peer.inner4);
	gt->peer = *net;
	know(g);
	if (moved)
		tunnel_home_renew(&gt->home);
	make_ready(g);
	gateway_tunnel_look(g);
}

/* As at the other end: no key is used by two tunnels. */
static void take_key(struct gateway_tunnel *gt, const struct wire_frame *frame)
{
	if (!gt->home.tunnel || frame->tunnel_key.epoch <= gt->key_epoch)
		return;
	gt->key_epoch = frame->tunnel_key.epoch;
	if (tunnel_frame(gt->home.tunnel, frame) < 0)
		set_why(gt, "the concentrator wants a cipher that is not here");
}

void gateway_tunnel_frame(struct gateway *g, const struct wire_frame *frame)
{
	struct gateway_tunnel *gt = &g->tunnel;

	if (!gt->home.tunnel)
		return;
	if (frame->type == WIRE_DATAGRAM) {
		tunnel_frame(gt->home.tunnel, frame);
		return;
	}
	if (frame->type == WIRE_TUNNEL_NET)
		take_net(g, &frame->tunnel_net);
	else
		take_key(gt, frame);
	gateway_tunnel_look(g);
}

/* Beginning and end ----------------------------------------------------------------------- */

static bool is_wanted(const struct gateway *g)
{
	const struct conf *conf = g->role.conf;

	return !g->rests && conf->lan_count && conf->lan.tunnel && conf->lan.device_count;
}

static void stop(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	struct kerr err;

	tunnel_home_end(&gt->home);
	tunnel_home_close(&gt->home);
	loop_timer_disarm(gt->look);
	gt->ready = false;
	route_clear_tunnel(g->route, 0, &err);
	if (g->home.session)
		say_net(g);
}

void gateway_tunnel_restart(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;

	tunnel_home_end(&gt->home);
	gt->refused = false;
	gt->key_epoch = 0;
	memset(&gt->peer, 0, sizeof(gt->peer));
	if (gt->wanted)
		begin(g);
}

void gateway_tunnel_set_conf(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	bool was = gt->wanted;

	gt->wanted = is_wanted(g);
	if (was && !gt->wanted)
		stop(g);
	if (!was && gt->wanted) {
		tunnel_home_open(&gt->home);
		memset(&gt->peer, 0, sizeof(gt->peer));
		begin(g);
	} else if (gt->wanted) {
		make_ready(g);
		say_net(g);
		gateway_tunnel_look(g);
	}
	gateway_set_modes(g);
}

int gateway_tunnel_init(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;
	struct tunnel_home_args home = {
		.loop = g->role.loop, .kit = &gt->kit, .memory = &g->role.memory,
		.usage = &g->trace.usage,
		.device = TUNNEL_DEVICE, .ops = &home_ops, .ctx = g,
	};
	int err = tunnel_kit_open(&gt->kit, &g->role.memory);

	outage_init(&gt->outage, loop_now_us(g->role.loop));
	gt->dgram = err ? NULL : dgram_create(g->role.loop, 0, 1);
	gt->look = gt->dgram ? loop_timer_create(g->role.loop, on_look, g) : NULL;
	if (!gt->look)
		return -ENOMEM;
	gt->kit.is_single = g->role.conf->main.offload == CONF_OFFLOAD_OFF;
	if (gt->kit.is_single)
		dgram_send_singly(gt->dgram);
	home.dgram = gt->dgram;
	err = tunnel_home_init(&gt->home, &home);
	gt->wanted = !err && is_wanted(g);
	if (gt->wanted)
		tunnel_home_open(&gt->home);
	return err;
}

void gateway_tunnel_finish(struct gateway *g)
{
	struct gateway_tunnel *gt = &g->tunnel;

	tunnel_home_finish(&gt->home);
	loop_timer_destroy(gt->look);
	dgram_destroy(gt->dgram);
	tunnel_kit_close(&gt->kit);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see lan.h. Owns the listeners and TPROXY's rule and route; writes the
 * ruleset, which ruleset.h keeps in force.
 */
#include "agg/role/lan.h"

#include "agg/base/backoff.h"
#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/bridge.h"
#include "agg/report/report.h"
#include "agg/role/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLY_US 50000u     /* changes of networks are gathered */
#define CONNECTED_MAX 256   /* networks that are left alone */
#define LEFT_ALONE_MAX (ENDPOINTS_ALL_MAX + LAN_ADDRESSES_MAX)
#define AGAIN_MIN_US 1000000u /* the pause, doubled with each failure */
#define AGAIN_MAX_US 30000000u
#define TELL_US 600000000u  /* between lines about strangers */
#define BRIDGE_US 5000000u  /* between looks at settings that tell nobody */
#define LOOPBACK_IFINDEX 1  /* in every network namespace */

struct lan {
	struct lan_args args;
	struct inlet *socks5, *tproxy[2];
	enum intercept_mode v4_mode, v6_mode;
	struct lan_tunnel others;
	bool draining;
	bool known;             /* the modes were set */
	bool changed;           /* and differ from those in force, perhaps */
	struct loop_timer *apply, *bridge_look;
	char bridge[2][IFNAMSIZ]; /* that hides IPv4, IPv6 from us; "": none */
	struct ruleset *ruleset; /* NULL: it rests */
	struct kerr ruleset_error; /* why it could not be written */
	struct loop_timer *again; /* for a way in that could not be opened */
	unsigned failures;        /* of that, in a row */
	/* Why; 0: it is open, or not wanted. */
	int socks5_error, tproxy_error, tproxy6_error;
	uint64_t told_us;       /* of clients by other devices, last */
};

/* Interception ------------------------------------------------------------ */

static bool wants_tproxy(const struct lan *lan)
{
	return lan->args.conf->lan_count && lan->args.conf->lan.tproxy;
}

static size_t connected_networks(const struct lan *lan, struct prefix *out)
{
	const struct netdev *dev;
	size_t n = 0;

	for (unsigned i = 0; (dev = netmon_at(lan->args.netmon, i)); i++)
		for (unsigned c = 0; c < dev->connected_count + dev->routed_count; c++)
			if (n < CONNECTED_MAX)
				out[n++] = dev->connected[c];
	return n;
}

/* The concentrator itself: a LAN host reaches it, by ssh for one, without going
 * through it; and its addresses that lead to a host, which may be of this LAN. */
static size_t concentrators(const struct lan *lan, struct prefix out[LEFT_ALONE_MAX])
{
	struct addr endpoints[ENDPOINTS_ALL_MAX];
	unsigned count = endpoints_all(lan->args.endpoints, endpoints);
	const struct lan_tunnel *tunnel = &lan->others;
	size_t n = 0;

	for (unsigned i = 0; tunnel->device && i < tunnel->addresses_count; i++) {
		const struct prefix *at = &tunnel->addresses[i];
		if (n < LAN_ADDRESSES_MAX &&
		    at->length == (at->family == AF_INET ? 32 : 128))
			out[n++] = *at;
	}

	for (unsigned i = 0; i < count; i++) {
		const struct addr *at = &endpoints[i];
		out[n] = (struct prefix){ .family = at->family };
		out[n].length = (uint8_t)(8 * addr_ip_len(at));
		memcpy(out[n++].ip, at->ip, addr_ip_len(at));
	}
	return n;
}

static void find_bridge(const struct conf *conf, sa_family_t family,
                        char out[IFNAMSIZ])
{
	*out = 0;
	for (unsigned i = 0; i < conf->lan.device_count && !*out; i++)
		if (bridge_hides(NULL, conf->lan.device[i].name, family))
			memcpy(out, conf->lan.device[i].name, IFNAMSIZ);
}

static const char *hiding_bridge(const struct lan *lan)
{
	return *lan->bridge[0] ? lan->bridge[0] : lan->bridge[1];
}

static void look_at_bridges(struct lan *lan)
{
	bool before = *hiding_bridge(lan);

	find_bridge(lan->args.conf, AF_INET, lan->bridge[0]);
	find_bridge(lan->args.conf, AF_INET6, lan->bridge[1]);
	const char *now = hiding_bridge(lan);
	if (*now && !before)
		log_user("interception: new connections by %s leave directly: "
		         "br_netfilter hides them from TPROXY", now);
	else if (before && !*now)
		log_info("interception: no bridge hides connections any more");
}

/* What a bridge hides is left to the kernel, which would lead it nowhere. */
static enum intercept_mode mode_of(const struct lan *lan, sa_family_t family)
{
	bool v6 = family == AF_INET6;
	enum intercept_mode mode = v6 ? lan->v6_mode : lan->v4_mode;

	if (mode != INTERCEPT_TAKE)
		return mode;
	if (*lan->bridge[v6])
		return INTERCEPT_FORWARD;
	/* Nobody is led to a listener that is not there. */
	return v6 && !lan->tproxy[1] ? INTERCEPT_REJECT : mode;
}

/* What a rule leads into the tunnel, in that mode: there, past it, or as if no
 * rule spoke of it, which refuses it. */
static uint8_t tunnel_way(const struct lan_tunnel *tunnel, enum intercept_mode mode)
{
	if (!tunnel->device)
		return WAYMARK_DIRECT;
	switch (mode) {
	case INTERCEPT_TAKE:
		return WAYMARK_TUNNEL;
	case INTERCEPT_FORWARD:
		return WAYMARK_DIRECT;
	case INTERCEPT_REJECT:
		break;
	}
	return WAYMARK_NONE;
}

static int build_ruleset(struct lan *lan, struct buf *out, struct kerr *err)
{
	const struct conf *conf = lan->args.conf;
	const char *devices[CONF_LAN_DEVICES_MAX];
	struct prefix connected[CONNECTED_MAX];
	struct prefix bypass[LEFT_ALONE_MAX];
	struct waymark_rule rules[CONF_BYPASSES_MAX];
	struct addr at = { .port = 0 };

	if (lan->tproxy[0])
		lan->tproxy[0]->ops->address(lan->tproxy[0], &at);
	for (unsigned i = 0; i < conf->lan.device_count; i++)
		devices[i] = conf->lan.device[i].name;
	struct intercept want = {
		.devices = devices, .devices_count = conf->lan.device_count,
		.bypass = bypass, .bypass_count = concentrators(lan, bypass),
		.connected = connected,
		.connected_count = connected_networks(lan, connected),
		.port = at.port, .mark = conf->main.mark,
		.v4_mode = mode_of(lan, AF_INET),
		.v6_mode = mode_of(lan, AF_INET6),
		.tunnel = lan->others.device,
		.tunnel_mark = conf->main.tunnel_mark,
		.v4_tunnel = lan->others.v4, .v6_tunnel = lan->others.v6,
	};
	bypass_plan(lan->args.bypass, conf, rules, &want.ways);
	want.ways.tunnel[0] = tunnel_way(&lan->others, lan->others.v4);
	want.ways.tunnel[1] = tunnel_way(&lan->others, lan->others.v6);
	return intercept_ruleset(out, &want, err);
}

/* Is there something to lead anybody to? TCP is not led into the tunnel merely
 * because its listener is not open yet. */
static bool has_ruleset(const struct lan *lan)
{
	return lan->known && lan->args.conf->lan.device_count &&
	       (lan->tproxy[0] || (!wants_tproxy(lan) && lan->others.device));
}

/* What bypasses the session by an uplink is led by its mark. */
static void set_ways(struct lan *lan)
{
	const struct conf *conf = lan->args.conf;
	uint32_t bit = conf->bypass_count ? conf->main.bypass_mark : 0;
	char devices[CONF_LAN_DEVICES_MAX][IFNAMSIZ];
	struct kerr err = { "" };

	for (unsigned i = 0; i < conf->lan.device_count; i++)
		memcpy(devices[i], conf->lan.device[i].name, IFNAMSIZ);
	if (route_set_ways(lan->args.route, bit,
	                   (const char (*)[IFNAMSIZ])devices,
	                   conf->lan.device_count, &err) < 0)
		log_sys("bypass: %s", err.text);
}

static void on_apply(void *ctx)
{
	struct lan *lan = ctx;
	struct kerr err = { "" };
	struct buf text;

	if (!lan->ruleset)
		return;
	if (!has_ruleset(lan)) {
		ruleset_want_none(lan->ruleset);
		return;
	}
	set_ways(lan);
	look_at_bridges(lan);
	buf_init(&text, NFT_RULESET_MAX);
	int rc = build_ruleset(lan, &text, &err);
	if (!rc && (rc = ruleset_want(lan->ruleset, &text)) < 0)
		kerr_set(&err, rc, "keeping the ruleset");
	if (rc < 0 && strcmp(err.text, lan->ruleset_error.text))
		log_sys("interception: %s", err.text);
	lan->ruleset_error = err; /* "" where there is none */
	buf_finish(&text);
}

static void on_bridge_look(void *ctx)
{
	struct lan *lan = ctx;

	on_apply(lan);
	loop_timer_arm(lan->bridge_look,
	               loop_now_us(lan->args.loop) + BRIDGE_US);
}

static void apply_soon(struct lan *lan)
{
	loop_timer_arm(lan->apply, loop_now_us(lan->args.loop) + APPLY_US);
}

/* Who is served by SOCKS5 -------------------------------------------------- */

static const char *device_name(const struct lan *lan, int ifindex)
{
	const struct netdev *dev;

	for (unsigned i = 0; (dev = netmon_at(lan->args.netmon, i)); i++)
		if (dev->ifindex == ifindex)
			return dev->name;
	return "";
}

/* Where no LAN device is named, all but the uplinks are. */
static bool is_lan_device(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->lan.device_count; i++)
		if (!strcmp(conf->lan.device[i].name, name))
			return true;
	for (unsigned i = 0; i < conf->uplink_count; i++)
		if (!strcmp(conf->uplinks[i].device.name, name))
			return false;
	return !conf->lan.device_count && !conf->lan.interface_count && *name;
}

static bool admits(void *ctx, int ifindex)
{
	struct lan *lan = ctx;
	const char *name = device_name(lan, ifindex);

	if (ifindex == LOOPBACK_IFINDEX || is_lan_device(lan->args.conf, name))
		return true;
	if (seldom(&lan->told_us, loop_now_us(lan->args.loop), TELL_US))
		log_peer("SOCKS5: a client came in by %s, which is no LAN device: "
		         "refused", *name ? name : "an unknown device");
	return false;
}

static void on_client(void *ctx, const struct inlet_client *client)
{
	struct lan *lan = ctx;

	lan->args.on_client(lan->args.ctx, client);
}

/* The ways in --------------------------------------------------------------- */

static int open_inlet(struct lan *lan, const struct conf_lan *conf,
                      const struct inlet_ops *ops, const struct addr *at,
                      struct inlet **out)
{
	struct inlet_args args = {
		.loop = lan->args.loop, .listen = *at,
		.username = conf->socks5_user, .password = conf->socks5_password,
		.admits = admits, .hosts = lan->args.hosts, .associates = true,
		.on_client = on_client, .ctx = lan,
	};

	return ops->create(out, &args);
}

/* Words for a person; a failure that lasts is logged once. */
static void note(const char *what, const struct addr *at, int err, int *known)
{
	char text[ADDR_TEXT_MAX];

	if (err != *known && err)
		log_sys("%s at %s: %s; tried again", what, addr_format(at, text),
		        strerror(-err));
	else if (err != *known)
		log_info("%s at %s: open", what, addr_format(at, text));
	*known = err;
}

static void open_socks5(struct lan *lan)
{
	const struct conf_lan *conf = &lan->args.conf->lan;

	if (conf->socks5.family == AF_UNSPEC || lan->socks5 || lan->draining)
		return;
	note("SOCKS5", &conf->socks5,
	     open_inlet(lan, conf, &inlet_socks5, &conf->socks5, &lan->socks5),
	     &lan->socks5_error);
}

static void close_socks5(struct lan *lan)
{
	inlet_destroy(lan->socks5);
	lan->socks5 = NULL;
	lan->socks5_error = 0;
}

static void set_route(struct lan *lan)
{
	const struct conf *conf = lan->args.conf;
	char devices[CONF_LAN_DEVICES_MAX][IFNAMSIZ];
	struct kerr err = { "" };

	for (unsigned i = 0; i < conf->lan.device_count; i++)
		memcpy(devices[i], conf->lan.device[i].name, IFNAMSIZ);
	/* What cannot be put now, its keeper puts later: route_tproxy_why. */
	if (route_set_tproxy(lan->args.route, conf->main.mark,
	                     (const char (*)[IFNAMSIZ])devices,
	                     conf->lan.device_count, &err) < 0)
		log_sys("TPROXY: %s", err.text);
}

static int try_tproxy(struct lan *lan)
{
	const struct conf_lan *conf = &lan->args.conf->lan;
	struct addr at = { .family = AF_INET };
	int rc = open_inlet(lan, conf, &inlet_tproxy, &at, &lan->tproxy[0]);

	if (rc < 0)
		return rc;
	set_route(lan);
	apply_soon(lan);
	return 0;
}

/* A kernel without IPv6 needs none. */
static int try_tproxy6(struct lan *lan, const struct addr *at)
{
	int rc = lan->tproxy[1] ? 0 :
		open_inlet(lan, &lan->args.conf->lan, &inlet_tproxy, at,
		           &lan->tproxy[1]);

	if (!rc)
		apply_soon(lan);
	return rc == -EAFNOSUPPORT ? 0 : rc;
}

/* One port for both families, which the first one chose. */
static void open_tproxy(struct lan *lan)
{
	struct addr at = { .family = AF_INET };

	if (!wants_tproxy(lan))
		return;
	if (!lan->tproxy[0])
		note("TPROXY", &at, try_tproxy(lan), &lan->tproxy_error);
	if (!lan->tproxy[0] || lan->tproxy[1])
		return;
	lan->tproxy[0]->ops->address(lan->tproxy[0], &at);
	at = (struct addr){ .family = AF_INET6, .port = at.port };
	note("TPROXY", &at, try_tproxy6(lan, &at), &lan->tproxy6_error);
}

static void close_tproxy(struct lan *lan)
{
	inlet_destroy(lan->tproxy[0]);
	inlet_destroy(lan->tproxy[1]);
	lan->tproxy[0] = lan->tproxy[1] = NULL;
	lan->tproxy_error = lan->tproxy6_error = 0;
}

static void stop_intercepting(struct lan *lan)
{
	struct kerr err;

	close_tproxy(lan);
	on_apply(lan);
	route_clear_tproxy(lan->args.route, &err);
}

static bool lacks_way_in(const struct lan *lan)
{
	return lan->socks5_error || lan->tproxy_error || lan->tproxy6_error;
}

/* What is wanted and not open; what still is not, again after a pause. */
static void open_wanted(void *ctx)
{
	struct lan *lan = ctx;

	if (!lan->ruleset)
		return;
	open_socks5(lan);
	open_tproxy(lan);
	if (!lacks_way_in(lan)) {
		lan->failures = 0;
		return;
	}
	loop_timer_arm(lan->again, loop_now_us(lan->args.loop) +
	               backoff_us(AGAIN_MIN_US, ++lan->failures, AGAIN_MAX_US));
}

/* It may be the new place that our own old one keeps others from: then the old
 * one makes way, and comes back where that was not it. */
static int replace_socks5(struct lan *lan, const struct conf_lan *old)
{
	const struct conf_lan *conf = &lan->args.conf->lan;
	struct inlet *fresh = NULL;
	int rc = conf->socks5.family == AF_UNSPEC ? 0 :
		open_inlet(lan, conf, &inlet_socks5, &conf->socks5, &fresh);

	if (rc == -EADDRINUSE && lan->socks5) {
		close_socks5(lan);
		rc = open_inlet(lan, conf, &inlet_socks5, &conf->socks5, &fresh);
		if (rc < 0)
			lan->socks5_error = open_inlet(lan, old, &inlet_socks5,
			                               &old->socks5, &lan->socks5);
	}
	if (rc < 0)
		return rc;
	close_socks5(lan);
	lan->socks5 = fresh;
	return 0;
}

/* The owner ------------------------------------------------------------------ */

static struct ruleset *make_ruleset(const struct lan *lan)
{
	return ruleset_create(lan->args.loop, "interception", lan->args.on_settled,
	                      lan->args.ctx);
}

struct lan *lan_create(const struct lan_args *args)
{
	struct lan *lan = calloc(1, sizeof(*lan));
	if (!lan)
		return NULL;
	lan->args = *args;
	lan->ruleset = make_ruleset(lan);
	lan->apply = loop_timer_create(args->loop, on_apply, lan);
	lan->again = loop_timer_create(args->loop, open_wanted, lan);
	lan->bridge_look = loop_timer_create(args->loop, on_bridge_look, lan);
	if (!lan->ruleset || !lan->apply || !lan->again || !lan->bridge_look) {
		log_sys("LAN: %s", strerror(errno));
		lan_destroy(lan);
		return NULL;
	}
	open_wanted(lan);
	on_bridge_look(lan);
	return lan;
}

void lan_destroy(struct lan *lan)
{
	struct kerr err = { "" };

	if (!lan)
		return;
	bool rests = lan->known && !lan->ruleset;
	close_socks5(lan);
	ruleset_destroy(lan->ruleset);
	/* Who comes now shall not be led to a listener that is gone. */
	if (!rests && nft_cleanup(&err) < 0)
		log_sys("interception: %s", err.text);
	close_tproxy(lan);
	loop_timer_destroy(lan->apply);
	loop_timer_destroy(lan->bridge_look);
	loop_timer_destroy(lan->again);
	free(lan);
}

void lan_set_modes(struct lan *lan, enum intercept_mode v4,
                   enum intercept_mode v6, const struct lan_tunnel *others)
{
	if (!lan->known || v4 != lan->v4_mode || v6 != lan->v6_mode)
		lan->changed = true;
	lan->others = *others;
	lan->v4_mode = v4;
	lan->v6_mode = v6;
	lan->known = true;
	on_apply(lan);
}

void lan_on_netdev(struct lan *lan)
{
	if (lan->ruleset && ruleset_is_settled(lan->ruleset))
		lan->changed = false;
	if (lacks_way_in(lan))
		open_wanted(lan);
	apply_soon(lan);
}

void lan_on_endpoints(struct lan *lan)
{
	apply_soon(lan);
}

void lan_on_bypass(struct lan *lan)
{
	on_apply(lan);
}

static bool socks5_equal(const struct conf_lan *a, const struct conf_lan *b)
{
	return addr_equal(&a->socks5, &b->socks5) &&
	       !strcmp(a->socks5_user, b->socks5_user) &&
	       !strcmp(a->socks5_password, b->socks5_password);
}

int lan_reload(struct lan *lan, const struct conf *conf,
               struct conf_error *error)
{
	const struct conf *old = lan->args.conf;
	bool opens = wants_tproxy(lan), had = lan->tproxy[0];
	char text[ADDR_TEXT_MAX];
	int rc = 0;

	lan->args.conf = conf;
	opens = !opens && wants_tproxy(lan) && !had;
	if (opens && (rc = try_tproxy(lan)) < 0)
		snprintf(error->text, sizeof(error->text), "TPROXY: %s",
		         strerror(-rc));
	if (!rc && !socks5_equal(&old->lan, &conf->lan) &&
	    (rc = replace_socks5(lan, &old->lan)) < 0)
		snprintf(error->text, sizeof(error->text), "SOCKS5 at %s: %s",
		         addr_format(&conf->lan.socks5, text), strerror(-rc));
	if (rc < 0) {
		lan->args.conf = old;
		if (opens)
			stop_intercepting(lan);
	} else if (!wants_tproxy(lan) && had) {
		stop_intercepting(lan);
	} else if (lan->tproxy[0]) {
		set_route(lan);
	}
	open_wanted(lan);
	apply_soon(lan);
	return rc;
}

bool lan_is_settled(const struct lan *lan)
{
	return !lan->tproxy[0] || !lan->changed || !lan->ruleset ||
	       ruleset_is_settled(lan->ruleset);
}

void lan_report(const struct lan *lan, struct report_interception *out)
{
	const char *bridge = hiding_bridge(lan);

	if (!wants_tproxy(lan) || !lan->ruleset)
		return;
	const char *table = *lan->ruleset_error.text ? lan->ruleset_error.text
	                                             : ruleset_why(lan->ruleset);
	if (*bridge)
		snprintf(out->why, sizeof(out->why), "new connections by bridge %s "
		         "leave directly; for aggd, set "
		         "net.bridge.bridge-nf-call-iptables and -ip6tables to 0",
		         bridge);
	else
		snprintf(out->why, sizeof(out->why), "%.*s", REPORT_WORDS_MAX,
		         *table ? table : route_tproxy_why(lan->args.route));
	out->state = *out->why ? REPORT_INTERCEPTION_BROKEN
	                       : REPORT_INTERCEPTION_IN_FORCE;
}

/* More words, after "; " where they are not the first. */
static void add_words(char *out, size_t size, const char *what, const char *name,
                      const char *why)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s%s%s%s", len ? "; " : "", what, name,
	         *why ? ": " : "", why);
}

void lan_waits_for(const struct lan *lan, char *out, size_t size)
{
	const struct conf_lan *conf = &lan->args.conf->lan;
	char text[ADDR_TEXT_MAX];

	*out = 0;
	addr_format(&conf->socks5, text);
	if (lan->socks5_error)
		add_words(out, size, "SOCKS5 at ", text, strerror(-lan->socks5_error));
	else if (lan->socks5 && !addr_is_any(&conf->socks5) &&
	         !netmon_is_local(lan->args.netmon, &conf->socks5))
		add_words(out, size, "the address of SOCKS5, ", text, "");
	if (lan->tproxy_error)
		add_words(out, size, "TPROXY", "", strerror(-lan->tproxy_error));
	if (lan->tproxy6_error)
		add_words(out, size, "TPROXY for IPv6", "",
		          strerror(-lan->tproxy6_error));
	for (unsigned i = 0; i < conf->device_count; i++)
		if (!netmon_find(lan->args.netmon, conf->device[i].name))
			add_words(out, size, "LAN device ", conf->device[i].name, "");
	if (conf->device_count < conf->own_count + conf->interface_count)
		add_words(out, size, "a device of each LAN interface", "", "");
}

void lan_rest(struct lan *lan, bool rests)
{
	if (rests) {
		ruleset_destroy(lan->ruleset);
		lan->ruleset = NULL;
	} else if (!lan->ruleset) {
		lan->ruleset = make_ruleset(lan);
	}
	inlet_rest(lan->socks5, rests);
	inlet_rest(lan->tproxy[0], rests);
	inlet_rest(lan->tproxy[1], rests);
	open_wanted(lan);
	on_apply(lan);
}

void lan_drain(struct lan *lan)
{
	lan->draining = true;
	close_socks5(lan);
	if (!lan->ruleset)
		close_tproxy(lan);
	lan->others.v4 = lan->others.v6 = INTERCEPT_FORWARD;
	lan_set_modes(lan, INTERCEPT_FORWARD, INTERCEPT_FORWARD, &lan->others);
}

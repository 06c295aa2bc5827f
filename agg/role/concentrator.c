/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator: its parts, and what is done to all of them. Who comes
 * in is the door's, whose session it is the site's, the way out the outlet's.
 */
#include "agg/base/descriptors.h"
#include "agg/base/log.h"
#include "agg/role/door.h"
#include "agg/role/ipv6.h"
#include "agg/role/mptcp/mptcp_host.h"
#include "agg/role/role.h"
#include "agg/role/site.h"
#include "proxy/outlet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct concentrator {
	struct role role;
	struct tls_context *tls;
	struct door door;
	struct sites sites;
	struct loop_timer *second;
	struct relays *relays;
	struct resolver *resolver;
	struct egress egress;
	struct outlet *outlet;
	struct share_pool pool;
	struct mptcp_host mptcp_host;
	struct ipv6 ipv6;
	bool draining;
	bool door_lacks; /* an address that it listens at */
};

static bool is_local(void *ctx, const struct addr *a)
{
	struct concentrator *c = ctx;

	return netmon_is_local(c->role.netmon, a);
}

static void tell_flags(struct concentrator *c)
{
	/* A door that is closed for good says nothing of who is inside. */
	bool mptcp = c->draining ? c->sites.flags & WIRE_HAS_MPTCP
	                         : door_takes_mptcp(&c->door);

	sites_set_flags(&c->sites, (ipv6_works(&c->ipv6) ? WIRE_HAS_IPV6 : 0) |
	                           (mptcp ? WIRE_HAS_MPTCP : 0) |
	                           (c->draining ? WIRE_DRAINING : 0));
}

static void note_ipv6(struct concentrator *c)
{
	const struct netdev *dev;
	bool ipv6 = false;

	for (unsigned i = 0; (dev = netmon_at(c->role.netmon, i)); i++)
		ipv6 |= netdev_is_ready(dev, AF_INET6);
	ipv6_set_ready(&c->ipv6, ipv6);
}

static void on_change(void *ctx)
{
	struct concentrator *c = ctx;

	role_changed(&c->role);
}

static void on_ipv6(void *ctx)
{
	tell_flags(ctx);
	on_change(ctx);
}

static void on_second(void *ctx)
{
	struct concentrator *c = ctx;

	sites_measure(&c->sites);
	role_tidy_memory(&c->role);
	loop_timer_arm(c->second, loop_now_us(c->role.loop) + SNAPSHOT_RATE_US);
}

/* What others borrow of the configuration. */
static void take_conf(struct concentrator *c)
{
	snprintf(c->door.congestion, sizeof(c->door.congestion), "%s",
	         c->role.conf->main.congestion);
	c->egress = (struct egress){
		.allow = c->role.conf->egress.allow,
		.allow_count = c->role.conf->egress.allow_count,
		.is_local = is_local, .ctx = c,
	};
}

/* 0, or -errno with an error of which nothing has changed. */
static int open_door(struct concentrator *c, const struct conf *conf,
                     struct conf_error *error)
{
	struct addr culprit;
	char what[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	bool mptcp = c->mptcp_host.pm &&
	             conf->main.carrier != CONF_CARRIER_SUBFLOWS;
	int err = c->draining ? 0 :
	          door_open(&c->door, &conf->main, mptcp, &culprit);

	if (err < 0) {
		snprintf(what, sizeof(what), "listen %s",
		         addr_format(&culprit, text));
		conf_error_set(error, what, 0, "%s", strerror(-err));
	}
	return err;
}

/* Addresses that the door waits for are told when that changes. */
static void look_at_door(struct concentrator *c)
{
	char text[ADDR_TEXT_MAX];
	struct addr at;
	bool lacks = door_lacks(&c->door, is_local, c, &at);

	if (lacks && !c->door_lacks)
		log_user("listen %s: no device has this address; waiting for it",
		         addr_format(&at, text));
	else if (!lacks && c->door_lacks)
		log_info("listen: every address is there");
	c->door_lacks = lacks;
}

static void concentrator_on_netdev(struct role *role, const struct netdev *dev)
{
	struct concentrator *c = (struct concentrator *)role;

	note_ipv6(c);
	look_at_door(c);
	role_changed(role);
}

static int concentrator_reload(struct role *role, const struct conf *conf,
                               struct conf_error *error)
{
	struct concentrator *c = (struct concentrator *)role;
	const struct conf *old = role->conf;
	struct site *fresh;

	int err = sites_prepare(&c->sites, conf, &fresh);

	if (err < 0) {
		conf_error_set(error, "sites", 0, "%s", strerror(-err));
		return err;
	}
	err = open_door(c, conf, error);
	if (err < 0) {
		sites_forget(fresh);
		return err;
	}
	if (fresh) /* who was refused may be one of these */
		guard_forgive(&c->door.guard);
	role->conf = conf;
	take_conf(c);
	err = resolver_reload(c->resolver);
	if (err < 0)
		log_sys("names: the servers of before stay: %s", strerror(-err));
	sites_apply(&c->sites, conf, old, fresh);
	mptcp_host_set_scheduler(&c->mptcp_host, &conf->main);
	tell_flags(c);
	look_at_door(c);
	return 0;
}

static void concentrator_drain(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	c->draining = true;
	door_close(&c->door);
	tell_flags(c);
}

/* What is missing, and may come. */
static void say_waits(struct concentrator *c, char *out, size_t size)
{
	char at_text[ADDR_TEXT_MAX], door[ADDR_TEXT_MAX + 32] = "";
	const char *names = resolver_lacks(c->resolver);
	const char *ipv6 = ipv6_is_broken(&c->ipv6) ? "an answer by IPv6" : "";
	struct addr at;

	if (door_lacks(&c->door, is_local, c, &at))
		snprintf(door, sizeof(door), "the address of listen %s",
		         addr_format(&at, at_text));
	snprintf(out, size, "%s%s%s%s%s", door, *door && names ? ", " : "",
	         names ? names : "",
	         *ipv6 && (*door || names) ? ", " : "", ipv6);
}

static void concentrator_report(struct role *role, struct report *out)
{
	struct concentrator *c = (struct concentrator *)role;

	say_waits(c, out->head.waits_for, sizeof(out->head.waits_for));
	sites_report(&c->sites, out);
}

static unsigned concentrator_streams(const struct role *role)
{
	const struct concentrator *c = (const struct concentrator *)role;

	return sites_streams(&c->sites);
}

static int concentrator_choose(struct role *role, const struct choice *choice,
                               struct buf *out)
{
	struct concentrator *c = (struct concentrator *)role;

	return sites_choose(&c->sites, choice, out);
}

static void concentrator_destroy(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	door_finish(&c->door);
	sites_finish(&c->sites);
	outlet_destroy(c->outlet);
	ipv6_finish(&c->ipv6);
	resolver_destroy(c->resolver);
	relays_destroy(c->relays);
	loop_timer_destroy(c->second);
	tls_context_destroy(c->tls);
	mptcp_host_close(&c->mptcp_host);
	free(c);
}

/* Gateways may join as many subflows as the kernel has room for, and are not
 * followed to addresses that they announce. */
static void open_mptcp(struct concentrator *c)
{
	struct mptcp_host *host = &c->mptcp_host;
	struct kerr err = { "" };

	mptcp_host_open(host, c->role.loop, &c->role.conf->main, NULL, NULL);
	if (!host->pm) {
		log_info("no MPTCP for gateways: %s", host->obstacle);
		return;
	}
	mptcp_host_set_scheduler(host, &c->role.conf->main);
	if (mptcp_pm_raise_limits(host->pm, MPTCP_PM_SUBFLOWS_MAX, &err) < 0 ||
	    mptcp_pm_set_accepted_addresses(host->pm, 0, &err) < 0)
		log_sys("mptcp: %s", err.text);
}

/* What sites share; a connection takes a descriptor. */
static void make_pool(struct share_pool *pool)
{
	*pool = (struct share_pool){ .max = {
		[SHARE_DIALS] = OUTLET_DIALS_MAX,
		[SHARE_NAMES] = RESOLVE_QUERIES_MAX,
		[SHARE_RELAYS] = descriptors_for_streams(RELAYS_MAX),
	} };
}

static int make_parts(struct concentrator *c)
{
	struct loop *loop = c->role.loop;
	const char *state = c->role.conf->main.state;
	struct resolver_args resolver = { .loop = loop };

	c->second = loop_timer_create(loop, on_second, c);
	c->tls = tls_context_create(TLS_SERVER, state);
	if (!c->tls)
		log_user("identity in %s: %s; aggctl keygen %s makes one", state,
		         strerror(errno), state);
	c->relays = relays_create(loop);
	c->resolver = resolver_create(&resolver);
	if (!c->second || !c->tls || !c->relays || !c->resolver)
		return -1;
	struct ipv6_args six = { loop, &c->egress, c->resolver, on_ipv6, c };
	if (ipv6_init(&c->ipv6, &six) < 0)
		return -1;
	struct outlet_args outlet = { loop, &c->egress, c->resolver, c->relays,
	                              &c->ipv6.watch };
	c->outlet = outlet_create(&outlet);
	c->sites.outlet = c->outlet;
	c->door.tls = c->tls;
	return c->outlet ? 0 : -1;
}

/* As a reload of nothing. */
static int begin(struct concentrator *c)
{
	const struct conf *conf = c->role.conf;
	struct conf_error error = { "" };
	struct site *fresh;
	int err = open_door(c, conf, &error);

	if (err < 0) {
		log_sys("%s", error.text);
		return err;
	}
	err = sites_prepare(&c->sites, conf, &fresh);
	if (err < 0) {
		log_sys("sites: %s", strerror(-err));
		return err;
	}
	note_ipv6(c);
	tell_flags(c);
	sites_apply(&c->sites, conf, conf, fresh);
	look_at_door(c);
	return 0;
}

static struct role *concentrator_create(struct loop *loop,
                                        const struct conf *conf,
                                        struct netmon *netmon)
{
	struct concentrator *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	role_init(&c->role, &role_concentrator, loop, conf, netmon);
	c->door = (struct door){ .loop = loop, .sites = &c->sites };
	c->sites = (struct sites){ .loop = loop, .conf = conf,
	                           .memory = &c->role.memory,
	                           .mptcp_host = &c->mptcp_host,
	                           .pool = &c->pool,
	                           .on_change = on_change, .ctx = c };
	make_pool(&c->pool);
	take_conf(c);
	open_mptcp(c);
	if (make_parts(c) < 0 || begin(c) < 0) {
		concentrator_destroy(&c->role);
		return NULL;
	}
	on_second(c);
	return &c->role;
}

const struct role_ops role_concentrator = {
	.name = "concentrator",
	.create = concentrator_create,
	.reload = concentrator_reload,
	.on_netdev = concentrator_on_netdev,
	.drain = concentrator_drain,
	.streams = concentrator_streams,
	.report = concentrator_report,
	.choose = concentrator_choose,
	.destroy = concentrator_destroy,
};

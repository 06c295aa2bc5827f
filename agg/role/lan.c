/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see lan.h. Owns the listeners and TPROXY's rule and route; writes the
 * ruleset, which ruleset.h keeps in force.
 */
#include "agg/role/lan.h"

#include "agg/base/log.h"
#include "agg/report/report.h"
#include "agg/role/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLY_US 50000u     /* changes of networks are gathered */
#define CONNECTED_MAX 256   /* networks that are left alone */

struct lan {
	struct lan_args args;
	struct inlet *socks5, *tproxy[2];
	enum intercept_mode v4_mode, v6_mode;
	bool known;             /* the modes were set */
	bool changed;           /* and differ from those in force, perhaps */
	struct loop_timer *apply;
	struct ruleset *ruleset;
};

/* Interception ------------------------------------------------------------ */

static size_t connected_networks(const struct lan *lan, struct prefix *out)
{
	const struct netdev *dev;
	size_t n = 0;

	for (unsigned i = 0; (dev = netmon_at(lan->args.netmon, i)); i++)
		for (unsigned c = 0; c < dev->connected_count; c++)
			if (n < CONNECTED_MAX)
				out[n++] = dev->connected[c];
	return n;
}

static int build_ruleset(struct lan *lan, struct buf *out, struct kerr *err)
{
	const struct conf *conf = lan->args.conf;
	const char *devices[CONF_LAN_DEVICES_MAX];
	struct prefix connected[CONNECTED_MAX];
	struct addr at;

	lan->tproxy[0]->ops->address(lan->tproxy[0], &at);
	for (unsigned i = 0; i < conf->lan.device_count; i++)
		devices[i] = conf->lan.device[i].name;
	struct intercept want = {
		.devices = devices, .devices_count = conf->lan.device_count,
		.bypass = conf->bypass.dest,
		.bypass_count = conf->bypass.dest_count,
		.connected = connected,
		.connected_count = connected_networks(lan, connected),
		.port = at.port, .mark = conf->main.mark,
		.v4_mode = lan->v4_mode, .v6_mode = lan->v6_mode,
	};
	return intercept_ruleset(out, &want, err);
}

static void on_apply(void *ctx)
{
	struct lan *lan = ctx;
	struct kerr err = { "" };
	struct buf text;

	if (!lan->tproxy[0] || !lan->known)
		return;
	buf_init(&text, NFT_RULESET_MAX);
	int rc = build_ruleset(lan, &text, &err);
	if (!rc && (rc = ruleset_want(lan->ruleset, &text)) < 0)
		kerr_set(&err, rc, "keeping the ruleset");
	if (rc < 0)
		log_sys("interception: %s", err.text);
	buf_finish(&text);
}

static void apply_soon(struct lan *lan)
{
	loop_timer_arm(lan->apply, loop_now_us(lan->args.loop) + APPLY_US);
}

/* The ways in --------------------------------------------------------------- */

static struct inlet *open_inlet(struct lan *lan, const struct inlet_ops *ops,
                                const struct addr *at, const char *what)
{
	const struct conf_lan *conf = &lan->args.conf->lan;
	char text[ADDR_TEXT_MAX];
	struct inlet *inlet = NULL;
	struct inlet_args args = {
		.loop = lan->args.loop, .listen = *at,
		.username = conf->socks5_user, .password = conf->socks5_password,
		.on_client = lan->args.on_client, .ctx = lan->args.ctx,
	};
	int err = ops->create(&inlet, &args);

	if (err < 0)
		log_sys("%s at %s: %s", what, addr_format(at, text),
		        strerror(-err));
	return err < 0 ? NULL : inlet;
}

static int open_socks5(struct lan *lan)
{
	const struct addr *at = &lan->args.conf->lan.socks5;

	if (at->family == AF_UNSPEC)
		return 0;
	lan->socks5 = open_inlet(lan, &inlet_socks5, at, "SOCKS5");
	return lan->socks5 ? 0 : -1;
}

static void close_socks5(struct lan *lan)
{
	inlet_destroy(lan->socks5);
	lan->socks5 = NULL;
}

static bool wants_tproxy(const struct lan *lan)
{
	return lan->args.conf->lan_count && lan->args.conf->lan.tproxy;
}

static int set_mark(struct lan *lan)
{
	struct kerr err = { "" };
	int rc = route_set_tproxy(lan->args.route, lan->args.conf->main.mark,
	                          &err);

	if (rc < 0)
		log_sys("TPROXY: %s", err.text);
	return rc;
}

static int open_tproxy(struct lan *lan)
{
	struct addr at = { .family = AF_INET };

	if (!wants_tproxy(lan))
		return 0;
	lan->tproxy[0] = open_inlet(lan, &inlet_tproxy, &at, "TPROXY");
	if (!lan->tproxy[0])
		return -1;
	lan->tproxy[0]->ops->address(lan->tproxy[0], &at);
	at = (struct addr){ .family = AF_INET6, .port = at.port };
	lan->tproxy[1] = open_inlet(lan, &inlet_tproxy, &at, "TPROXY for IPv6");
	if (set_mark(lan) < 0)
		return -1;
	apply_soon(lan);
	return 0;
}

static void close_tproxy(struct lan *lan)
{
	inlet_destroy(lan->tproxy[0]);
	inlet_destroy(lan->tproxy[1]);
	lan->tproxy[0] = lan->tproxy[1] = NULL;
}

static void stop_intercepting(struct lan *lan)
{
	struct kerr err;

	close_tproxy(lan);
	ruleset_want_none(lan->ruleset);
	route_clear_tproxy(lan->args.route, &err);
}

/* The owner ------------------------------------------------------------------ */

struct lan *lan_create(const struct lan_args *args)
{
	struct lan *lan = calloc(1, sizeof(*lan));
	if (!lan)
		return NULL;
	lan->args = *args;
	lan->ruleset = ruleset_create(args->loop);
	lan->apply = loop_timer_create(args->loop, on_apply, lan);
	if (!lan->ruleset || !lan->apply || open_socks5(lan) < 0 || open_tproxy(lan) < 0) {
		lan_destroy(lan);
		return NULL;
	}
	return lan;
}

void lan_destroy(struct lan *lan)
{
	struct kerr err = { "" };

	if (!lan)
		return;
	close_socks5(lan);
	ruleset_destroy(lan->ruleset);
	/* Who comes now shall not be led to a listener that is gone. */
	if (lan->tproxy[0] && nft_cleanup(&err) < 0)
		log_sys("interception: %s", err.text);
	close_tproxy(lan);
	loop_timer_destroy(lan->apply);
	free(lan);
}

void lan_set_modes(struct lan *lan, enum intercept_mode v4,
                   enum intercept_mode v6)
{
	if (!lan->known || v4 != lan->v4_mode || v6 != lan->v6_mode)
		lan->changed = true;
	lan->v4_mode = v4;
	lan->v6_mode = v6;
	lan->known = true;
	on_apply(lan);
}

void lan_on_netdev(struct lan *lan)
{
	if (ruleset_is_settled(lan->ruleset))
		lan->changed = false;
	apply_soon(lan);
}

static bool socks5_equal(const struct conf_lan *a, const struct conf_lan *b)
{
	return addr_equal(&a->socks5, &b->socks5) &&
	       !strcmp(a->socks5_user, b->socks5_user) &&
	       !strcmp(a->socks5_password, b->socks5_password);
}

void lan_reload(struct lan *lan, const struct conf *conf)
{
	const struct conf *old = lan->args.conf;

	lan->args.conf = conf;
	if (!socks5_equal(&old->lan, &conf->lan)) {
		close_socks5(lan);
		open_socks5(lan);
	}
	if (!wants_tproxy(lan) && lan->tproxy[0])
		stop_intercepting(lan);
	else if (!lan->tproxy[0])
		open_tproxy(lan);
	else if (old->main.mark != conf->main.mark)
		set_mark(lan);
	apply_soon(lan);
}

bool lan_is_settled(const struct lan *lan)
{
	return !lan->tproxy[0] || !lan->changed ||
	       ruleset_is_settled(lan->ruleset);
}

void lan_report(const struct lan *lan, struct report_interception *out)
{
	if (!wants_tproxy(lan))
		return;
	const char *table = ruleset_why(lan->ruleset);
	snprintf(out->why, sizeof(out->why), "%s",
	         *table ? table : route_tproxy_why(lan->args.route));
	out->state = *out->why ? REPORT_INTERCEPTION_BROKEN
	                       : REPORT_INTERCEPTION_IN_FORCE;
}

void lan_drain(struct lan *lan)
{
	close_socks5(lan);
	lan_set_modes(lan, INTERCEPT_FORWARD, INTERCEPT_FORWARD);
}

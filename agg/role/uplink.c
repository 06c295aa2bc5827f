/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see uplink.h. Owns its two policy routes, and the keeper of its
 * subflows. Facts come in by uplink_on_netdev() and the subflows' events; after
 * each, settle() does what is to be done: that one function decides.
 */
#include "agg/role/uplink.h"

#include "agg/base/log.h"
#include "agg/kernel/rpfilter.h"
#include "agg/role/pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSS_SMALL 1220u   /* where full packets do not pass; */
#define MSS_LEAST 536u    /* and where those do not, either */
#define MSS_HEADERS 40u   /* of IPv4 and TCP */

struct uplink {
	struct uplink_args args;
	struct conf_uplink conf;
	struct keeper keeper;   /* a slot per bundle */
	struct netdev dev;      /* the last word; present false: none */
	bool routed[2];         /* policy route of IPv4, IPv6 is set */
	struct endpoint at;     /* the one that is tried; family AF_UNSPEC: none */
	struct pace readies;    /* lines that the device is ready */
	uint64_t joins;         /* ever */
	char why[REPORT_WORDS_MAX + 1]; /* the obstacle */
	char last[REPORT_WORDS_MAX + 1]; /* the last failure */
	struct addr seen;       /* the last subflow, by the concentrator; family 0: not */
	bool keeps_port;        /* and its port is the same there */
	unsigned mss;           /* of new subflows; 0: as usual */
	struct addr mss_of[2];  /* while these are the addresses */
	enum conf_cost cost;    /* now */
	char cost_why[REPORT_WORDS_MAX + 1]; /* it is not as configured; "" */
	uint64_t verdict_us;    /* when it was given last; 0: it is not why */
};

static const sa_family_t families[2] = { AF_INET, AF_INET6 };

/* Facts about the device ------------------------------------------------- */

/* Why no subflow can be tried; NULL: one can. */
static const char *obstacle(const struct uplink *u)
{
	if (!u->conf.enabled)
		return "turned off by its option enabled";
	if (!*u->conf.device.name)
		return "netifd's interface is down, or there is none of that name";
	return netdev_obstacle(&u->dev);
}

static bool has_source(const struct netdev *dev, const struct addr *a)
{
	const struct netdev_ip *ip = netdev_ip(dev, a->family);

	if (!netdev_is_ready(dev, a->family))
		return false;
	for (unsigned i = 0; i < ip->sources_count; i++)
		if (addr_equal_ip(&ip->sources[i], a))
			return true;
	return false;
}

static unsigned connected_of(const struct netdev *dev, sa_family_t family,
                             struct prefix out[NETDEV_CONNECTED_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < dev->connected_count; i++)
		if (dev->connected[i].family == family)
			out[n++] = dev->connected[i];
	return n;
}

static void set_route(struct uplink *u, int f)
{
	struct prefix connected[NETDEV_CONNECTED_MAX];
	const struct netdev_ip *ip = netdev_ip(&u->dev, families[f]);
	struct route_uplink want = {
		.index = u->args.index, .family = families[f],
		.gateway = ip->route.gateway, .source = ip->sources[0],
		.connected = connected,
	};
	struct kerr err = { "" };

	if (!u->conf.enabled || !netdev_is_ready(&u->dev, families[f])) {
		if (u->routed[f] && route_clear_uplink(u->args.route, u->args.index,
		                                       families[f], &err) < 0)
			log_sys("uplink %s: %s", u->conf.name, err.text);
		u->routed[f] = false;
		return;
	}
	snprintf(want.device, sizeof(want.device), "%s", u->dev.name);
	want.connected_count = connected_of(&u->dev, families[f], connected);
	u->routed[f] = true; /* or will be: it is tried again (upkeep.h) */
	if (route_set_uplink(u->args.route, &want, &err) < 0)
		log_sys("uplink %s: %s", u->conf.name, err.text);
}

/* Connecting -------------------------------------------------------------- */

unsigned uplink_joined(const struct uplink *u)
{
	return keeper_joined(&u->keeper);
}

const char *uplink_verdict(const struct uplink *u)
{
	return u->verdict_us && !uplink_joined(u) ? u->why : NULL;
}

bool uplink_is_mute(const struct uplink *u)
{
	return !uplink_joined(u) && !strcmp(u->why, SESSION_MUTE_WORDS);
}

bool uplink_has_failed(const struct uplink *u)
{
	return u->joins && !uplink_joined(u);
}

static bool may_use(const void *ctx, const struct addr *endpoint)
{
	const struct uplink *u = ctx;

	return netdev_is_ready(&u->dev, endpoint->family);
}

static void set_why(struct uplink *u, const char *why)
{
	snprintf(u->why, sizeof(u->why), "%s", why);
	u->verdict_us = 0;
}

/* A verdict is the obstacle, and what comes after it only follows from it. */
static void note_failure(struct uplink *u, const char *why, enum subflow_end end)
{
	uint64_t now = loop_now_us(u->args.loop);

	if ((strcmp(u->last, why) && strcmp(u->why, why)) || !u->keeper.retry.failures)
		log_info("uplink %s: %s", u->conf.name, why);
	snprintf(u->last, sizeof(u->last), "%s", why);
	bool verdict = subflow_end_is_verdict(end);
	if (!verdict && u->verdict_us && now - u->verdict_us < UPLINK_VERDICT_US)
		return;
	set_why(u, why);
	if (verdict)
		u->verdict_us = now;
}

/* Where no answer comes, it may be this host that drops it. */
static const char *explain(const struct uplink *u, const char *why,
                           char words[REPORT_WORDS_MAX + 1])
{
	const struct addr *endpoint = &u->at.addr;
	const struct netdev_ip *ip = netdev_ip(&u->dev, endpoint->family);
	char drops[RPFILTER_WORDS_MAX];

	if (!ip->sources_count ||
	    !rpfilter_drops(NULL, u->dev.name, &ip->sources[0], endpoint, drops))
		return why;
	snprintf(words, REPORT_WORDS_MAX + 1, "no answer: %s", drops);
	return words;
}

/* Nothing to be retried: when there is one it is told. */
static void note_no_endpoint(struct uplink *u, unsigned count)
{
	char buf[ENDPOINTS_WHY_MAX + 1];
	const char *why = count ? "no endpoint of a family that the device has" :
		endpoints_why(u->args.endpoints, u->args.index, buf);

	if (strcmp(u->why, why))
		log_info("uplink %s: %s", u->conf.name, why);
	set_why(u, why);
}

static void failed(struct uplink *u, const char *why, enum subflow_end end)
{
	char words[REPORT_WORDS_MAX + 1];

	if (end == SUBFLOW_END_NO_ANSWER)
		why = explain(u, why, words);
	note_failure(u, why, end);
	if (!uplink_joined(u))
		endpoints_failed(u->args.endpoints, u->args.index);
	keeper_failed(&u->keeper, end);
}

static void on_welcome(void *ctx, unsigned slot, struct subflow *sf,
                       const struct wire_welcome *welcome)
{
	struct uplink *u = ctx;
	struct addr local;

	subflow_local(sf, &local);
	u->seen = welcome->seen;
	u->keeps_port = welcome->seen.port == local.port;
	u->args.on_welcome(u->args.ctx, u, sf, welcome);
}

static struct keeper_way way_of(const struct uplink *u)
{
	const struct netdev_ip *ip = netdev_ip(&u->dev, u->at.addr.family);

	return (struct keeper_way){
		.at = u->at, .uplink = u->args.index,
		.device = u->dev.name, .source = &ip->sources[0],
		.name = u->conf.name, .path = (uint8_t)u->args.index,
		.path_class = (uint8_t)u->cost, .mss = u->mss,
	};
}

struct subflow *uplink_begin_guest(struct uplink *u, unsigned bundle,
                                   const struct keeper_guest *guest)
{
	const struct keeper_way way = way_of(u);

	errno = ENETDOWN;
	return uplink_joined(u) ? keeper_begin_guest(&u->keeper, bundle, &way, guest)
	                        : NULL;
}

static void begin(struct uplink *u, unsigned bundle)
{
	const struct keeper_way way = way_of(u);
	int err = keeper_begin(&u->keeper, bundle, &way);

	if (err < 0)
		failed(u, strerror(-err), SUBFLOW_END_OTHER);
}

/* What lies on the way swallows full packets, and does not say so: the next
 * connection, at once, keeps below what IPv6 asks of every link (RFC 8200, 5:
 * 1,280 bytes); or, where that is too much, IPv4's old 576. */
static void use_smaller(struct uplink *u)
{
	u->mss = u->mss ? MSS_LEAST : MSS_SMALL;
	log_info("uplink %s: full packets do not arrive: at most %u bytes are sent "
	         "in one", u->conf.name, u->mss + MSS_HEADERS);
}

static void settle(struct uplink *u);

static void on_end(void *ctx, unsigned slot, bool joined, const char *why,
                   enum subflow_end kind)
{
	struct uplink *u = ctx;

	if (joined) {
		log_info("uplink %s: subflow %u: %s", u->conf.name,
		         slot, why);
		set_why(u, why);
		if (!obstacle(u))
			retry_pause(&u->keeper.retry);
		if (!uplink_joined(u))
			endpoints_failed(u->args.endpoints, u->args.index);
	} else if (!obstacle(u) && kind == SUBFLOW_END_FULL_SIZE &&
	           u->mss != MSS_LEAST) {
		use_smaller(u);
	} else if (!obstacle(u)) {
		failed(u, why, kind);
	}
	u->args.on_change(u->args.ctx);
	settle(u);
}

/* A subflow whose source address is gone, or has no route, is dead: better
 * known now than by a timeout. */
static void end_orphans(struct uplink *u, const char *why)
{
	for (unsigned b = 0; b < KEEPER_SLOTS_MAX; b++) {
		struct subflow *sf = u->keeper.slots[b].sf;
		struct addr local;
		if (!sf)
			continue;
		subflow_local(sf, &local);
		if (why || !has_source(&u->dev, &local))
			subflow_fail(sf, why ? why : "address gone");
	}
}

static void settle(struct uplink *u)
{
	const char *why = obstacle(u);
	bool scouting = !uplink_joined(u);
	unsigned count;

	if (why) {
		set_why(u, why);
		return;
	}
	if (!keeper_choose(&u->keeper, u->args.index, may_use, u, &u->at, &count)) {
		if (scouting)
			note_no_endpoint(u, count);
		return;
	}
	for (unsigned b = 0; b < u->args.conf->main.bundles; b++)
		if (keeper_may_begin(&u->keeper, b) && (!scouting || b == 0))
			begin(u, b);
}

/* With another address it may be another network. */
static void forget_mss(struct uplink *u)
{
	for (int f = 0; f < 2; f++) {
		const struct netdev_ip *ip = netdev_ip(&u->dev, families[f]);
		if (ip->sources_count && !addr_equal_ip(&ip->sources[0],
		                                        &u->mss_of[f]))
			u->mss = 0;
		if (ip->sources_count)
			u->mss_of[f] = ip->sources[0];
	}
}

static void on_retry(void *ctx)
{
	settle(ctx);
}

/* The outside ------------------------------------------------------------- */

/* A device may flap for days. */
static void say_ready(struct uplink *u)
{
	char earlier[PACE_WORDS_MAX];

	if (pace_may_say(&u->readies, loop_now_us(u->args.loop), earlier))
		log_info("uplink %s: %s is ready%s", u->conf.name, u->dev.name,
		         earlier);
}

void uplink_on_netdev(struct uplink *u, const struct netdev *dev)
{
	bool was_blocked = obstacle(u) != NULL;

	if (dev)
		u->dev = *dev;
	else
		memset(&u->dev, 0, sizeof(u->dev));
	for (int f = 0; f < 2; f++)
		set_route(u, f);
	forget_mss(u);
	end_orphans(u, obstacle(u));
	if (was_blocked && !obstacle(u)) {
		say_ready(u);
		retry_reset(&u->keeper.retry);
	}
	settle(u);
}

static bool is_candidate(const struct uplink *u, const struct addr *at)
{
	struct endpoint all[ENDPOINTS_MAX];
	unsigned count = endpoints_of(u->args.endpoints, u->args.index, all);

	for (unsigned i = 0; i < count; i++)
		if (addr_equal(&all[i].addr, at))
			return true;
	return false;
}

/* What failed at an address that is none any more is no reason to wait. */
void uplink_on_endpoints(struct uplink *u)
{
	if (!uplink_joined(u) && !is_candidate(u, &u->at.addr))
		retry_reset(&u->keeper.retry);
	settle(u);
}

void uplink_set_conf(struct uplink *u, const struct conf *conf)
{
	u->args.conf = conf;
	u->conf = *conf_find_uplink(conf, uplink_name(u));
	keeper_set_conf(&u->keeper, conf);
	keeper_fail_from(&u->keeper, conf->main.bundles, "fewer bundles");
	settle(u);
}

void uplink_leave(struct uplink *u, keeper_take_fn *take, void *ctx)
{
	for (unsigned b = 0; b < u->args.conf->main.bundles; b++)
		if (!u->keeper.slots[b].joined)
			take(ctx, NULL, u->args.index, b);
	keeper_leave(&u->keeper, take, ctx);
}

void uplink_restart(struct uplink *u, const char *why)
{
	keeper_end_all(&u->keeper);
	failed(u, why, SUBFLOW_END_OTHER);
}

static const struct keeper_events keeper_events = {
	on_welcome, on_end, on_retry,
};

struct uplink *uplink_create(const struct uplink_args *args, const char *name)
{
	struct keeper_args keeper = {
		.loop = args->loop, .tls = args->tls, .rand = args->rand,
		.conf = args->conf, .endpoints = args->endpoints,
		.next_id = args->next_id, .next_ctx = args->ctx,
		.session = args->session, .events = &keeper_events,
	};
	struct uplink *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->args = *args;
	u->conf = *conf_find_uplink(args->conf, name);
	u->cost = u->conf.cost;
	keeper.ctx = u;
	if (keeper_init(&u->keeper, &keeper) == 0)
		return u;
	free(u);
	errno = ENOMEM;
	return NULL;
}

void uplink_destroy(struct uplink *u)
{
	struct kerr err;

	if (!u)
		return;
	keeper_finish(&u->keeper);
	for (int f = 0; f < 2; f++)
		if (u->routed[f])
			route_clear_uplink(u->args.route, u->args.index,
			                   families[f], &err);
	free(u);
}

const char *uplink_name(const struct uplink *u)
{
	return u->conf.name;
}

const char *uplink_device(const struct uplink *u)
{
	return u->conf.device.name;
}

unsigned uplink_index(const struct uplink *u)
{
	return u->args.index;
}

static const char *const cost_words[] = {
	[CONF_COST_NORMAL] = "normal", [CONF_COST_METERED] = "metered",
	[CONF_COST_BACKUP] = "backup",
};

/* Where its subflows are, else where one is tried. */
static const struct endpoint *in_use(const struct uplink *u)
{
	for (unsigned b = 0; b < KEEPER_SLOTS_MAX; b++)
		if (u->keeper.slots[b].joined)
			return &u->keeper.slots[b].at;
	return &u->at;
}

bool uplink_way(const struct uplink *u, struct tunnel_way *out)
{
	const struct addr *peer = &in_use(u)->addr;

	memset(out, 0, sizeof(*out));
	if (obstacle(u) || peer->family == AF_UNSPEC || !may_use(u, peer))
		return false;
	memcpy(out->device, u->dev.name, sizeof(out->device));
	out->source = netdev_ip(&u->dev, peer->family)->sources[0];
	out->peer = *peer;
	return true;
}

enum conf_cost uplink_cost(const struct uplink *u)
{
	return u->cost;
}

void uplink_set_cost(struct uplink *u, enum conf_cost cost, const char *why)
{
	u->cost = cost;
	snprintf(u->cost_why, sizeof(u->cost_why), "%s", why);
}

void uplink_report(const struct uplink *u, struct report_uplink *out)
{
	unsigned joined = uplink_joined(u);

	snprintf(out->name, sizeof(out->name), "%s", u->conf.name);
	snprintf(out->device, sizeof(out->device), "%s", u->conf.device.name);
	snprintf(out->cost, sizeof(out->cost), "%s", cost_words[u->cost]);
	snprintf(out->cost_why, sizeof(out->cost_why), "%s", u->cost_why);
	out->state = !u->conf.enabled ? REPORT_PATH_DISABLED :
		joined ? REPORT_PATH_UP :
		obstacle(u) ? REPORT_PATH_DOWN : REPORT_PATH_CONNECTING;
	if (!joined)
		snprintf(out->why, sizeof(out->why), "%s", u->why);
	if (joined && u->mss)
		snprintf(out->why, sizeof(out->why),
		         "full packets do not arrive: at most %u bytes are used",
		         u->mss + MSS_HEADERS);
	const char *routes = route_uplink_why(u->args.route, u->args.index);
	if (*routes)
		snprintf(out->why, sizeof(out->why), "%s", routes);
	out->subflows_alive = joined;
	out->subflows_total = u->args.conf->main.bundles;
	out->reconnects = u->joins > out->subflows_total ?
		u->joins - out->subflows_total : 0;
	const struct endpoint *at = in_use(u);
	if (at->addr.family == AF_UNSPEC)
		return;
	addr_format(&at->addr, out->endpoint);
	snprintf(out->endpoint_name, sizeof(out->endpoint_name), "%s", at->host);
	const struct netdev_ip *ip = netdev_ip(&u->dev, at->addr.family);
	if (ip->sources_count)
		addr_format_ip(&ip->sources[0], out->address);
	if (u->seen.family != at->addr.family)
		return;
	addr_format_ip(&u->seen, out->seen);
	out->keeps_port = u->keeps_port;
}

void uplink_on_join(struct uplink *u, struct subflow *sf)
{
	keeper_on_join(&u->keeper, sf);
	u->joins++;
	u->verdict_us = 0;
	settle(u);
}

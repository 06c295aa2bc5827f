/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see endpoints.h. Owns a resolver for each uplink that has a device,
 * bound to it, and the answers. One timer asks what is due.
 */
#include "agg/role/endpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct way;

/* A name as one uplink knows it. */
struct name {
	struct way *way;       /* borrowed */
	struct resolve *query; /* under way; NULL: none */
	unsigned answers;      /* of that query, so far: one a family */
	bool good, gone[2];    /* had addresses; says that there are none */
	int err;               /* of the last query; 0: good */
	uint64_t asked_us, due_us; /* 0: never */
	struct addr addrs[2][RESOLVE_ADDRESSES_MAX]; /* by family */
	unsigned count[2];
};

/* An uplink. */
struct way {
	struct endpoints *endpoints; /* borrowed */
	struct netdev dev;           /* to ask by; present false: none */
	struct resolver *resolver;   /* since something was asked by it */
	struct name names[CONF_ENDPOINTS_MAX]; /* as endpoints.conf */
};

struct endpoints {
	struct endpoints_args args;
	struct conf_endpoint conf[CONF_ENDPOINTS_MAX];
	unsigned count;
	struct loop_timer *timer;
	struct way ways[CONF_UPLINKS_MAX];
};

static bool is_name(const struct endpoints *e, unsigned i)
{
	return *e->conf[i].host;
}

/* Asking ------------------------------------------------------------------ */

static void arm(struct endpoints *e)
{
	uint64_t due = UINT64_MAX;

	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++)
		for (unsigned i = 0; e->ways[u].dev.present && i < e->count; i++) {
			const struct name *name = &e->ways[u].names[i];
			if (name->due_us && !name->query && name->due_us < due)
				due = name->due_us;
		}
	if (due == UINT64_MAX)
		loop_timer_disarm(e->timer);
	else
		loop_timer_arm(e->timer, due);
}

/* Where no host is that could be reached over an uplink. */
static bool is_useless(const struct addr *a)
{
	static const uint8_t none[16];
	static const uint8_t loopback[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->ip[0] == 0 || a->ip[0] == 127 || a->ip[0] >= 224;
	return a->ip[0] == 0xff || !memcmp(a->ip, none, 16) ||
	       !memcmp(a->ip, loopback, 16);
}

static int by_ip(const void *a, const void *b)
{
	const struct addr *left = a, *right = b;

	return memcmp(left->ip, right->ip, sizeof(left->ip));
}

/* In an order of ours: servers turn theirs with each answer, and an uplink
 * would go from one address to the next for nothing.
 * True: they are others than before. Without any that is of use it is as if
 * nobody had answered. */
static bool take(struct name *name, int f, const struct addr *addrs, unsigned n,
                 uint16_t port)
{
	struct addr now[RESOLVE_ADDRESSES_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		if (is_useless(&addrs[i]))
			continue;
		now[count] = addrs[i];
		now[count++].port = port;
	}
	if (!count)
		return false;
	qsort(now, count, sizeof(now[0]), by_ip);
	name->good = true;
	bool same = count == name->count[f];
	for (unsigned i = 0; same && i < count; i++)
		same = addr_equal(&now[i], &name->addrs[f][i]);
	memcpy(name->addrs[f], now, count * sizeof(now[0]));
	name->count[f] = count;
	return !same;
}

/* The second answer is there. A family is given up only where the other one
 * was answered. */
static bool finish_query(struct name *name)
{
	struct endpoints *e = name->way->endpoints;
	bool changed = false;

	name->query = NULL;
	for (int f = 0; f < 2 && name->good; f++)
		if (name->gone[f] && name->count[f]) {
			name->count[f] = 0;
			changed = true;
		}
	if (name->good)
		name->err = 0;
	name->due_us = loop_now_us(e->args.loop) +
		(name->good ? e->args.ask_us : e->args.again_us);
	arm(e);
	return changed;
}

static void on_answer(void *ctx, sa_family_t family, const struct addr *addrs,
                      unsigned n, int err)
{
	struct name *name = ctx;
	struct way *way = name->way;
	struct endpoints *e = way->endpoints;
	int f = family == AF_INET;
	uint16_t port = e->conf[name - way->names].addr.port;
	bool changed = take(name, f, addrs, n, port);

	name->gone[f] = err == -ENOENT;
	if (!name->err || err != -ENOENT) /* "no server" says more than "none" */
		name->err = err ? err : -EIO;
	if (++name->answers == 2) {
		changed |= finish_query(name);
		changed |= !name->good;
	}
	if (changed)
		e->args.on_change(e->args.ctx);
}

/* 0 or -errno. */
static int open_resolver(struct way *way)
{
	struct resolver_args args = way->endpoints->args.dns;

	args.loop = way->endpoints->args.loop;
	args.device = way->dev.name;
	if (!way->resolver)
		way->resolver = resolver_create(&args);
	return way->resolver ? 0 : -errno;
}

static void ask(struct name *name, const char *host)
{
	struct way *way = name->way;
	uint64_t now = loop_now_us(way->endpoints->args.loop);

	name->answers = 0;
	name->good = name->gone[0] = name->gone[1] = false;
	name->err = 0;
	name->asked_us = now;
	name->due_us = now + way->endpoints->args.again_us; /* if it does not even begin */
	if (!open_resolver(way))
		name->query = resolve_start(way->resolver, NULL, host, on_answer, name);
}

static void ask_what_is_due(struct endpoints *e)
{
	uint64_t now = loop_now_us(e->args.loop);

	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++) {
		struct way *way = &e->ways[u];
		for (unsigned i = 0; way->dev.present && i < e->count; i++) {
			struct name *name = &way->names[i];
			if (name->due_us && !name->query && name->due_us <= now)
				ask(name, e->conf[i].host);
		}
	}
	arm(e);
}

static void on_timer(void *ctx)
{
	ask_what_is_due(ctx);
}

/* Now, but not from inside of the caller. */
static void make_due(struct way *way)
{
	struct endpoints *e = way->endpoints;

	for (unsigned i = 0; i < e->count; i++)
		if (is_name(e, i))
			way->names[i].due_us = loop_now_us(e->args.loop);
	arm(e);
}

/* The outside ------------------------------------------------------------- */

void endpoints_failed(struct endpoints *e, unsigned uplink)
{
	struct way *way = &e->ways[uplink];
	uint64_t now = loop_now_us(e->args.loop);

	for (unsigned i = 0; i < e->count; i++) {
		struct name *name = &way->names[i];
		uint64_t soon = name->asked_us + e->args.again_us;
		if (name->due_us && soon < name->due_us)
			name->due_us = soon > now ? soon : now;
	}
	arm(e);
}

static void forget_queries(struct way *way)
{
	for (unsigned i = 0; i < way->endpoints->count; i++) {
		resolve_cancel(way->names[i].query);
		way->names[i].query = NULL;
	}
}

static bool can_ask(const struct netdev *dev)
{
	return netdev_is_ready(dev, AF_INET) || netdev_is_ready(dev, AF_INET6);
}

/* Does a question go another way than before? */
static bool is_other_way(const struct netdev *a, const struct netdev *b)
{
	return strcmp(a->name, b->name) || a->ifindex != b->ifindex ||
	       !addr_equal(&a->v4.sources[0], &b->v4.sources[0]) ||
	       !addr_equal(&a->v6.sources[0], &b->v6.sources[0]) ||
	       !addr_equal(&a->v4.route.gateway, &b->v4.route.gateway) ||
	       !addr_equal(&a->v6.route.gateway, &b->v6.route.gateway);
}

void endpoints_set_device(struct endpoints *e, unsigned uplink,
                          const struct netdev *dev)
{
	struct way *way = &e->ways[uplink];
	bool can = dev && can_ask(dev);

	if (can && way->dev.present && !is_other_way(&way->dev, dev))
		return;
	forget_queries(way);
	resolver_destroy(way->resolver);
	way->resolver = NULL;
	way->dev = can ? *dev : (struct netdev){ .present = false };
	if (can)
		make_due(way);
	else
		arm(e);
}

static bool same_endpoints(const struct endpoints *e,
                           const struct conf_concentrator *conf)
{
	if (conf->endpoint_count != e->count)
		return false;
	for (unsigned i = 0; i < e->count; i++)
		if (strcmp(e->conf[i].host, conf->endpoint[i].host) ||
		    !addr_equal(&e->conf[i].addr, &conf->endpoint[i].addr))
			return false;
	return true;
}

void endpoints_set_conf(struct endpoints *e, const struct conf_concentrator *conf)
{
	if (same_endpoints(e, conf))
		return;
	/* What was never used is not touched: it is 40 KB. */
	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++)
		forget_queries(&e->ways[u]);
	memcpy(e->conf, conf->endpoint, sizeof(e->conf));
	e->count = conf->endpoint_count;
	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++) {
		struct way *way = &e->ways[u];
		for (unsigned i = 0; i < e->count; i++)
			way->names[i] = (struct name){ .way = way };
		make_due(way);
	}
}

struct endpoints *endpoints_create(const struct endpoints_args *args)
{
	struct endpoints *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->args = *args;
	if (!e->args.ask_us)
		e->args.ask_us = ENDPOINTS_ASK_US;
	if (!e->args.again_us)
		e->args.again_us = ENDPOINTS_AGAIN_US;
	e->timer = loop_timer_create(args->loop, on_timer, e);
	if (!e->timer) {
		free(e);
		errno = ENOMEM;
		return NULL;
	}
	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++)
		e->ways[u].endpoints = e;
	endpoints_set_conf(e, args->conf);
	return e;
}

void endpoints_destroy(struct endpoints *e)
{
	if (!e)
		return;
	for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++) {
		forget_queries(&e->ways[u]);
		resolver_destroy(e->ways[u].resolver);
	}
	loop_timer_destroy(e->timer);
	free(e);
}

/* What there is ------------------------------------------------------------ */

static unsigned add(struct endpoint *out, unsigned n, unsigned max,
                    const struct addr *addr, const char *host)
{
	for (unsigned i = 0; i < n; i++)
		if (addr_equal(&out[i].addr, addr))
			return n;
	if (n < max)
		out[n++] = (struct endpoint){ *addr, host };
	return n;
}

static unsigned add_name(const struct endpoints *e, unsigned uplink, unsigned i,
                         struct endpoint *out, unsigned n, unsigned max)
{
	const struct name *name = &e->ways[uplink].names[i];

	for (int f = 0; f < 2; f++)
		for (unsigned k = 0; k < name->count[f]; k++)
			n = add(out, n, max, &name->addrs[f][k], e->conf[i].host);
	return n;
}

static bool knows(const struct endpoints *e, unsigned uplink, unsigned i)
{
	const struct name *name = &e->ways[uplink].names[i];

	return name->count[0] || name->count[1];
}

unsigned endpoints_of(const struct endpoints *e, unsigned uplink,
                      struct endpoint out[ENDPOINTS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->count; i++) {
		if (!is_name(e, i))
			n = add(out, n, ENDPOINTS_MAX, &e->conf[i].addr, "");
		else if (knows(e, uplink, i))
			n = add_name(e, uplink, i, out, n, ENDPOINTS_MAX);
		else
			for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++)
				n = add_name(e, u, i, out, n, ENDPOINTS_MAX);
	}
	return n;
}

unsigned endpoints_all(const struct endpoints *e,
                       struct addr out[ENDPOINTS_ALL_MAX])
{
	struct endpoint all[ENDPOINTS_ALL_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < e->count; i++) {
		if (!is_name(e, i))
			n = add(all, n, ENDPOINTS_ALL_MAX, &e->conf[i].addr, "");
		for (unsigned u = 0; u < CONF_UPLINKS_MAX; u++)
			n = add_name(e, u, i, all, n, ENDPOINTS_ALL_MAX);
	}
	for (unsigned i = 0; i < n; i++)
		out[i] = all[i].addr;
	return n;
}

static const char *words_of(const struct name *name)
{
	if (name->query || !name->asked_us)
		return "its address is being asked for";
	switch (name->err) {
	case -ENOENT:
		return "there is no such name, or it has no address";
	case -ETIMEDOUT:
		return "no name server answers";
	}
	return "the name servers give no answer of use";
}

const char *endpoints_why(const struct endpoints *e, unsigned uplink,
                          char buf[ENDPOINTS_WHY_MAX + 1])
{
	const struct way *way = &e->ways[uplink];

	*buf = 0;
	for (unsigned i = 0; i < e->count && !*buf; i++)
		if (is_name(e, i) && !knows(e, uplink, i))
			snprintf(buf, ENDPOINTS_WHY_MAX + 1, "%.60s: %s",
			         e->conf[i].host, words_of(&way->names[i]));
	return buf;
}

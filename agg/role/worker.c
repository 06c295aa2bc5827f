/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see worker.h. Owns the sites, and the way out that they share.
 */
#include "agg/role/worker.h"

#include "agg/base/descriptors.h"
#include "agg/base/log.h"
#include "agg/role/ipv6.h"
#include "agg/role/sites.h"
#include "proxy/outlet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct worker {
	struct worker_args args;
	struct worker_facts facts; /* conf NULL: none yet */
	struct sites sites;
	struct relays *relays;
	struct resolver *resolver;
	struct egress egress;
	struct outlet *outlet;
	struct share_pool pool;
	struct ipv6 ipv6;
	struct loop_timer *second;
	bool draining;
};

static void tell_flags(struct worker *w)
{
	sites_set_flags(&w->sites, (ipv6_works(&w->ipv6) ? WIRE_HAS_IPV6 : 0) |
	                           (w->facts.takes_mptcp ? WIRE_HAS_MPTCP : 0) |
	                           (w->draining ? WIRE_DRAINING : 0));
}

static void on_change(void *ctx)
{
	const struct worker *w = ctx;

	w->args.on_change(w->args.ctx);
}

static void on_ipv6(void *ctx)
{
	tell_flags(ctx);
	on_change(ctx);
}

static void on_second(void *ctx)
{
	struct worker *w = ctx;

	sites_measure(&w->sites);
	loop_timer_arm(w->second, loop_now_us(w->args.loop) + SNAPSHOT_RATE_US);
}

/* Messages ------------------------------------------------------------------- */

/* The sites that a configuration has. */
static int take_conf(struct worker *w, const struct conf *conf)
{
	const struct conf *old = w->facts.conf ? w->facts.conf : conf;
	struct site *fresh;
	int err = sites_prepare(&w->sites, conf, &fresh);

	if (err < 0)
		return err;
	err = w->facts.conf ? resolver_reload(w->resolver) : 0;
	if (err < 0)
		log_sys("names: the servers of before stay: %s", strerror(-err));
	w->egress.allow = conf->egress.allow;
	w->egress.allow_count = conf->egress.allow_count;
	sites_apply(&w->sites, conf, old, fresh);
	return 0;
}

int worker_facts(struct worker *w, const struct worker_facts *facts)
{
	int err = facts->conf == w->facts.conf ? 0 : take_conf(w, facts->conf);

	if (err < 0)
		return err;
	w->facts = *facts;
	w->egress.is_local = facts->is_local;
	w->egress.ctx = facts->ctx;
	ipv6_set_ready(&w->ipv6, facts->ipv6_ready);
	tell_flags(w);
	return 0;
}

void worker_adopt(struct worker *w, struct subflow *sf,
                  const struct tls_pin *pin, const struct wire_hello *hello)
{
	sites_adopt(&w->sites, sf, pin, hello);
}

int worker_choose(struct worker *w, const struct choice *choice,
                  struct buf *out)
{
	return sites_choose(&w->sites, choice, out);
}

void worker_drain(struct worker *w)
{
	w->draining = true;
	tell_flags(w);
}

static void add_wait(struct report *out, const char *what)
{
	char *all = out->head.waits_for;
	size_t len = strlen(all);

	snprintf(all + len, sizeof(out->head.waits_for) - len, "%s%s",
	         len ? ", " : "", what);
}

void worker_report(struct worker *w, struct report *out)
{
	const char *names = resolver_lacks(w->resolver);

	if (names)
		add_wait(out, names);
	if (ipv6_is_broken(&w->ipv6))
		add_wait(out, "an answer by IPv6");
	sites_report(&w->sites, out);
}

unsigned worker_streams(const struct worker *w)
{
	return sites_streams(&w->sites);
}

/* Beginning and end ------------------------------------------------------------ */

/* What sites share; a connection takes a descriptor. */
static void make_pool(struct share_pool *pool)
{
	*pool = (struct share_pool){ .max = {
		[SHARE_DIALS] = OUTLET_DIALS_MAX,
		[SHARE_NAMES] = RESOLVE_QUERIES_MAX,
		[SHARE_RELAYS] = descriptors_for_streams(RELAYS_MAX),
	} };
}

/* 0, or -errno. */
static int make_way_out(struct worker *w)
{
	struct loop *loop = w->args.loop;
	struct resolver_args resolver = { .loop = loop };

	w->relays = relays_create(loop);
	w->resolver = w->relays ? resolver_create(&resolver) : NULL;
	if (!w->resolver)
		return -errno;
	struct ipv6_args ipv6 = { loop, &w->egress, w->resolver, on_ipv6, w };
	int err = ipv6_init(&w->ipv6, &ipv6);
	if (err < 0)
		return err;
	struct outlet_args outlet = { loop, &w->egress, w->resolver, w->relays,
	                              &w->ipv6.watch };
	w->outlet = outlet_create(&outlet);
	return w->outlet ? 0 : -errno;
}

struct worker *worker_create(const struct worker_args *args)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->args = *args;
	make_pool(&w->pool);
	w->second = loop_timer_create(args->loop, on_second, w);
	int err = w->second ? make_way_out(w) : -ENOMEM;
	if (err < 0) {
		worker_destroy(w);
		errno = -err;
		return NULL;
	}
	w->sites = (struct sites){
		.loop = args->loop, .memory = args->memory, .pool = &w->pool,
		.outlet = w->outlet, .mptcp_host = args->mptcp_host,
		.on_change = on_change, .ctx = w,
	};
	on_second(w);
	return w;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	sites_finish(&w->sites);
	outlet_destroy(w->outlet);
	ipv6_finish(&w->ipv6);
	resolver_destroy(w->resolver);
	relays_destroy(w->relays);
	loop_timer_destroy(w->second);
	free(w);
}

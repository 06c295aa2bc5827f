/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sites.h. Owns the sites.
 */
#include "agg/role/sites.h"
#include "agg/role/site_tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <utlist.h>

static struct site *find(const struct sites *sites,
                         const uint8_t sha256[CONF_PIN_LEN])
{
	struct site *site;

	HASH_FIND(hh, sites->by_pin, sha256, CONF_PIN_LEN, site);
	return site;
}

void sites_adopt(struct sites *sites, struct subflow *sf,
                 const struct tls_pin *pin, const struct wire_hello *hello)
{
	site_adopt(sites, find(sites, pin->sha256), sf, hello);
}

/* A configuration -------------------------------------------------------------- */

/* Or another worker's. */
static bool is_known(const struct sites *sites,
                     const struct conf_site *conf)
{
	const struct site *site = find(sites, conf->pin.sha256);

	return (site && site_is(site, conf)) ||
	       site_worker(conf->pin.sha256, sites->workers) != sites->worker;
}

int sites_prepare(struct sites *sites, const struct conf *conf,
                  struct site **fresh)
{
	*fresh = NULL;
	for (unsigned i = 0; i < conf->site_count; i++) {
		if (is_known(sites, &conf->sites[i]))
			continue;
		struct site *site = site_create(sites, &conf->sites[i]);
		if (!site) {
			sites_forget(*fresh);
			return -ENOMEM;
		}
		DL_APPEND(*fresh, site);
	}
	return 0;
}

void sites_forget(struct site *fresh)
{
	struct site *site, *tmp;

	DL_FOREACH_SAFE(fresh, site, tmp)
		site_destroy(site, "");
}

static void drop(struct site *site, const char *why)
{
	struct sites *sites = site->sites;

	DL_DELETE(sites->all, site);
	HASH_DELETE(hh, sites->by_pin, site);
	site_destroy(site, why);
}

static struct site_common compare(const struct sites *sites, const struct conf *old,
                             const struct conf *conf)
{
	size_t memory = site_memory(sites, conf);

	return (struct site_common){
		.policy = !conf_main_equal(&old->main, &conf->main) ||
		          !conf_classes_equal(old, conf),
		.limits = old->main.linger_us != conf->main.linger_us ||
		          site_memory(sites, old) != memory,
		.memory = memory,
	};
}

void sites_apply(struct sites *sites, const struct conf *conf,
                 const struct conf *old, struct site *fresh)
{
	struct site *site, *tmp;
	const struct site_common common = compare(sites, old, conf);

	sites->conf = conf;
	DL_FOREACH_SAFE(sites->all, site, tmp) {
		const struct conf_site *is = conf_find_site(conf, site->conf.name);
		if (is && site_is(site, is))
			site_change(site, is, old, &common);
		else
			drop(site, "the site was revoked");
	}
	DL_FOREACH(fresh, site) {
		home_set_flags(&site->home, sites->flags);
		HASH_ADD(hh, sites->by_pin, conf.pin, sizeof(site->conf.pin),
		         site);
	}
	DL_CONCAT(sites->all, fresh);
}

bool sites_part(struct sites *sites, const char *why)
{
	bool has_heard = true;
	struct site *site;

	DL_FOREACH(sites->all, site) {
		if (!home_is_over(&site->home))
			site_part(site, why);
		has_heard &= !site_has_subflows(site);
	}
	return has_heard;
}

void sites_finish(struct sites *sites, const char *why)
{
	struct member *m, *tmp;

	while (sites->all)
		drop(sites->all, why);
	DL_FOREACH_SAFE(sites->refused, m, tmp) {
		subflow_destroy(m->sf);
		free(m);
	}
	sites->refused = NULL;
	sites->refused_count = 0;
}

/* All of them ------------------------------------------------------------------- */

void sites_set_flags(struct sites *sites, uint32_t flags)
{
	struct site *site;

	uint32_t was_leaving = sites->flags & WIRE_LEAVES;

	if (flags == sites->flags)
		return;
	sites->flags = flags;
	sites->leaves_us = flags & WIRE_LEAVES ? loop_now_us(sites->loop) : 0;
	DL_FOREACH(sites->all, site) {
		home_set_flags(&site->home, flags);
		if (was_leaving != (flags & WIRE_LEAVES))
			site_tunnel_change(site);
	}
}

void sites_leave(struct sites *sites)
{
	struct site *site;

	DL_FOREACH(sites->all, site)
		if (site->home.peer_flags & WIRE_KEEPS)
			site_leave(site);
}

void sites_measure(struct sites *sites)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct site *site;

	DL_FOREACH(sites->all, site) {
		home_measure(&site->home, NULL);
		site_step_left(site);
		site_measure_quota(site, now_s);
		site_tunnel_measure(site);
	}
}

void sites_quotas(const struct sites *sites,
                  void (*on_site)(void *ctx, const char *name, struct quota *q),
                  void *ctx)
{
	struct site *site;

	DL_FOREACH(sites->all, site)
		if (site->conf.quota_bytes)
			on_site(ctx, site->conf.name, &site->quota);
}

void sites_report(struct sites *sites, struct report *out)
{
	struct site *site;

	DL_FOREACH(sites->all, site)
		site_report(site, out);
}

unsigned sites_streams(const struct sites *sites)
{
	const struct site *site;
	unsigned n = 0;

	DL_FOREACH(sites->all, site)
		n += site_streams(site);
	return n;
}

int sites_choose(struct sites *sites, const struct conf_site *conf,
                 const struct choice *choice, struct buf *out)
{
	struct site *site = find(sites, conf->pin.sha256);
	char section[CONF_NAME_MAX + 32], direction[CONF_NAME_MAX + 32];

	if (!site) {
		buf_printf(out, "site %s is not there any more\n", conf->name);
		return -EINVAL;
	}
	snprintf(section, sizeof(section), "config site '%s'", site->conf.name);
	snprintf(direction, sizeof(direction), "down to %s", site->conf.name);
	home_choose(&site->home, choice, direction, sites->conf, section, out);
	return 0;
}

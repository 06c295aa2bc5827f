/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pool.h. Owns its bundles until they end. settle() connects what is
 * missing; everything that happens ends in it.
 */
#include "agg/role/pool.h"

#include "agg/base/log.h"
#include "agg/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAST_BUNDLES 2u /* bulk's, and the first for what is small */

struct slot { /* a bundle */
	struct pool *pool; /* borrowed */
	struct subflow *sf;
	unsigned uplink;   /* over which it began */
	bool joined;
};

struct pool {
	struct pool_args args;
	char congestion[CONF_CONGESTION_MAX + 1]; /* subflows borrow it */
	struct pool_uplink uplinks[WIRE_UPLINKS_MAX];
	unsigned uplink_count;
	uint64_t failed_us[WIRE_UPLINKS_MAX]; /* by index; 0: it did not */
	unsigned turn;      /* of the endpoints, the one that is next */
	struct slot slots[POOL_BUNDLES_MAX];
	struct retry retry;
	uint64_t held_us;   /* until then no bundle begins */
	char why[REPORT_WORDS_MAX + 1];
};

unsigned pool_wanted(const struct pool *pool)
{
	unsigned n = pool->args.conf->main.bundles;
	unsigned all = FAST_BUNDLES + pool->uplink_count - 1;

	if (!pool->uplink_count)
		return 0;
	if (n < all && pool->uplink_count > 1)
		n = all;
	return n < POOL_BUNDLES_MAX ? n : POOL_BUNDLES_MAX;
}

unsigned pool_joined(const struct pool *pool)
{
	unsigned n = 0;

	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++)
		n += pool->slots[b].joined;
	return n;
}

struct subflow *pool_bundle(const struct pool *pool, unsigned i)
{
	return pool->slots[i].joined ? pool->slots[i].sf : NULL;
}

unsigned pool_begun_over(const struct pool *pool, unsigned i)
{
	return pool->slots[i].uplink;
}

const char *pool_why(const struct pool *pool)
{
	return pool->why;
}

/* Connecting -------------------------------------------------------------- */

/* The endpoint whose turn it is; false: that uplink knows none of this family. */
static bool choose_endpoint(struct pool *pool, unsigned uplink, struct addr *out)
{
	struct endpoint all[ENDPOINTS_MAX];
	unsigned count = endpoints_of(pool->args.endpoints, uplink, all);

	for (unsigned k = 0; k < count; k++) {
		unsigned i = (pool->turn + k) % count;
		if (all[i].addr.family != pool->args.family)
			continue;
		pool->turn = i;
		*out = all[i].addr;
		return true;
	}
	return false;
}

static unsigned begun(const struct pool *pool, unsigned uplink)
{
	unsigned n = 0;

	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++)
		n += pool->slots[b].sf && pool->slots[b].uplink == uplink;
	return n;
}

static bool has_failed_of_late(const struct pool *pool, unsigned uplink)
{
	uint64_t failed_us = pool->failed_us[uplink];

	return failed_us && loop_now_us(pool->args.loop) - failed_us <
	                    POOL_PASS_OVER_US;
}

/* The fastest uplink; for the further bundles, of those over which the fewest
 * have begun. Those passed over are last; one that is not known yet is thought
 * to be slow. */
static const struct pool_uplink *choose_uplink(const struct pool *pool,
                                               unsigned bundle)
{
	const struct pool_uplink *best = NULL;
	uint64_t best_us = 0;
	unsigned best_rank = 0;

	for (unsigned i = 0; i < pool->uplink_count; i++) {
		const struct pool_uplink *u = &pool->uplinks[i];
		int64_t health = pool->args.health(pool->args.ctx, u->index);
		bool passed_over = health < 0 ||
			has_failed_of_late(pool, u->index);
		unsigned rank = (bundle < FAST_BUNDLES ? 0
		                                       : begun(pool, u->index)) +
			(passed_over ? POOL_BUNDLES_MAX : 0);
		uint64_t us = health > 0 ? (uint64_t)health : UINT64_MAX;
		if (!best || rank < best_rank ||
		    (rank == best_rank && us < best_us)) {
			best = u;
			best_us = us;
			best_rank = rank;
		}
	}
	return best;
}

static void failed(struct pool *pool, unsigned uplink, const char *why,
                   enum subflow_end end)
{
	if (strcmp(pool->why, why))
		log_info("mptcp: %s", why);
	snprintf(pool->why, sizeof(pool->why), "%s", why);
	pool->failed_us[uplink] = loop_now_us(pool->args.loop);
	if (!pool_joined(pool)) /* another endpoint of the family, if there is */
		pool->turn++;
	if (subflow_end_is_verdict(end))
		retry_refused(&pool->retry);
	else
		retry_failed(&pool->retry);
	if (pool->held_us > pool->failed_us[uplink])
		retry_hold(&pool->retry, pool->held_us - pool->failed_us[uplink]);
}

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct slot *slot = ctx;
	struct pool *pool = slot->pool;

	pool->args.on_welcome(pool->args.ctx, slot->uplink, sf, welcome);
}

static void settle(struct pool *pool);

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct slot *slot = ctx;
	struct pool *pool = slot->pool;

	slot->sf = NULL;
	slot->joined = false;
	if (joined) {
		log_info("mptcp: bundle %u: %s", (unsigned)(slot - pool->slots),
		         why);
		retry_pause(&pool->retry);
	} else {
		failed(pool, slot->uplink, why, subflow_end_kind(sf));
		if (subflow_end_kind(sf) == SUBFLOW_END_NO_ANSWER)
			pool->args.on_no_answer(pool->args.ctx, slot->uplink);
	}
	pool->args.on_change(pool->args.ctx);
	settle(pool);
}

static const struct subflow_events subflow_events = { on_ready, on_end };

static void connect_slot(struct pool *pool, unsigned bundle)
{
	const struct pool_uplink *u = choose_uplink(pool, bundle);
	struct slot *slot = &pool->slots[bundle];
	struct addr endpoint;
	struct tls_pin pin;
	struct subflow_args args = {
		.loop = pool->args.loop, .tls = pool->args.tls,
		.congestion = pool->congestion, .mptcp = true,
		.events = &subflow_events, .ctx = slot, .pin = &pin,
	};
	struct wire_hello hello = {
		.version = WIRE_VERSION, .path = pool->args.path,
		.subflow_id = pool->args.next_id(pool->args.ctx),
		.bundle = (uint8_t)bundle, .name = "mptcp",
	};

	if (!choose_endpoint(pool, u->index, &endpoint))
		return;
	memcpy(hello.session_id, pool->args.session_id,
	       sizeof(hello.session_id));
	memcpy(pin.sha256, pool->args.conf->concentrator.pin.sha256,
	       sizeof(pin.sha256));
	slot->uplink = u->index;
	slot->sf = subflow_connect(&args, &endpoint, u->device, &u->source,
	                           &hello);
	if (!slot->sf)
		failed(pool, u->index, strerror(errno), SUBFLOW_END_OTHER);
}

static void settle(struct pool *pool)
{
	unsigned wanted = pool_wanted(pool);

	for (unsigned b = wanted; b < POOL_BUNDLES_MAX; b++)
		if (pool->slots[b].sf)
			subflow_fail(pool->slots[b].sf, "not wanted any more");
	if (loop_now_us(pool->args.loop) < pool->held_us)
		return;
	for (unsigned b = 0; b < wanted && !pool->retry.waiting; b++)
		if (!pool->slots[b].sf)
			connect_slot(pool, b);
}

static void on_retry(void *ctx)
{
	settle(ctx);
}

/* The outside ------------------------------------------------------------- */

static bool is_among(const struct pool *pool, unsigned uplink)
{
	for (unsigned i = 0; i < pool->uplink_count; i++)
		if (pool->uplinks[i].index == uplink)
			return true;
	return false;
}

void pool_set_uplinks(struct pool *pool, const struct pool_uplink *uplinks,
                      unsigned count)
{
	bool same = count == pool->uplink_count;

	for (unsigned i = 0; same && i < count; i++)
		same = uplinks[i].index == pool->uplinks[i].index &&
		       addr_equal(&uplinks[i].source, &pool->uplinks[i].source);
	if (same)
		return;
	memcpy(pool->uplinks, uplinks, count * sizeof(*uplinks));
	pool->uplink_count = count;
	memset(pool->failed_us, 0, sizeof(pool->failed_us));
	retry_reset(&pool->retry);
	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++) /* on their way there */
		if (pool->slots[b].sf && !pool->slots[b].joined &&
		    !is_among(pool, pool->slots[b].uplink))
			subflow_fail(pool->slots[b].sf, "uplink gone");
	settle(pool);
}

static void take_conf(struct pool *pool, const struct conf *conf)
{
	pool->args.conf = conf;
	snprintf(pool->congestion, sizeof(pool->congestion), "%s",
	         conf->main.congestion);
}

void pool_set_conf(struct pool *pool, const struct conf *conf)
{
	bool endpoints = !conf_concentrator_equal(&pool->args.conf->concentrator,
	                                          &conf->concentrator);

	take_conf(pool, conf);
	if (endpoints)
		pool_restart(pool);
	settle(pool);
}

void pool_on_join(struct pool *pool, struct subflow *sf)
{
	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++)
		if (pool->slots[b].sf == sf) {
			pool->slots[b].joined = true;
			pool->failed_us[pool->slots[b].uplink] = 0;
		}
	pool->why[0] = 0;
	retry_reset(&pool->retry);
	settle(pool);
}

static void end_all(struct pool *pool)
{
	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++) {
		subflow_destroy(pool->slots[b].sf);
		pool->slots[b].sf = NULL;
		pool->slots[b].joined = false;
	}
}

void pool_hold(struct pool *pool, uint64_t us)
{
	pool->held_us = loop_now_us(pool->args.loop) + us;
	retry_hold(&pool->retry, us);
}

void pool_restart(struct pool *pool)
{
	end_all(pool);
	retry_failed(&pool->retry); /* not in this very turn */
}

struct pool *pool_create(const struct pool_args *args)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->args = *args;
	take_conf(pool, args->conf);
	if (retry_init(&pool->retry, args->loop, args->rand, on_retry, pool) < 0) {
		free(pool);
		errno = ENOMEM;
		return NULL;
	}
	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++)
		pool->slots[b].pool = pool;
	return pool;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	end_all(pool);
	retry_finish(&pool->retry);
	free(pool);
}

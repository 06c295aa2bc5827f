/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pool.h. Owns the keeper of its bundles. settle() connects what is
 * missing; everything that happens ends in it.
 */
#include "agg/role/mptcp/pool.h"

#include "agg/base/log.h"
#include "agg/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAST_BUNDLES 2u /* bulk's, and the first for what is small */

struct pool {
	struct pool_args args;
	struct keeper keeper;   /* a slot per bundle */
	struct pool_uplink uplinks[WIRE_UPLINKS_MAX];
	unsigned uplink_count;
	uint64_t failed_us[WIRE_UPLINKS_MAX]; /* by index; 0: it did not */
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
	return keeper_joined(&pool->keeper);
}

struct subflow *pool_bundle(const struct pool *pool, unsigned i)
{
	const struct keeper_slot *slot = &pool->keeper.slots[i];

	return slot->joined ? slot->sf : NULL;
}

/* Connecting -------------------------------------------------------------- */

static bool may_use(const void *ctx, const struct addr *endpoint)
{
	const struct pool *pool = ctx;

	return endpoint->family == pool->args.family;
}

static unsigned begun(const struct pool *pool, unsigned uplink)
{
	unsigned n = 0;

	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++)
		n += pool->keeper.slots[b].sf &&
		     pool->keeper.slots[b].uplink == uplink;
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
	keeper_failed(&pool->keeper, end);
	if (pool->held_us > pool->failed_us[uplink])
		retry_hold(&pool->keeper.retry,
		           pool->held_us - pool->failed_us[uplink]);
}

static void on_welcome(void *ctx, unsigned slot, struct subflow *sf,
                       const struct wire_welcome *welcome)
{
	struct pool *pool = ctx;

	pool->args.on_welcome(pool->args.ctx, pool->keeper.slots[slot].uplink, sf,
	                      welcome);
}

static void settle(struct pool *pool);

static void on_end(void *ctx, unsigned slot, bool joined, const char *why,
                   enum subflow_end kind)
{
	struct pool *pool = ctx;
	unsigned uplink = pool->keeper.slots[slot].uplink;

	if (joined) {
		log_info("mptcp: bundle %u: %s", slot, why);
		retry_pause(&pool->keeper.retry);
	} else {
		failed(pool, uplink, why, kind);
		if (kind == SUBFLOW_END_NO_ANSWER)
			pool->args.on_no_answer(pool->args.ctx, uplink);
	}
	pool->args.on_change(pool->args.ctx);
	settle(pool);
}

static void begin(struct pool *pool, unsigned bundle)
{
	const struct pool_uplink *u = choose_uplink(pool, bundle);
	struct keeper_way way = {
		.uplink = u->index, .device = u->device, .source = &u->source,
		.name = "mptcp", .path = pool->args.path, .mptcp = true,
	};
	unsigned count;

	if (!keeper_choose(&pool->keeper, u->index, may_use, pool, &way.at,
	                   &count))
		return;
	int err = keeper_begin(&pool->keeper, bundle, &way);
	if (err < 0)
		failed(pool, u->index, strerror(-err), SUBFLOW_END_OTHER);
}

static void settle(struct pool *pool)
{
	unsigned wanted = pool_wanted(pool);

	keeper_fail_from(&pool->keeper, wanted, "not wanted any more");
	if (loop_now_us(pool->args.loop) < pool->held_us)
		return;
	for (unsigned b = 0; b < wanted; b++)
		if (keeper_may_begin(&pool->keeper, b))
			begin(pool, b);
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
	retry_reset(&pool->keeper.retry);
	for (unsigned b = 0; b < POOL_BUNDLES_MAX; b++) { /* on their way there */
		const struct keeper_slot *slot = &pool->keeper.slots[b];
		if (slot->sf && !slot->joined && !is_among(pool, slot->uplink))
			subflow_fail(slot->sf, "uplink gone");
	}
	settle(pool);
}

void pool_set_conf(struct pool *pool, const struct conf *conf)
{
	bool endpoints = !conf_concentrator_equal(&pool->args.conf->concentrator,
	                                          &conf->concentrator);

	pool->args.conf = conf;
	keeper_set_conf(&pool->keeper, conf);
	if (endpoints)
		pool_restart(pool);
	settle(pool);
}

void pool_on_join(struct pool *pool, struct subflow *sf)
{
	int bundle = keeper_on_join(&pool->keeper, sf);

	if (bundle < 0)
		return;
	pool->failed_us[pool->keeper.slots[bundle].uplink] = 0;
	pool->why[0] = 0;
	settle(pool);
}

void pool_hold(struct pool *pool, uint64_t us)
{
	pool->held_us = loop_now_us(pool->args.loop) + us;
	retry_hold(&pool->keeper.retry, us);
}

void pool_leave(struct pool *pool, keeper_take_fn *take, void *ctx)
{
	keeper_leave(&pool->keeper, take, ctx);
}

void pool_restart(struct pool *pool)
{
	keeper_end_all(&pool->keeper);
	retry_failed(&pool->keeper.retry); /* not in this very turn */
}

static const struct keeper_events keeper_events = {
	on_welcome, on_end, on_retry,
};

struct pool *pool_create(const struct pool_args *args)
{
	struct keeper_args keeper = {
		.loop = args->loop, .tls = args->tls, .rand = args->rand,
		.conf = args->conf, .endpoints = args->endpoints,
		.next_id = args->next_id, .next_ctx = args->ctx,
		.session = args->session, .events = &keeper_events,
	};
	struct pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->args = *args;
	keeper.ctx = pool;
	if (keeper_init(&pool->keeper, &keeper) == 0)
		return pool;
	free(pool);
	errno = ENOMEM;
	return NULL;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	keeper_finish(&pool->keeper);
	free(pool);
}

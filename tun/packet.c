/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see packet.h. A slab is a piece of memory with SLAB_PACKETS packets; those
 * that nobody has are a stack, so that the warmest is used next. Of a new slab only
 * what is used is touched, so an idle tunnel has a page or two.
 */
#include "tun/packet.h"

#include "agg/base/heap.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_PACKETS 32u
#define FALL 8 /* a peak that is not reached again is forgotten by an eighth each time */

struct slab {
	struct slab *next;
	struct packet packets[SLAB_PACKETS];
};

struct packet_pool {
	struct budget *budget; /* borrowed */
	struct packet *unused; /* packet.next */
	struct slab *slabs;
	unsigned fresh;      /* at the end of the first slab: never used, on no stack */
	unsigned slab_count, slabs_max;
	unsigned used, most; /* packets */
	unsigned peak;       /* of used, since it was 0 */
	unsigned recent;     /* and before, falling */
};

struct packet_pool *packet_pool_create(unsigned most, struct budget *budget)
{
	struct packet_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->most = most;
	pool->slabs_max = (most + SLAB_PACKETS - 1) / SLAB_PACKETS;
	pool->budget = budget;
	return pool;
}

static void add(struct packet_pool *pool, struct slab *s)
{
	s->next = pool->slabs;
	pool->slabs = s;
	pool->slab_count++;
}

/* Nobody has one of its packets. */
static void stack(struct packet_pool *pool, struct slab *s)
{
	for (unsigned i = 0; i < SLAB_PACKETS; i++) {
		s->packets[i].next = pool->unused;
		pool->unused = &s->packets[i];
	}
}

/* What was much goes back to the system: nobody is waiting now. */
static void shrink(struct packet_pool *pool, unsigned kept)
{
	struct slab *next, *slabs = pool->slabs;
	bool much = (pool->slab_count - kept) * sizeof(*slabs) >= HEAP_FALL_BYTES;

	pool->slabs = NULL;
	pool->slab_count = 0;
	pool->unused = NULL;
	pool->fresh = 0;
	for (struct slab *s = slabs; s; s = next) {
		next = s->next;
		if (pool->slab_count < kept) {
			add(pool, s);
			stack(pool, s);
			continue;
		}
		free(s);
		budget_give(pool->budget, sizeof(*s));
	}
	if (much)
		heap_trim();
}

void packet_pool_destroy(struct packet_pool *pool)
{
	if (!pool)
		return;
	assert(!pool->used);
	shrink(pool, 0);
	free(pool);
}

unsigned packet_pool_used(const struct packet_pool *pool)
{
	return pool->used;
}

/* None is used. Half of the slabs, or more, were not needed of late: they go. */
static void rest(struct packet_pool *pool)
{
	unsigned needed = pool->recent - pool->recent / FALL, kept;

	needed = pool->peak > needed ? pool->peak : needed;
	needed = needed > PACKET_KEPT ? needed : PACKET_KEPT;
	kept = (needed + SLAB_PACKETS - 1) / SLAB_PACKETS;
	pool->recent = needed;
	pool->peak = 0;
	if (pool->slab_count > 2 * kept)
		shrink(pool, kept);
}

void packet_pool_rest(struct packet_pool *pool)
{
	if (!pool->used)
		rest(pool);
}

static void grow(struct packet_pool *pool)
{
	struct slab *s;

	if (pool->slab_count == pool->slabs_max || !budget_take(pool->budget, sizeof(*s)))
		return;
	s = malloc(sizeof(*s));
	if (!s) {
		budget_give(pool->budget, sizeof(*s));
		return;
	}
	add(pool, s);
	pool->fresh = SLAB_PACKETS;
}

static struct packet *take(struct packet_pool *pool)
{
	struct packet *p = pool->unused;

	if (p) {
		pool->unused = p->next;
		return p;
	}
	if (!pool->fresh)
		grow(pool);
	return pool->fresh ? &pool->slabs->packets[SLAB_PACKETS - pool->fresh--] : NULL;
}

struct packet *packet_get(struct packet_pool *pool)
{
	struct packet *p;

	if (pool->used == pool->most)
		return NULL;
	p = take(pool);
	if (!p)
		return NULL;
	if (++pool->used > pool->peak)
		pool->peak = pool->used;
	memset(p, 0, offsetof(struct packet, bytes));
	p->pool = pool;
	p->head = PACKET_HEADROOM;
	return p;
}

void packet_put(struct packet *p)
{
	if (!p)
		return;
	assert(p->pool->used);
	p->pool->used--;
	p->next = p->pool->unused;
	p->pool->unused = p;
	if (!p->pool->used)
		rest(p->pool);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see packet.h. A slab is a piece of memory with SLAB_PACKETS packets; those
 * that nobody has are a stack, so that the warmest is used next.
 */
#include "tun/packet.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_PACKETS 32u

struct slab {
	struct slab *next;
	struct packet packets[SLAB_PACKETS];
};

struct packet_pool {
	struct budget *budget; /* borrowed */
	struct packet *unused; /* packet.next */
	struct slab *slabs;
	unsigned slabs_left; /* that may still be made */
	unsigned used, most;
};

struct packet_pool *packet_pool_create(unsigned most, struct budget *budget)
{
	struct packet_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->most = most;
	pool->slabs_left = (most + SLAB_PACKETS - 1) / SLAB_PACKETS;
	pool->budget = budget;
	return pool;
}

void packet_pool_rest(struct packet_pool *pool)
{
	struct slab *next;

	if (pool->used)
		return;
	for (struct slab *s = pool->slabs; s; s = next) {
		next = s->next;
		free(s);
		pool->slabs_left++;
		budget_give(pool->budget, sizeof(*s));
	}
	pool->slabs = NULL;
	pool->unused = NULL;
}

void packet_pool_destroy(struct packet_pool *pool)
{
	if (!pool)
		return;
	assert(!pool->used);
	packet_pool_rest(pool);
	free(pool);
}

unsigned packet_pool_used(const struct packet_pool *pool)
{
	return pool->used;
}

static void grow(struct packet_pool *pool)
{
	struct slab *s;

	if (!pool->slabs_left || !budget_take(pool->budget, sizeof(*s)))
		return;
	s = malloc(sizeof(*s));
	if (!s) {
		budget_give(pool->budget, sizeof(*s));
		return;
	}
	pool->slabs_left--;
	s->next = pool->slabs;
	pool->slabs = s;
	for (unsigned i = 0; i < SLAB_PACKETS; i++) {
		s->packets[i].pool = pool;
		s->packets[i].next = pool->unused;
		pool->unused = &s->packets[i];
	}
}

struct packet *packet_get(struct packet_pool *pool)
{
	struct packet *p;

	if (pool->used == pool->most)
		return NULL;
	if (!pool->unused)
		grow(pool);
	p = pool->unused;
	if (!p)
		return NULL;
	pool->unused = p->next;
	pool->used++;
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
}

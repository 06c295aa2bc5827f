/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see share.h.
 */
#include "proxy/share.h"

#include "agg/base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define WHOSE_MAX 64

struct share {
	struct share_pool *pool; /* borrowed */
	char whose[WHOSE_MAX + 1];
	unsigned used[SHARE_COUNT];
	uint64_t turn;                 /* of the loop, in which it ... */
	unsigned begun;                /* ... began so many connections */
	unsigned told_at[SHARE_COUNT]; /* used, as it was logged; 0: not */
	struct throttle throttle;
	bool over;                     /* destroyed, but for what it still has */
};

static const char *text_of(enum share_kind kind)
{
	switch (kind) {
	case SHARE_DIALS: return "connections on their way";
	case SHARE_NAMES: return "names being asked for";
	case SHARE_RELAYS: return "connections";
	}
	return "";
}

struct share *share_create(struct share_pool *pool, const char *whose)
{
	struct share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->pool = pool;
	pool->sites++;
	snprintf(share->whose, sizeof(share->whose), "%s", whose);
	return share;
}

static void free_unused(struct share *share)
{
	for (int i = 0; i < SHARE_COUNT; i++)
		if (share->used[i])
			return;
	if (share->over)
		free(share);
}

struct throttle *share_throttle(struct share *share)
{
	return share ? &share->throttle : NULL;
}

void share_destroy(struct share *share)
{
	if (!share)
		return;
	share->over = true;
	share->pool->sites--;
	free_unused(share);
}

static void tell(struct share *share, enum share_kind kind)
{
	if (share->told_at[kind])
		return;
	share->told_at[kind] = share->used[kind] + 1;
	log_peer("%s has its part of %s, %u of %u: more are refused",
	         share->whose, text_of(kind), share->used[kind],
	         share->pool->max[kind]);
}

bool share_take(struct share *share, enum share_kind kind)
{
	if (!share)
		return true;
	struct share_pool *pool = share->pool;
	unsigned free_places = pool->max[kind] - pool->used[kind];
	unsigned most = SHARE_OF_FREE * free_places;
	if (!free_places || (pool->sites > 1 && share->used[kind] >= most)) {
		tell(share, kind);
		return false;
	}
	share->used[kind]++;
	pool->used[kind]++;
	return true;
}

void share_give(struct share *share, enum share_kind kind)
{
	if (!share)
		return;
	assert(share->used[kind]);
	share->used[kind]--;
	share->pool->used[kind]--;
	if (share->used[kind] < share->told_at[kind] / 2)
		share->told_at[kind] = 0;
	free_unused(share);
}

bool share_begins(struct share *share, uint64_t turn)
{
	if (!share)
		return true;
	if (share->turn != turn) {
		share->turn = turn;
		share->begun = 0;
	}
	if (share->begun == SHARE_BEGINS_MAX)
		return false;
	share->begun++;
	return true;
}

unsigned share_used(const struct share *share, enum share_kind kind)
{
	return share->used[kind];
}

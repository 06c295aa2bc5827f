/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which flow a packet is of: a set-associative table, as CAKE's. A key has
 * FLOW_WAYS places; a quiet flow gives its place to a new one, the one first that
 * is quiet for longest. Where all are busy, two flows share a queue. A set's memory
 * comes with its first flow.
 */
#include "tun/flows_impl.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash(const struct flows *fs, const void *p, size_t n)
{
	uint64_t h = siphash(fs->args.key, p, n);

	return h ? h : 1; /* 0: a free place */
}

static struct flow **set_of(struct flows *fs, uint64_t tag)
{
	return &fs->sets[tag % (fs->args.table / FLOW_WAYS)];
}

static bool make_sets(struct flows *fs)
{
	size_t n = fs->args.table / FLOW_WAYS;
	uint64_t bytes = n * sizeof(struct flow *) + BUDGET_MALLOC_BYTES;

	if (fs->sets)
		return true;
	if (!budget_take(fs->args.budget, bytes))
		return false;
	fs->sets = calloc(n, sizeof(struct flow *));
	if (!fs->sets)
		budget_give(fs->args.budget, bytes);
	return fs->sets;
}

static bool make_set(struct flows *fs, struct flow **set)
{
	uint64_t bytes = FLOW_WAYS * sizeof(struct flow) + BUDGET_MALLOC_BYTES;

	if (*set)
		return true;
	if (!budget_take(fs->args.budget, bytes))
		return false;
	*set = calloc(FLOW_WAYS, sizeof(struct flow));
	if (!*set)
		budget_give(fs->args.budget, bytes);
	return *set;
}

static void gone(struct flows *fs, struct flow *f)
{
	const struct flows_ops *ops = fs->args.ops;

	if (ops && ops->on_gone)
		ops->on_gone(fs->args.ctx, f);
	fs->stats.flows--;
}

static struct flow *begin(struct flows *fs, struct flow *f, uint64_t tag,
                          const struct inspect_key *key, uint64_t now_us)
{
	if (f->tag)
		gone(fs, f);
	memset(f, 0, sizeof(*f));
	f->tag = tag;
	f->key = *key;
	f->last_us = now_us;
	f->told = f->traffic = TRAFFIC_NORMAL;
	f->tuning = (struct flow_tuning){ UINT32_MAX, FLOWS_TARGET_US,
	                                  FLOWS_INTERVAL_US };
	fs->stats.flows++;
	return f;
}

/* A free place, or that of the one that was quiet for longest; or NULL. */
static struct flow *place_in(struct flow *set)
{
	struct flow *best = NULL;

	for (unsigned i = 0; i < FLOW_WAYS; i++) {
		if (!set[i].tag)
			return &set[i];
		if (set[i].state == FLOW_IDLE &&
		    (!best || set[i].last_us < best->last_us))
			best = &set[i];
	}
	return best;
}

static struct flow *find_in(struct flow *set, uint64_t tag)
{
	for (unsigned i = 0; i < FLOW_WAYS; i++)
		if (set[i].tag == tag)
			return &set[i];
	return NULL;
}

struct flow *flow_table_get(struct flows *fs, const struct inspect_key *key,
                            uint64_t now_us)
{
	uint64_t tag = hash(fs, key, sizeof(*key));
	struct flow **set, *f;

	if (!make_sets(fs) || !make_set(fs, set = set_of(fs, tag)))
		return fs->spare.tag ? &fs->spare : begin(fs, &fs->spare, tag, key, now_us);
	f = find_in(*set, tag);
	if (f)
		return f;
	f = place_in(*set);
	return f ? begin(fs, f, tag, key, now_us)
	         : &(*set)[tag / fs->args.table % FLOW_WAYS];
}

struct flow *flow_table_find(struct flows *fs, const struct inspect_key *key)
{
	uint64_t tag;
	struct flow *set;

	if (!fs->sets)
		return NULL;
	tag = hash(fs, key, sizeof(*key));
	set = *set_of(fs, tag);
	return set ? find_in(set, tag) : NULL;
}

static bool make_hosts(struct flows *fs)
{
	uint64_t bytes = HOST_SETS * FLOW_WAYS * sizeof(struct flow_host) +
	                 BUDGET_MALLOC_BYTES;

	if (fs->hosts)
		return true;
	if (!budget_take(fs->args.budget, bytes))
		return false;
	fs->hosts = calloc(HOST_SETS * FLOW_WAYS, sizeof(struct flow_host));
	if (!fs->hosts)
		budget_give(fs->args.budget, bytes);
	return fs->hosts;
}

struct flow_host *flow_table_host(struct flows *fs, const struct flow *f)
{
	const uint8_t *ip = fs->args.lan_is_source ? f->key.src : f->key.dst;
	struct flow_host *set, *unused = NULL;
	uint64_t tag;

	if (!make_hosts(fs))
		return &fs->spare_host;
	tag = hash(fs, ip, sizeof(f->key.src));
	set = &fs->hosts[tag % HOST_SETS * FLOW_WAYS];
	for (unsigned i = 0; i < FLOW_WAYS; i++) {
		if (set[i].listed && set[i].tag == tag)
			return &set[i];
		if (!set[i].listed)
			unused = &set[i];
	}
	if (!unused) /* two hosts are one */
		return &set[tag / HOST_SETS % FLOW_WAYS];
	*unused = (struct flow_host){ .tag = tag };
	return unused;
}

static bool is_longer(const struct flow *a, const struct flow *b)
{
	if (!a->packets)
		return false;
	if (b && a->host->packets != b->host->packets)
		return a->host->packets > b->host->packets;
	return !b || a->packets > b->packets;
}

struct flow *flow_table_longest(struct flows *fs)
{
	struct flow *best = NULL;

	for (unsigned s = 0; fs->sets && s < fs->args.table / FLOW_WAYS; s++)
		for (unsigned i = 0; fs->sets[s] && i < FLOW_WAYS; i++)
			if (is_longer(&fs->sets[s][i], best))
				best = &fs->sets[s][i];
	if (is_longer(&fs->spare, best))
		best = &fs->spare;
	return best;
}

static void finish_set(struct flows *fs, struct flow *set)
{
	for (unsigned i = 0; i < FLOW_WAYS; i++)
		if (set[i].tag)
			gone(fs, &set[i]);
	free(set);
	budget_give(fs->args.budget,
	            FLOW_WAYS * sizeof(struct flow) + BUDGET_MALLOC_BYTES);
}

void flow_table_finish(struct flows *fs)
{
	size_t n = fs->args.table / FLOW_WAYS;

	for (unsigned s = 0; fs->sets && s < n; s++)
		if (fs->sets[s])
			finish_set(fs, fs->sets[s]);
	if (fs->sets)
		budget_give(fs->args.budget,
		            n * sizeof(struct flow *) + BUDGET_MALLOC_BYTES);
	free(fs->sets);
	fs->sets = NULL;
	if (fs->hosts)
		budget_give(fs->args.budget, HOST_SETS * FLOW_WAYS * sizeof(struct flow_host) +
		                             BUDGET_MALLOC_BYTES);
	free(fs->hosts);
	fs->hosts = NULL;
	if (fs->spare.tag)
		gone(fs, &fs->spare);
	fs->spare.tag = 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see guard.h. Linear tables: at these sizes a walk costs less than the
 * accept that it guards.
 *
 * A bucket is one time: when it will be full again, were nothing more taken
 * (the generic cell rate algorithm, ITU-T I.371). Each token lasts its interval.
 */
#include "agg/role/guard.h"

#include <assert.h>
#include <string.h>

#define NET_BYTES 6    /* a /48 */
#define HOUSE_BYTES 8  /* a /64 */

static void source_of(const struct addr *from, unsigned bytes, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (from->family == AF_INET) {
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, from->ip, 4);
	} else {
		memcpy(ip, from->ip, bytes);
	}
}

/* A bucket of so many tokens has one. */
static bool has_token(uint64_t full_us, unsigned burst, uint64_t interval_us,
                      uint64_t now_us)
{
	return full_us <= now_us + (burst - 1) * interval_us;
}

/* It may owe as much as it can have. */
static void take_token(uint64_t *full_us, unsigned burst, uint64_t interval_us,
                       uint64_t now_us)
{
	uint64_t most = now_us + 2 * burst * interval_us;

	*full_us = (*full_us > now_us ? *full_us : now_us) + interval_us;
	if (*full_us > most)
		*full_us = most;
}

/* Tables ------------------------------------------------------------------- */

/* The one to forget for another: idle, strangers before familiar ones, then
 * the oldest. */
static bool goes_before(const struct guard_source *a,
                        const struct guard_source *b)
{
	if (!a->familiar_us != !b->familiar_us)
		return !a->familiar_us;
	return a->seen_us < b->seen_us;
}

/* The place of that entry; -1: it has none, and *place is the one to forget for
 * it. */
static int find(const struct guard_source *table, unsigned count,
                const uint8_t ip[16], int *place)
{
	*place = -1;
	for (unsigned i = 0; i < count; i++) {
		const struct guard_source *s = &table[i];
		if (s->seen_us && !memcmp(s->ip, ip, 16))
			return (int)i;
		if (!s->under_way &&
		    (*place < 0 || goes_before(s, &table[*place])))
			*place = (int)i;
	}
	return -1;
}

static int find_source(const struct guard *g, const struct addr *from)
{
	uint8_t ip[16];
	int place;

	source_of(from, HOUSE_BYTES, ip);
	return find(g->sources, g->source_count, ip, &place);
}

/* With a new entry where there is none; NULL: every place is taken, which is not
 * so as long as fewer are under way than there are places. */
static struct guard_source *get(struct guard_source *table, unsigned *count,
                                unsigned max, const uint8_t ip[16])
{
	int place, i = find(table, *count, ip, &place);

	if (i < 0 && *count < max)
		place = (int)(*count)++;
	if (i >= 0 || place < 0)
		return i >= 0 ? &table[i] : NULL;
	table[place] = (struct guard_source){ 0 };
	memcpy(table[place].ip, ip, 16);
	return &table[place];
}

static struct guard_source *get_source(struct guard *g, const struct addr *from)
{
	uint8_t ip[16];

	source_of(from, HOUSE_BYTES, ip);
	return get(g->sources, &g->source_count, GUARD_SOURCES_MAX, ip);
}

static struct guard_source *get_net(struct guard *g, const struct addr *from)
{
	uint8_t ip[16];

	if (from->family != AF_INET6)
		return NULL;
	source_of(from, NET_BYTES, ip);
	return get(g->nets, &g->net_count, GUARD_NETS_MAX, ip);
}

/* Coming in ------------------------------------------------------------------ */

static bool source_may(const struct guard_source *s, uint64_t now_us)
{
	if (s->familiar_us)
		return has_token(s->full_us, GUARD_FAMILIAR_BURST,
		                 GUARD_FAMILIAR_US, now_us);
	return s->under_way < GUARD_PER_SOURCE_MAX &&
	       has_token(s->full_us, GUARD_SOURCE_BURST, GUARD_SOURCE_US, now_us);
}

static bool net_may(const struct guard_source *net, uint64_t now_us)
{
	return net->under_way < GUARD_PER_NET_MAX &&
	       has_token(net->full_us, GUARD_NET_BURST, GUARD_NET_US, now_us);
}

static bool needs_room(const struct guard *g, const struct guard_source *s)
{
	if (s->familiar_us)
		return s->under_way >= GUARD_PER_SOURCE_MAX ||
		       g->under_way >= GUARD_HANDSHAKES_MAX;
	return g->under_way >= GUARD_HANDSHAKES_MAX - GUARD_FAMILIAR_PLACES;
}

/* Of whose handshakes one goes: a stranger's rather than a familiar one's. */
static bool has_more(const struct guard_source *a, const struct guard_source *b)
{
	if (!a->familiar_us != !b->familiar_us)
		return !a->familiar_us;
	return a->under_way > b->under_way;
}

static void count_in(struct guard *g, struct guard_source *s,
                     struct guard_source *net, uint64_t now_us)
{
	if (s->under_way && !s->familiar_us)
		take_token(&g->full_us, GUARD_ALL_BURST, GUARD_ALL_US, now_us);
	s->seen_us = now_us;
	s->under_way++;
	g->under_way++;
	if (net) {
		net->seen_us = now_us;
		net->under_way++;
	}
}

/* Has nobody who may be at fault used up what it asks for? */
static bool is_welcome(const struct guard *g, const struct guard_source *s,
                       const struct guard_source *net, uint64_t now_us)
{
	if (!source_may(s, now_us))
		return false;
	if (s->familiar_us)
		return true;
	return (!net || net_may(net, now_us)) &&
	       (!s->under_way || has_token(g->full_us, GUARD_ALL_BURST,
	                                   GUARD_ALL_US, now_us));
}

enum guard_answer guard_enter(struct guard *g, const struct addr *from,
                              uint64_t now_us)
{
	struct guard_source *s = get_source(g, from);
	struct guard_source *net = get_net(g, from);

	if (!s || !is_welcome(g, s, net, now_us))
		return GUARD_REFUSES;
	if (needs_room(g, s))
		return GUARD_NEEDS_ROOM;
	count_in(g, s, net, now_us);
	return GUARD_ENTERS;
}

bool guard_victim(const struct guard *g, const struct addr *newcomer,
                  const struct addr *one)
{
	int own = find_source(g, newcomer), its = find_source(g, one), most = -1;

	if (own >= 0 && g->sources[own].under_way >= GUARD_PER_SOURCE_MAX)
		return its == own;
	for (unsigned i = 0; i < g->source_count; i++)
		if (g->sources[i].under_way &&
		    (most < 0 || has_more(&g->sources[i], &g->sources[most])))
			most = (int)i;
	return most >= 0 && its == most;
}

/* Leaving ------------------------------------------------------------------- */

static void make_familiar(struct guard *g, struct guard_source *s,
                          uint64_t now_us)
{
	struct guard_source *oldest = NULL;
	unsigned n = 0;

	s->familiar_us = now_us;
	s->full_us = 0;
	for (unsigned i = 0; i < g->source_count; i++) {
		struct guard_source *one = &g->sources[i];
		if (!one->familiar_us)
			continue;
		n++;
		if (!oldest || one->familiar_us < oldest->familiar_us)
			oldest = one;
	}
	if (n > GUARD_FAMILIAR_MAX)
		oldest->familiar_us = 0;
}

static void fail(struct guard_source *s, struct guard_source *net,
                 uint64_t now_us)
{
	if (s->familiar_us)
		take_token(&s->full_us, GUARD_FAMILIAR_BURST, GUARD_FAMILIAR_US,
		           now_us);
	else
		take_token(&s->full_us, GUARD_SOURCE_BURST, GUARD_SOURCE_US, now_us);
	if (net && !s->familiar_us)
		take_token(&net->full_us, GUARD_NET_BURST, GUARD_NET_US, now_us);
}

void guard_leave(struct guard *g, const struct addr *from, enum guard_end end,
                 uint64_t now_us)
{
	struct guard_source *s = get_source(g, from);
	struct guard_source *net = get_net(g, from);

	assert(s && s->under_way && g->under_way); /* as it has entered */
	g->under_way--;
	if (net)
		net->under_way--;
	s->under_way--;
	s->seen_us = now_us;
	switch (end) {
	case GUARD_GOOD:
		if (s->under_way && !s->familiar_us && g->full_us > GUARD_ALL_US)
			g->full_us -= GUARD_ALL_US; /* as it took it */
		make_familiar(g, s, now_us);
		break;
	case GUARD_FAILED:
		fail(s, net, now_us);
		break;
	case GUARD_EVICTED:
		break;
	}
}

void guard_forgive(struct guard *g)
{
	g->full_us = 0;
	for (unsigned i = 0; i < g->source_count; i++)
		g->sources[i].full_us = 0;
	for (unsigned i = 0; i < g->net_count; i++)
		g->nets[i].full_us = 0;
}

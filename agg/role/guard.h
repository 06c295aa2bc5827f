/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the guard at the concentrator's door: who may begin a handshake. Pure.
 *
 * Handshakes under way are capped, in all, per source (an IPv4 address, an
 * IPv6 /64) and per net (an IPv6 /48). Each source and each net has a bucket of
 * failures: some are free, and then so many a second. So who fails all the time
 * costs a few key exchanges a second, and who shares his address behind a
 * carrier's NAT still finds a place between. A handshake that is not the only
 * one of its source also takes from a bucket over all, and gives back what it
 * took when it succeeds: so a crowd of sources has a limit too, and the first
 * of a source does not wait for it.
 *
 * A source from which a site came is familiar: it may fail more often, pays
 * nothing into the bucket over all, and the last places are kept for it. When
 * all places are taken, one should go for a newcomer: the oldest of the source
 * that has most. That is the owner's to do, and is no failure of who goes.
 */
#ifndef AGG_ROLE_GUARD_H
#define AGG_ROLE_GUARD_H

#include "agg/base/addr.h"

#define GUARD_HANDSHAKES_MAX 256
#define GUARD_FAMILIAR_PLACES 32     /* of them, for familiar sources only */
#define GUARD_PER_SOURCE_MAX 32
#define GUARD_PER_NET_MAX 96
#define GUARD_FAMILIAR_MAX 1024      /* sources: those of as many sites */
#define GUARD_SOURCES_MAX (GUARD_HANDSHAKES_MAX + GUARD_FAMILIAR_MAX)
#define GUARD_NETS_MAX GUARD_HANDSHAKES_MAX

/* Buckets: so many failures at once, then one each so many microseconds. */
#define GUARD_SOURCE_BURST 8
#define GUARD_SOURCE_US 1000000u
#define GUARD_FAMILIAR_BURST 64
#define GUARD_FAMILIAR_US 100000u
#define GUARD_NET_BURST 64
#define GUARD_NET_US 250000u
#define GUARD_ALL_BURST 256
#define GUARD_ALL_US 10000u

struct guard_source {
	uint8_t ip[16];         /* masked; IPv4 as ::ffff:a.b.c.d */
	unsigned under_way;
	uint64_t full_us;       /* when its bucket is as if nothing had been */
	uint64_t seen_us;       /* 0: the entry is free */
	uint64_t familiar_us;   /* when a site came from it; 0: never */
};

struct guard {
	unsigned under_way;
	uint64_t full_us;       /* of the bucket over all */
	/* In use up to there: memory and a walk cost as much as was needed yet. */
	unsigned source_count, net_count;
	struct guard_source sources[GUARD_SOURCES_MAX];
	struct guard_source nets[GUARD_NETS_MAX];
};

enum guard_answer {
	GUARD_ENTERS,    /* it is counted, and guard_leave must follow */
	GUARD_REFUSES,
	GUARD_NEEDS_ROOM, /* ask again when one of guard_victim's has gone */
};

enum guard_end {
	GUARD_GOOD,      /* it was a site's */
	GUARD_FAILED,
	GUARD_EVICTED,   /* it had to go for another, or we are at fault */
};

/* May this source begin a handshake? */
enum guard_answer guard_enter(struct guard *g, const struct addr *from,
                              uint64_t now_us);
void guard_leave(struct guard *g, const struct addr *from, enum guard_end end,
                 uint64_t now_us);
/* After GUARD_NEEDS_ROOM: is this one, with a handshake under way, of the
 * source whose oldest should go for the newcomer? */
bool guard_victim(const struct guard *g, const struct addr *newcomer,
                  const struct addr *one);
/* All failures are forgotten: what was wrong may be right now. */
void guard_forgive(struct guard *g);

#endif

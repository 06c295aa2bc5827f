/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how many bytes a second a site may have, each way, of all that it does: a token
 * bucket a direction. Pure. What is taken may be more than is left, once; then it is
 * waited until that is made good. Packets have a part of it kept for them, as streams
 * take pieces that are worth many packets. It counts what was taken, also without a
 * limit.
 */
#ifndef PROXY_THROTTLE_H
#define PROXY_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#define THROTTLE_DEPTH_US 50000u    /* what was not used is kept so long */
#define THROTTLE_DEPTH_MIN 16384    /* bytes */
#define THROTTLE_PIECE_BYTES 32768u /* taken at once, of who is throttled */
#define THROTTLE_PACKETS_PART 4     /* of the rate is kept for packets */
#define THROTTLE_AGAIN_US 5000u     /* who has to wait asks again */

enum throttle_way { THROTTLE_DOWN, THROTTLE_UP };
#define THROTTLE_WAYS 2

/* All 0: no limit. */
struct throttle {
	uint64_t bps;                  /* bytes/s each way; 0: no limit */
	uint64_t at_us;                /* left is of then */
	int64_t left[THROTTLE_WAYS];   /* bytes; below 0: to be made good */
	int64_t kept[THROTTLE_WAYS];   /* for packets, where none are left: a byte of
	                                * theirs takes THROTTLE_PACKETS_PART */
	uint64_t taken[THROTTLE_WAYS]; /* ever */
};

void throttle_set(struct throttle *t, uint64_t bps, uint64_t now_us);
/* May something be taken now? A NULL throttle always lets. */
bool throttle_lets(struct throttle *t, enum throttle_way way, uint64_t now_us);
static inline void throttle_take(struct throttle *t, enum throttle_way way,
                                 uint64_t bytes)
{
	if (!t)
		return;
	t->taken[way] += bytes;
	t->left[way] -= t->bps ? (int64_t)bytes : 0;
}
/* The same for a packet. */
bool throttle_lets_packet(struct throttle *t, enum throttle_way way, uint64_t now_us);
void throttle_take_packet(struct throttle *t, enum throttle_way way, uint64_t bytes);
static inline bool throttle_is_on(const struct throttle *t)
{
	return t && t->bps;
}

#endif

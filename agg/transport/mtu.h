/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how long a datagram may be on a path, in one direction: found by probes of the
 * size in question (DPLPMTUD, RFC 8899), from few sizes that the Internet has. Nobody is
 * believed that it must be less: who does not get through is not heard. Pure.
 *
 * The base size is taken to pass. The largest is tried first, then those between, by
 * halves. A size that passed and now seems to be swallowed (a black hole) is asked again:
 * a burst of loss looks the same; unanswered, the base holds at once.
 */
#ifndef AGG_TRANSPORT_MTU_H
#define AGG_TRANSPORT_MTU_H

#include <stdbool.h>
#include <stdint.h>

#define MTU_BASE 1200u              /* bytes of the IP packet outside; RFC 8899, 5.1.2 */
#define MTU_MAX 1500u
#define MTU_PROBES_MAX 3u           /* of a size, unanswered: it does not pass */
#define MTU_TIMEOUT_MIN_US 100000u  /* or three round trips; RFC 8899's 1 s is for paths
                                     * of which nothing is known */
#define MTU_RAISE_US 600000000u     /* larger ones are tried again */

struct mtu {
	uint8_t passes;   /* of the table of sizes: the largest that does, */
	uint8_t fails;    /* the least that does not; both end the search when they meet */
	uint8_t unanswered;
	uint8_t asked;    /* size of the probe that is under way; see waits */
	bool waits, doubted;
	uint64_t probe_us, settled_us;
};

void mtu_init(struct mtu *m);
/* The largest packet that passes, with its headers. */
uint16_t mtu_bytes(const struct mtu *m);
/* Nothing more is to be found out for now. */
bool mtu_is_settled(const struct mtu *m);
/* When the next probe is due, or the last one is lost; UINT64_MAX: none. busy: the path
 * carries what is as long as may be, so that it is worth while. */
uint64_t mtu_due_us(const struct mtu *m, uint64_t srtt_us, bool busy);
/* How long the probe is that goes now: it is due. 0: none any more. */
uint16_t mtu_probe(struct mtu *m, uint64_t srtt_us, bool busy, uint64_t now_us);
/* The one of that size arrived. True: longer ones than before may go. */
bool mtu_passed(struct mtu *m, uint16_t bytes, uint64_t now_us);
/* Long ones vanish, while short ones arrive. */
void mtu_doubt(struct mtu *m);

#endif

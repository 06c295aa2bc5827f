/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how long datagrams may be on a path, and what became of long ones: they pass if the
 * peer tells of them (feedback). Pure.
 */
#ifndef AGG_TRANSPORT_TUNNEL_FIT_H
#define AGG_TRANSPORT_TUNNEL_FIT_H

#include "agg/transport/datagram.h"
#include "agg/transport/mtu.h"

#include <sys/socket.h>

#define FIT_UNTOLD_US 150000u /* or three round trips: then it is doubtful */
#define FIT_BUSY_US 1000000u
#define FIT_PROBES 4u         /* whose echo is still understood */
#define FIT_WORDS 16u         /* counters remembered, by 64 */

struct tunnel_fit {
	struct mtu mtu;
	bool ipv4;              /* outside; else IPv6 is */
	uint64_t nonce[FIT_PROBES];
	uint16_t bytes[FIT_PROBES]; /* of these probes; 0: answered, or none */
	unsigned probes;
	uint64_t recent[FIT_WORDS]; /* a bit for each counter: it was long */
	uint64_t sent_us;       /* the last long one; 0: none was */
	uint64_t untold_us;     /* the first of which nothing was told; 0: none */
};

/* Another way: nothing is known of it. */
void tunnel_fit_init(struct tunnel_fit *l, sa_family_t family);
size_t tunnel_fit_headers(const struct tunnel_fit *l); /* of IP and UDP */
/* Bytes of a datagram that pass. */
size_t tunnel_fit_room(const struct tunnel_fit *l);
/* The path carries long ones. */
bool tunnel_fit_is_busy(const struct tunnel_fit *l, uint64_t now_us);
/* Counters rise. */
void tunnel_fit_sent(struct tunnel_fit *l, uint64_t counter, size_t n, uint64_t now_us);
/* The path answers: by feedback, or (NULL) by what tells of no datagram. */
void tunnel_fit_told(struct tunnel_fit *l, const struct datagram_feedback *feedback,
                     uint64_t srtt_us, uint64_t now_us);

#endif

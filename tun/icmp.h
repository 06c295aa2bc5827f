/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a router answers to a packet that it cannot send on (RFC 792, 1191,
 * 1812, 4443), and how often. Pure.
 */
#ifndef TUN_ICMP_H
#define TUN_ICMP_H

#include "tun/inspect.h"

#define ICMP_ANSWERS_PER_SECOND 10u /* to a host; as many at once */
#define ICMP_HOSTS 64u              /* told apart; others share */
#define ICMP_ANSWER_MAX 1280u       /* bytes that an answer may have */

/* All 0 at first. */
struct icmp_limit {
	uint64_t full_us[ICMP_HOSTS]; /* when each may have all of them again */
};

/* May the sender of that packet be answered now? Then one answer less is left. */
bool icmp_may(struct icmp_limit *limit, const struct inspection *in, uint64_t now_us);

/* Writes the answer, an IP packet from that address (of the packet's family, 4 or 16
 * bytes), to out; its length. 0: such a packet is never answered: an ICMP error, a
 * fragment but the first, to or from a multicast or broadcast address or one of nobody.
 * p is what inspect_packet() took. */
size_t icmp_too_big(uint8_t out[ICMP_ANSWER_MAX], const struct inspection *in,
                    const uint8_t *p, uint16_t mtu, const uint8_t *from);
/* The network cannot be reached. */
size_t icmp_unreachable(uint8_t out[ICMP_ANSWER_MAX], const struct inspection *in,
                        const uint8_t *p, const uint8_t *from);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what an IP packet says of itself: whose it is, and how it wants to be
 * treated. Pure; nothing is read past the n bytes that are given, whatever the
 * packet claims. RFC 791, 8200, 792, 4443; RFC 3168 for the mark.
 */
#ifndef TUN_INSPECT_H
#define TUN_INSPECT_H

#include "tun/packet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define INSPECT_EXTENSIONS_MAX 8 /* IPv6 extension headers that are passed over */

enum inspect_ecn { INSPECT_NOT_ECT, INSPECT_ECT1, INSPECT_ECT0, INSPECT_CE };

enum inspect_fragment {
	INSPECT_WHOLE,
	INSPECT_FRAGMENT_FIRST, /* has the upper header, and so its ports */
	INSPECT_FRAGMENT_OTHER,
};

/* What tells flows apart. IPv4 addresses are in the first 4 bytes, the rest is 0;
 * so it can be compared and hashed as bytes. Ports are in host order:
 * of TCP, UDP, UDP-Lite, SCTP and DCCP; sport of an ICMP echo is its identifier; of ESP both
 * are the SPI. Fragments have none, the first neither: all of one pair
 * of hosts and protocol are a flow, so that a datagram's pieces keep together, and who
 * sends only fragments is one flow. An ICMP error is of the flow that it goes along with: the
 * quoted packet's, turned round. */
struct inspect_key {
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t protocol;
	uint8_t zero[2];
};

struct inspection {
	struct inspect_key key;  /* of the flow, as above */
	uint8_t src[16], dst[16]; /* of the packet itself: another only of an error */
	uint8_t protocol;        /* behind IPv6 extensions; of the packet itself */
	uint8_t fragment;        /* enum inspect_fragment */
	uint8_t dscp, ecn;       /* enum inspect_ecn */
	uint8_t ttl;             /* or hop limit */
	uint8_t icmp_type, icmp_code; /* where the protocol is ICMP and no fragment */
	bool is_error;           /* of ICMP: never answer it with an error */
	bool may_fragment;       /* IPv4 without DF */
	uint32_t fragment_id;    /* of a fragment */
	uint16_t upper;          /* where the upper header begins */
	uint16_t len;            /* of the packet, as it says: at most n */
};

/* 0; -EBADMSG: no IP packet, or one whose lengths cannot be. What cannot be
 * understood above IP (a cut header, too many extensions) is a packet without ports. */
int inspect_packet(struct inspection *out, const uint8_t *p, size_t n);

/* How it wants to be treated, by its DSCP: EF, VA, CS5 and AF4x are real time
 * (RFC 4594), CS1 and LE are bulk. */
enum traffic inspect_traffic(const struct inspection *in);

/* The key of the packets that come back. */
void inspect_turn(struct inspect_key *out, const struct inspect_key *key);

/* Marks a packet that inspect_packet() took as having met a queue: true if it
 * was ECT, and is CE now (with its checksum right), or was CE already. */
bool inspect_mark(uint8_t *p, size_t n);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see joins.h. Bytes that a subflow moves between the last look at it and
 * its end are not seen: a second's, at most.
 */
#include "agg/role/mptcp/joins.h"

#include <string.h>

void joins_begin(struct joins *j)
{
	j->bundles = 0;
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		struct join *u = &j->uplinks[i];
		*u = (struct join){ .tx_bytes = u->tx_bytes, .rx_bytes = u->rx_bytes,
		                    .tx_bps = u->tx_bps };
	}
	j->guesses = false;
}

/* All that have that address. */
static unsigned uplinks_at(const struct addr address[WIRE_UPLINKS_MAX],
                           const struct addr *at)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		if (address[i].family != AF_UNSPEC && addr_equal_ip(&address[i], at))
			mask |= 1u << i;
	return mask;
}

int joins_uplink(const struct addr address[WIRE_UPLINKS_MAX],
                 const struct addr *local)
{
	return __builtin_ffs((int)uplinks_at(address, local)) - 1;
}

static const struct joins_reading *last_reading(
	const struct joins_reading *of, const struct mptcpinfo_subflow *sf)
{
	static const struct joins_reading none = { .tx_bytes = 0 };

	for (unsigned i = 0; i < MPTCPINFO_SUBFLOWS_MAX; i++)
		if (of[i].local.family != AF_UNSPEC &&
		    addr_equal(&of[i].local, &sf->local) &&
		    addr_equal(&of[i].remote, &sf->remote))
			return &of[i];
	return &none;
}

static uint64_t more(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static void less_known(uint64_t *least, uint64_t value) /* 0 is not known */
{
	if (value && (!*least || value < *least))
		*least = value;
}

static bool is_stalled(const struct tcpinfo *tcp, uint32_t stall_ms)
{
	return tcp->retransmits && tcp->last_ack_ms >= stall_ms;
}

static void add(struct join *u, unsigned bundle, const struct tcpinfo *tcp,
                uint32_t stall_ms)
{
	if (!tcp->srtt_us)
		return; /* it is still being joined */
	if (is_stalled(tcp, stall_ms))
		u->stalled |= 1u << bundle;
	else
		u->bundles |= 1u << bundle;
	less_known(&u->srtt_us, tcp->srtt_us);
	less_known(&u->min_rtt_us, tcp->min_rtt_us);
	u->rate_bps += tcpinfo_seen_bps(tcp);
	u->sent_bytes += tcp->bytes_sent;
	u->retrans_bytes += tcp->bytes_retrans;
}

/* What is new of each subflow is of the uplinks of its mask, in equal parts. */
static void move(struct joins *j, unsigned bundle, const struct mptcpinfo *info,
                 const unsigned masks[MPTCPINFO_SUBFLOWS_MAX])
{
	struct joins_reading now[MPTCPINFO_SUBFLOWS_MAX] = { 0 };

	for (unsigned i = 0; i < info->count; i++) {
		const struct mptcpinfo_subflow *sf = &info->subflows[i];
		const struct joins_reading *last =
			last_reading(j->readings[bundle], sf);
		unsigned parts = (unsigned)__builtin_popcount(masks[i]);
		now[i] = (struct joins_reading){ sf->local, sf->remote,
			sf->tcp.bytes_acked, sf->tcp.bytes_received };
		for (unsigned u = 0; parts && u < WIRE_UPLINKS_MAX; u++) {
			if (!(masks[i] & 1u << u))
				continue;
			j->uplinks[u].tx_bytes += more(last->tx_bytes, now[i].tx_bytes) / parts;
			j->uplinks[u].rx_bytes += more(last->rx_bytes, now[i].rx_bytes) / parts;
		}
	}
	memcpy(j->readings[bundle], now, sizeof(now));
}

void joins_bundle(struct joins *j, unsigned bundle, const struct mptcpinfo *info,
                  const struct addr address[WIRE_UPLINKS_MAX],
                  uint32_t stall_ms)
{
	unsigned masks[MPTCPINFO_SUBFLOWS_MAX] = { 0 };

	j->bundles |= 1u << bundle;
	for (unsigned i = 0; i < info->count; i++) {
		int uplink = joins_uplink(address, &info->subflows[i].local);
		if (uplink < 0)
			continue;
		masks[i] = 1u << uplink;
		add(&j->uplinks[uplink], bundle, &info->subflows[i].tcp, stall_ms);
	}
	move(j, bundle, info, masks);
}

static bool is_one(unsigned mask)
{
	return mask && !(mask & (mask - 1));
}

void joins_far(struct joins *j, unsigned bundle, const struct mptcpinfo *info,
               const struct addr address[WIRE_UPLINKS_MAX], unsigned uplinks)
{
	unsigned masks[MPTCPINFO_SUBFLOWS_MAX] = { 0 }, left = uplinks;

	for (unsigned i = 0; i < info->count; i++) {
		masks[i] = uplinks_at(address, &info->subflows[i].remote);
		if (is_one(masks[i]))
			left &= ~masks[i];
	}
	for (unsigned i = 0; i < info->count; i++) {
		if (is_one(masks[i]))
			continue;
		masks[i] = masks[i] & left ? masks[i] & left : left ? left : uplinks;
		j->guesses |= !is_one(masks[i]);
	}
	move(j, bundle, info, masks);
}

void joins_rate(struct joins *j, uint64_t now_us)
{
	uint64_t us = now_us - j->rated_us;

	if (j->rated_us && us < JOINS_RATE_US)
		return;
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		struct join *u = &j->uplinks[i];
		u->tx_bps = j->rated_us ? more(j->rated_bytes[i], u->tx_bytes) * 1000000 / us : 0;
		j->rated_bytes[i] = u->tx_bytes;
	}
	j->rated_us = now_us;
}

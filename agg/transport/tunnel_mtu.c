/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_mtu.h.
 */
#include "agg/transport/tunnel_mtu.h"

#include "agg/transport/tunnel_probe.h"
#include "agg/transport/tunnel_send.h"

void tunnel_mtu_reset(struct tunnel *t, unsigned path, sa_family_t family)
{
	tunnel_fit_init(&t->path[path].fit, family);
}

size_t tunnel_mtu_room(const struct tunnel *t, unsigned path)
{
	return tunnel_fit_room(&t->path[path].fit);
}

/* Probes --------------------------------------------------------------------- */

static void send_probe(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];
	struct tunnel_fit *l = &p->fit;
	struct datagram d = { .type = DATAGRAM_PROBE };
	uint64_t counter, awaits_us = p->awaits_us;
	bool busy = tunnel_fit_is_busy(l, t->now_us);
	uint16_t bytes = mtu_probe(&l->mtu, p->srtt_us, busy, t->now_us);

	if (!bytes)
		return;
	size_t n = bytes - tunnel_fit_headers(l);
	t->args.ops->random(t->args.ctx, (uint8_t *)&d.probe.nonce, sizeof(d.probe.nonce));
	l->nonce[l->probes % FIT_PROBES] = d.probe.nonce;
	l->bytes[l->probes++ % FIT_PROBES] = bytes;
	tunnel_send(t, path, &d, NULL, 0, n - DATAGRAM_SEAL_BYTES - DATAGRAM_PROBE_BYTES,
	            &counter);
	p->awaits_us = awaits_us; /* that it vanishes says nothing of the path */
}

static uint64_t due_us(const struct tunnel *t, unsigned path)
{
	const struct tunnel_path *p = &t->path[path];

	if (!tunnel_probe_is_usable(t, path) || !tunnel_may_send(t, path, DATAGRAM_BYTES_MAX))
		return UINT64_MAX;
	return mtu_due_us(&p->fit.mtu, p->srtt_us, tunnel_fit_is_busy(&p->fit, t->now_us));
}

void tunnel_mtu_echoed(struct tunnel *t, unsigned path, uint64_t nonce)
{
	struct tunnel_path *p = &t->path[path];
	struct tunnel_fit *l = &p->fit;

	for (unsigned i = 0; i < FIT_PROBES; i++) {
		if (!l->bytes[i] || l->nonce[i] != nonce)
			continue;
		mtu_passed(&l->mtu, l->bytes[i], t->now_us);
		l->bytes[i] = 0;
		l->untold_us = 0;
	}
	tunnel_fit_told(l, NULL, p->srtt_us, t->now_us);
}

/* Inner packets ------------------------------------------------------------------ */

/* Of the paths that are used, but for those of which it is not known yet. */
static uint16_t inner_mtu(const struct tunnel *t)
{
	size_t least = DATAGRAM_BYTES_MAX;
	unsigned known = 0;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		const struct mtu *m = &t->path[i].fit.mtu;
		if (!tunnel_probe_is_usable(t, i) || (!m->passes && !mtu_is_settled(m)))
			continue;
		known++;
		if (tunnel_mtu_room(t, i) < least)
			least = tunnel_mtu_room(t, i);
	}
	least -= DATAGRAM_SEAL_BYTES + DATAGRAM_ORDERED_BYTES;
	if (!known)
		return t->mtu;
	return (uint16_t)(least > TUNNEL_MTU_MIN ? least : TUNNEL_MTU_MIN);
}

/* It falls at once, as packets would have to be split, and grows when it was larger for
 * long: hosts remember what they were told for minutes. */
static void set_inner(struct tunnel *t)
{
	uint16_t now = inner_mtu(t);

	if (now <= t->mtu || !t->mtu_known) {
		t->mtu_known |= now != t->mtu;
		t->mtu = now;
		t->mtu_us = t->now_us;
	} else if (t->now_us - t->mtu_us >= TUNNEL_MTU_GROWS_US) {
		t->mtu = now;
	}
}

void tunnel_mtu_turn(struct tunnel *t)
{
	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++)
		if (due_us(t, path) <= t->now_us)
			send_probe(t, path);
	set_inner(t);
}

uint64_t tunnel_mtu_deadline(const struct tunnel *t)
{
	uint64_t at = UINT64_MAX;

	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++)
		if (due_us(t, path) < at)
			at = due_us(t, path);
	return at;
}

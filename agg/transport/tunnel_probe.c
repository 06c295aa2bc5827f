/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_probe.h.
 */
#include "agg/transport/tunnel_probe.h"

#include "agg/transport/tunnel_control.h"
#include "agg/transport/tunnel_send.h"

/* When the next probe goes ------------------------------------------------- */

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t retry_us(const struct tunnel *t, const struct tunnel_path *p)
{
	unsigned doublings = p->unanswered < 8 ? p->unanswered : 8;
	uint64_t us = max_of(2 * p->srtt_us + 4 * p->rttvar_us, PROBE_RETRY_MIN_US);

	if (!p->srtt_us)
		us = PROBE_FIRST_US << doublings;
	else if (doublings >= PROBE_UNANSWERED_MAX)
		us <<= doublings - PROBE_UNANSWERED_MAX;
	if (us > max_of(PROBE_RETRY_MAX_US, 2 * p->srtt_us))
		us = max_of(PROBE_RETRY_MAX_US, 2 * p->srtt_us);
	uint64_t dead_us = p->dead_us ? (t->now_us - p->dead_us) / PROBE_DEAD_PART : 0;
	return max_of(us, dead_us < PROBE_RETRY_DEAD_US ? dead_us : PROBE_RETRY_DEAD_US);
}

static uint64_t due_us(const struct tunnel *t, unsigned path)
{
	const struct tunnel_path *p = &t->path[path];

	if (!tunnel_may_send(t, path, DATAGRAM_SEAL_BYTES + DATAGRAM_PROBE_BYTES))
		return UINT64_MAX;
	if (p->probe_us)
		return p->probe_us + retry_us(t, p);
	if (!p->usable || (p->has_ends && !p->validated) ||
	    tunnel_control_is_suspect(t, path))
		return t->now_us;
	if (p->awaits_us)
		return p->awaits_us + max_of(PROBE_ASK_US, 2 * p->srtt_us);
	return t->args.is_gateway ? p->spoke_us + PROBE_IDLE_US : UINT64_MAX;
}

static void send_probe(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];
	struct datagram d = { .type = DATAGRAM_PROBE };
	uint64_t counter;

	t->args.ops->random(t->args.ctx, (uint8_t *)&d.probe.nonce, sizeof(d.probe.nonce));
	tunnel_send(t, path, &d, NULL, 0, 0, &counter); /* else it is lost, as any */
	p->unanswered += p->probe_us != 0;
	p->probe_us = t->now_us;
	p->probe[p->probes % TUNNEL_PROBES].nonce = d.probe.nonce;
	p->probe[p->probes++ % TUNNEL_PROBES].sent_us = t->now_us;
}

static void send_echo(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];
	struct datagram d = { .type = DATAGRAM_PROBE_ECHO, .probe = { p->echo_nonce } };
	uint64_t counter, awaits_us = p->awaits_us;

	if (tunnel_send(t, path, &d, NULL, 0, 0, &counter) < 0)
		return;
	p->echo_due = false;
	p->awaits_us = awaits_us; /* nobody answers an echo */
}

/* Whether it can be used -------------------------------------------------- */

static void die(struct tunnel *t, struct tunnel_path *p)
{
	p->usable = false;
	p->dead_us = t->now_us;
	p->revive_us = t->now_us + PROBE_REVIVE_US;
	p->revivals = 0;
}

static void revive(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];
	unsigned doublings = ++p->revivals < 8 ? p->revivals : 8;
	uint64_t us = (uint64_t)PROBE_REVIVE_US << doublings;

	p->revive_us = t->now_us + (us < PROBE_REVIVE_MAX_US ? us : PROBE_REVIVE_MAX_US);
	if (t->args.is_gateway && t->args.ops->on_dead)
		t->args.ops->on_dead(t->args.ctx, path);
}

void tunnel_probe_turn(struct tunnel *t)
{
	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++) {
		struct tunnel_path *p = &t->path[path];
		if (p->echo_due)
			send_echo(t, path);
		if (due_us(t, path) <= t->now_us)
			send_probe(t, path);
		if (p->unanswered >= PROBE_UNANSWERED_MAX && !p->dead_us)
			die(t, p);
		if (p->dead_us && p->revive_us <= t->now_us &&
		    p->state != TUNNEL_PATH_DOWN)
			revive(t, path);
	}
}

uint64_t tunnel_probe_deadline(const struct tunnel *t)
{
	uint64_t at = UINT64_MAX;

	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++) {
		const struct tunnel_path *p = &t->path[path];
		uint64_t due = due_us(t, path);
		if (due < at)
			at = due;
		if (p->dead_us && p->state != TUNNEL_PATH_DOWN && p->revive_us < at)
			at = p->revive_us;
	}
	return at;
}

void tunnel_probe_asked(struct tunnel *t, unsigned path, uint64_t nonce)
{
	t->path[path].echo_due = true;
	t->path[path].echo_nonce = nonce;
}

void tunnel_probe_answered(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];

	p->usable = p->state != TUNNEL_PATH_DOWN;
	p->unanswered = 0;
	p->probe_us = p->awaits_us = p->dead_us = 0;
}

static void measured(struct tunnel_path *p, uint64_t rtt_us)
{
	uint64_t off = rtt_us > p->srtt_us ? rtt_us - p->srtt_us : p->srtt_us - rtt_us;

	if (!p->srtt_us) { /* RFC 6298, 2 */
		p->srtt_us = rtt_us ? rtt_us : 1;
		p->rttvar_us = rtt_us / 2;
		return;
	}
	p->rttvar_us = (3 * p->rttvar_us + off) / 4;
	p->srtt_us = (7 * p->srtt_us + rtt_us) / 8;
}

void tunnel_probe_echoed(struct tunnel *t, unsigned path, uint64_t nonce, uint64_t at_us)
{
	struct tunnel_path *p = &t->path[path];

	for (unsigned i = 0; i < TUNNEL_PROBES; i++) {
		if (!p->probe[i].sent_us || p->probe[i].nonce != nonce)
			continue;
		measured(p, at_us > p->probe[i].sent_us ? at_us - p->probe[i].sent_us : 0);
		p->probe[i].sent_us = 0;
		p->validated = p->has_ends;
		tunnel_probe_answered(t, path);
		tunnel_control_answered(t, path);
	}
}

/* Where it is ------------------------------------------------------------- */

static void forget_probes(struct tunnel_path *p)
{
	for (unsigned i = 0; i < TUNNEL_PROBES; i++)
		p->probe[i].sent_us = 0;
	p->probe_us = p->unanswered = 0;
}

static bool same_ends(const struct tunnel_ends *a, const struct tunnel_ends *b)
{
	return addr_equal(&a->peer, &b->peer) && addr_equal(&a->local, &b->local);
}

static void move(struct tunnel *t, unsigned path, const struct tunnel_ends *ends)
{
	struct tunnel_path *p = &t->path[path];

	p->moves++;
	p->has_ends = true;
	p->validated = false;
	p->busy = false;
	p->unproved_in = p->unproved_out = 0;
	p->ends = *ends;
	forget_probes(p);
	tunnel_control_renew(t, path);
	if (t->args.ops->on_moved)
		t->args.ops->on_moved(t->args.ctx, path, ends);
}

void tunnel_probe_heard(struct tunnel *t, unsigned path, const struct tunnel_ends *ends,
                        bool is_highest, size_t n)
{
	struct tunnel_path *p = &t->path[path];

	p->heard_us = t->now_us;
	if (!ends)
		return;
	if (is_highest && (!p->has_ends || !same_ends(ends, &p->ends)))
		move(t, path, ends);
	if (same_ends(ends, &p->ends))
		p->unproved_in += n;
}

void tunnel_probe_reset(struct tunnel *t, unsigned path)
{
	struct tunnel_path *p = &t->path[path];

	forget_probes(p);
	p->usable = p->busy = false;
	p->srtt_us = p->rttvar_us = p->awaits_us = 0;
	tunnel_control_renew(t, path);
}

bool tunnel_probe_is_usable(const struct tunnel *t, unsigned path)
{
	const struct tunnel_path *p = &t->path[path];

	return p->state != TUNNEL_PATH_DOWN && p->usable && t->out;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_out.h. Each path takes as much as its rate lets it (tunnel_rate.h);
 * which packet of which flow is the flow queues' (whose turn it is) and spill.h's
 * (which path, and how deep). What may go by several paths is numbered, so that the peer
 * puts it in order again (merge.h). Real time does not wait for a rate, as it is little;
 * what only calls itself so waits when it is ahead of the path by AHEAD_US, or had its half
 * while others wait: else they would never have a turn.
 */
#include "agg/transport/tunnel_out.h"

#include "agg/transport/tunnel_control.h"
#include "agg/transport/tunnel_oversize.h"
#include "agg/transport/tunnel_send.h"
#include "agg/transport/tunnel_split.h"
#include "agg/transport/tunnel_train.h"

#include <errno.h>

#define BULK_AFTER_US 100000u  /* something in its queue so long, or two round trips */
#define BULK_REST_US 1000000u  /* and no longer, when it was empty for so long */
#define TARGET_US 5000u        /* of CoDel, at least: spill_queue_us() */
#define INTERVAL_US 100000u
#define TARGET_STEP_US 500u    /* less is not worth a change */
#define QUIC_PORT 443u
#define US_PER_S UINT64_C(1000000)
#define INNER_PERCENT 96u      /* of what is on the wire; of full packets */
#define SUSPECT_COST 16u       /* more than any class */
#define KNOWN_US 30000000u     /* delays that were heard of since: then probes say */
#define IDLE_RTTS 4u           /* then what was queued there is gone */
#define AHEAD_US 10000u        /* of the path's rate, by which real time may be ahead, */
#define AHEAD_BYTES 4096u      /* or that much, whatever is known of the path */

/* What a flow is to the tunnel, in flow_scope(). */
struct tunnel_flow {
	struct spill_flow spill;
	uint64_t bulk_us;      /* it was bulk then; 0: never */
	uint32_t base;         /* the number that is 0 on the wire */
	uint32_t target_us, tuned_paths;
	uint16_t slot;
	bool ordered, tuned_heedless;
	struct copy_budget copies;
};
_Static_assert(sizeof(struct tunnel_flow) <= FLOW_SCOPE_BYTES, "its place in a flow");

static void drop(struct tunnel *t, struct packet *p, enum tunnel_drop why)
{
	t->dropped[why]++;
	packet_put(p);
}

void tunnel_out_put(struct tunnel *t, struct packet *p)
{
	struct inspection in;

	if (inspect_packet(&in, packet_data(p), p->len) < 0)
		drop(t, p, TUNNEL_DROP_MALFORMED);
	else if (p->len > t->mtu)
		tunnel_oversize(t, p, &in);
	else
		flows_put(t->flows, p, &in, t->now_us);
}

/* Numbers --------------------------------------------------------------- */

static bool take_slot(struct tunnel *t, uint16_t *slot)
{
	struct tunnel_slots *s = &t->slots;

	for (unsigned i = 0; i < MERGE_SLOTS; i++) {
		unsigned at = (s->next + i) % MERGE_SLOTS;
		if (s->used[at / 64] >> at % 64 & 1)
			continue;
		s->used[at / 64] |= UINT64_C(1) << at % 64;
		s->next = at + 1;
		*slot = (uint16_t)(s->generation[at]++ * MERGE_SLOTS + at);
		return true;
	}
	return false;
}

static void give_slot(struct tunnel *t, struct tunnel_flow *own)
{
	unsigned at = own->slot % MERGE_SLOTS;

	if (own->ordered)
		t->slots.used[at / 64] &= ~(UINT64_C(1) << at % 64);
	own->ordered = false;
	own->spill.numbered_us = 0;
}

void tunnel_out_dropped(struct flow *f)
{
	struct tunnel_flow *own = flow_scope(f);

	spill_dropped(&own->spill);
}

void tunnel_out_gone(struct tunnel *t, struct flow *f)
{
	give_slot(t, flow_scope(f));
}

/* Paths ------------------------------------------------------------------ */

/* What stood in the path's queue is gone since it was heard of. */
static int64_t delay_us(const struct tunnel_rate *r, uint64_t now_us)
{
	bool old = now_us - r->heard_us > IDLE_RTTS * r->min_rtt_us + INTERVAL_US;

	return (old ? r->base_us : r->delay_us) + (int64_t)r->jitter_us;
}

static void see_path(struct tunnel *t, unsigned path)
{
	struct spill_path *out = &t->paths.path[path];
	const struct tunnel_path *p = &t->path[path];

	out->usable = tunnel_control_is_usable(t, path) &&
	              tunnel_may_send(t, path, DATAGRAM_BYTES_MAX);
	if (!out->usable)
		return;
	struct tunnel_rate *r = &t->control[path]->rate;
	out->known = r->srtt_us && t->now_us - r->heard_us < KNOWN_US;
	out->untried = r->state == RATE_START;
	out->cost = (uint8_t)(p->path_class +
		(p->state == TUNNEL_PATH_SUSPECT ? SUSPECT_COST : 0));
	out->delay_us = delay_us(r, t->now_us);
	/* Beside our own streams its share is there, whatever was found of the rest. */
	uint64_t bps = r->bw_bps > r->share_bps ? r->bw_bps : r->share_bps;
	out->rate_bps = bps * INNER_PERCENT / 100;
	out->promised_bps = r->promised_bps * INNER_PERCENT / 100;
	out->rtt_us = out->known ? r->min_rtt_us : p->srtt_us;
	out->loss_ppm = tunnel_rate_loss_ppm(r);
	out->likely_ppm = tunnel_rate_likely_ppm(r);
	out->wait_us = 0;
	if (tunnel_rate_room(r, t->now_us))
		return;
	uint64_t next_us = tunnel_rate_next_us(r, t->now_us);
	out->wait_us = next_us == UINT64_MAX ? RATE_FEEDBACK_MIN_US : next_us - t->now_us;
}

static bool is_ready(const struct tunnel *t, unsigned path)
{
	return t->paths.path[path].usable && !t->paths.path[path].wait_us;
}

static bool is_any_ready(const struct tunnel *t)
{
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		if (is_ready(t, i))
			return true;
	return false;
}

static bool may_go_ahead(const struct tunnel *t, unsigned path)
{
	const struct tunnel_rate *r = &t->control[path]->rate;
	uint64_t bytes = tunnel_rate_pace(r) * AHEAD_US / US_PER_S;

	bytes = bytes > AHEAD_BYTES ? bytes : AHEAD_BYTES;
	return !flows_realtime_is_greedy(t->flows) && r->tokens > -(int64_t)(bytes * US_PER_S);
}

/* It took something: may it take more? */
static void see_room(struct tunnel *t, unsigned path)
{
	if (!tunnel_rate_room(&t->control[path]->rate, t->now_us))
		t->paths.path[path].wait_us = RATE_PACKET_BYTES * UINT64_C(1000000) /
			tunnel_rate_pace(&t->control[path]->rate);
}

/* Flows ------------------------------------------------------------------ */

static enum spill_kind kind_of(struct tunnel *t, struct flow *f, struct tunnel_flow *own)
{
	uint64_t since_us = flow_busy_since_us(f), after_us = BULK_AFTER_US;

	if (flow_traffic(f) >= TRAFFIC_REALTIME)
		return SPILL_REALTIME;
	if (own->spill.home) {
		uint64_t rtt_us = t->paths.path[own->spill.home - 1].rtt_us;
		after_us = 2 * rtt_us < after_us ? 2 * rtt_us : after_us;
	}
	if (since_us && t->now_us - since_us >= after_us)
		own->bulk_us = t->now_us;
	if (own->bulk_us && t->now_us - own->bulk_us < BULK_REST_US)
		return SPILL_BULK;
	return SPILL_SMALL;
}

/* Of one that no drop slows down what stands longer than CoDel bears goes at once. */
static void tune(struct tunnel *t, struct flow *f, struct tunnel_flow *own)
{
	uint64_t all_bps = 0, rtt_us = INTERVAL_US, target_us;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		if (!(own->spill.paths >> i & 1))
			continue;
		all_bps += t->paths.path[i].rate_bps;
		if (t->paths.path[i].rtt_us > rtt_us)
			rtt_us = t->paths.path[i].rtt_us;
	}
	target_us = all_bps ? RATE_PACKET_BYTES * 3 / 2 * UINT64_C(1000000) / all_bps : 0;
	target_us = target_us > TARGET_US ? target_us : TARGET_US;
	target_us = spill_queue_us(&t->paths, &own->spill, target_us);
	uint64_t step_us = target_us > own->target_us ? target_us - own->target_us
	                                              : own->target_us - target_us;
	if (own->tuned_paths == own->spill.paths && step_us < TARGET_STEP_US &&
	    own->tuned_heedless == own->spill.heedless)
		return;
	own->tuned_paths = own->spill.paths;
	own->tuned_heedless = own->spill.heedless;
	own->target_us = (uint32_t)target_us;
	flow_tune(f, &(struct flow_tuning){ own->spill.paths, (uint32_t)target_us,
		(uint32_t)rtt_us, own->spill.heedless ? (uint32_t)target_us + INTERVAL_US : 0 });
}

/* From the first packet that another may overtake on, it is numbered. */
static void number(struct tunnel *t, struct flow *f, struct tunnel_flow *own, bool copies)
{
	bool needs = copies || own->spill.spills || own->spill.leaves_us;

	if (own->ordered || !needs || !flow_head(f) || !take_slot(t, &own->slot))
		return;
	own->ordered = true;
	own->spill.numbered_us = t->now_us;
	own->base = flow_head(f)->flow_seq;
}

/* Sending ------------------------------------------------------------------ */

static bool send_on(struct tunnel *t, const struct tunnel_flow *own, unsigned path,
                    struct packet *p, bool copies)
{
	struct datagram d = { .type = DATAGRAM_PLAIN };
	uint64_t counter;

	if (own->ordered) {
		d.type = DATAGRAM_ORDERED;
		d.ordered.slot = own->slot;
		d.ordered.sequence = (uint16_t)(p->flow_seq - own->base);
		d.ordered.skip = p->skip;
		d.ordered.paths = copies ? 0 : (uint8_t)(1u << path |
			spill_carriers(&own->spill));
	}
	return tunnel_split_send(t, path, &d, p, &counter) == 0;
}

static void send_copy(struct tunnel *t, struct tunnel_flow *own,
                      const struct spill_choice *choice, unsigned count, struct packet *p)
{
	if (count < 2)
		return;
	unsigned path = choice[1].path;
	uint64_t bps = copy_path_bps(t->paths.path[path].rate_bps);
	if (tunnel_has_room(t, path) &&
	    copy_take(&own->copies, &t->path[path].copies, bps, p->len, t->now_us))
		send_on(t, own, path, p, true);
}

/* One packet of the flow to that path; false: there is none for it. */
static bool give(struct tunnel *t, struct flow *f, const struct spill_choice *choice,
                 unsigned count, enum spill_kind kind)
{
	struct tunnel_flow *own = flow_scope(f);
	bool copies = flow_traffic(f) >= t->doubled;
	unsigned path = choice->path;

	if (!tunnel_has_room(t, path)) {
		t->paths.path[path].usable = false; /* busy: not in this turn */
		return false;
	}
	number(t, f, own, copies);
	struct packet *p = flows_take(t->flows, f, path, choice->depth_bytes, t->now_us);
	if (!p)
		return false;
	uint32_t len = p->len;
	bool sent = send_on(t, own, path, p, copies);
	if (copies)
		send_copy(t, own, choice, count, p);
	if (!sent) { /* the key is worn */
		drop(t, p, TUNNEL_DROP_KEY);
		return false;
	}
	spill_took(&t->paths, &own->spill, path, len, kind == SPILL_BULK, t->now_us);
	see_room(t, path);
	tunnel_count(t, f, p, len);
	packet_put(p);
	return true;
}

static unsigned choose(struct tunnel *t, struct flow *f, enum spill_kind kind,
                       struct spill_choice choices[SPILL_PATHS])
{
	struct tunnel_flow *own = flow_scope(f);
	const struct packet *head = flow_head(f);
	const struct inspect_key *key = flow_key(f);
	struct spill_ask ask = {
		.kind = kind, .backlog_bytes = flow_backlog_bytes(f), .put = flow_seq_next(f),
		.len = head ? head->len : 0, .now_us = t->now_us,
		.is_long = kind != SPILL_REALTIME && key->protocol == IPPROTO_UDP &&
		           (key->dport == QUIC_PORT || key->sport == QUIC_PORT),
	};
	unsigned count = spill_choose(&t->paths, &own->spill, &ask, choices);

	if (count)
		tune(t, f, own);
	if (kind == SPILL_BULK)
		t->bulk_us = t->now_us;
	return count;
}

/* False: no path takes of it now. */
static bool serve(struct tunnel *t, struct flow *f)
{
	struct spill_choice choices[SPILL_PATHS];
	enum spill_kind kind = kind_of(t, f, flow_scope(f));
	unsigned count = choose(t, f, kind, choices);
	unsigned asked = kind == SPILL_REALTIME && count ? 1 : count;
	uint32_t packets = flow_backlog_packets(f);

	for (unsigned i = 0; i < asked; i++)
		if ((is_ready(t, choices[i].path) || (kind == SPILL_REALTIME &&
		     may_go_ahead(t, choices[i].path))) &&
		    give(t, f, &choices[i], count, kind))
			return true;
	return flow_backlog_packets(f) != packets; /* some were dropped */
}

void tunnel_out_turn(struct tunnel *t)
{
	struct flow *f;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		see_path(t, i);
	spill_begin(&t->paths, t->now_us);
	flows_begin(t->flows);
	while (t->paths.count && (f = flows_next(t->flows, is_any_ready(t) ?
	       TRAFFIC_BULK : TRAFFIC_REALTIME, t->now_us)))
		if (!serve(t, f))
			flows_pass(t->flows, f);
	tunnel_train_turn(t);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		if (is_ready(t, i))
			tunnel_rate_idle(&t->control[i]->rate, t->now_us);
}

uint64_t tunnel_out_deadline(const struct tunnel *t)
{
	uint64_t at = tunnel_train_deadline(t);

	if (!flows_are_waiting(t->flows, TRAFFIC_BULK))
		return at;
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		const struct spill_path *p = &t->paths.path[i];
		if (!p->usable || !p->wait_us)
			continue;
		uint64_t us = tunnel_rate_next_us(&t->control[i]->rate, t->now_us);
		at = us < at ? us : at;
	}
	return at;
}

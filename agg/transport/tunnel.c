/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the tunnel itself: lifetimes, the turn, the deadline, what it shows. An entry from
 * outside takes in what it is told and notes that there is work; the turn does it.
 */
#include "agg/transport/tunnel.h"

#include "agg/transport/tunnel_carry.h"
#include "agg/transport/tunnel_control.h"
#include "agg/transport/tunnel_in.h"
#include "agg/transport/tunnel_keys.h"
#include "agg/transport/tunnel_mtu.h"
#include "agg/transport/tunnel_out.h"
#include "agg/transport/tunnel_probe.h"
#include "agg/transport/tunnel_split.h"

#include <errno.h>
#include <stdlib.h>

#define WAIT_SHARE 16u /* a packet's, of its class' mean wait */
#define QUANTUM 1500u

static void read_clock(struct tunnel *t)
{
	t->now_us = t->args.ops->now_us(t->args.ctx);
}

void tunnel_note(struct tunnel *t)
{
	if (t->noted)
		return;
	t->noted = true;
	t->args.ops->on_work(t->args.ctx);
}

static struct tunnel_class_stats *class_of(struct tunnel *t, const struct flow *f)
{
	enum traffic traffic = flow_traffic(f);

	return &t->class[traffic >= TRAFFIC_REALTIME ? TUNNEL_REALTIME :
	                 traffic == TRAFFIC_BULK ? TUNNEL_BACKGROUND : TUNNEL_NORMAL];
}

void tunnel_count(struct tunnel *t, const struct flow *f, const struct packet *p, uint32_t len)
{
	struct tunnel_class_stats *of = class_of(t, f);

	t->tx_packets++;
	t->tx_bytes += len;
	of->packets++;
	of->bytes += len;
	of->wait_us = (of->wait_us * (WAIT_SHARE - 1) + t->now_us - p->since_us) / WAIT_SHARE;
}

static void on_drop(void *ctx, struct flow *f, const struct packet *p, enum flows_drop why)
{
	struct tunnel *t = ctx;

	t->dropped[why]++;
	class_of(t, f)->dropped++;
	if (why == FLOWS_DROP_CODEL || why == FLOWS_DROP_OVERFLOW)
		tunnel_out_dropped(f);
}

_Static_assert((int)TUNNEL_DROP_CODEL == FLOWS_DROP_CODEL &&
               (int)TUNNEL_DROP_OVERFLOW == FLOWS_DROP_OVERFLOW &&
               (int)TUNNEL_DROP_AGE == FLOWS_DROP_AGE &&
               (int)TUNNEL_DROP_FLUSH == FLOWS_DROP_FLUSH, "they begin alike");

static void on_gone(void *ctx, struct flow *f)
{
	tunnel_out_gone(ctx, f);
}

static const struct flows_ops flows_ops = { .on_drop = on_drop, .on_gone = on_gone };

static struct flows *make_flows(struct tunnel *t)
{
	struct flows_args args = {
		.bytes_max = t->args.queue_bytes_max,
		.quantum = QUANTUM,
		.lan_is_source = t->args.is_gateway,
		.budget = t->args.budget,
		.ops = &flows_ops,
		.ctx = t,
	};

	t->args.ops->random(t->args.ctx, args.key, sizeof(args.key));
	return flows_create(&args);
}

struct tunnel *tunnel_create(const struct tunnel_args *args)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->args = *args;
	budget_force(args->budget, sizeof(*t));
	t->deadline_us = UINT64_MAX;
	t->mtu = TUNNEL_MTU;
	t->doubled = TRAFFIC_REDUNDANT;
	t->epoch = args->first_epoch;
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		tunnel_mtu_reset(t, i, AF_INET6);
		t->path[i].state = args->is_gateway ? TUNNEL_PATH_DOWN : TUNNEL_PATH_UP;
	}
	read_clock(t);
	t->flows = make_flows(t);
	t->merge = tunnel_in_merge(t);
	if (!t->flows || !t->merge) {
		tunnel_destroy(t);
		errno = ENOMEM;
		return NULL;
	}
	tunnel_note(t); /* a key is to be announced */
	return t;
}

void tunnel_destroy(struct tunnel *t)
{
	if (!t)
		return;
	tunnel_keys_finish(t);
	tunnel_split_finish(t);
	if (t->flows)
		flows_destroy(t->flows);
	merge_destroy(t->merge);
	tunnel_control_finish(t);
	budget_give(t->args.budget, sizeof(*t));
	free(t);
}

/* Entries ------------------------------------------------------------------ */

static void enter(struct tunnel *t)
{
	read_clock(t);
	tunnel_note(t);
}

void tunnel_path(struct tunnel *t, unsigned path, enum tunnel_path_state state,
                 unsigned path_class)
{
	struct tunnel_path *p = &t->path[path];

	assert(path < TUNNEL_PATHS_MAX);
	if (p->state == state && p->path_class == path_class)
		return;
	enter(t);
	if (state == TUNNEL_PATH_DOWN || p->state == TUNNEL_PATH_DOWN)
		tunnel_probe_reset(t, path);
	p->state = state;
	p->path_class = (uint8_t)path_class;
}

void tunnel_renewed(struct tunnel *t, unsigned path, sa_family_t family)
{
	assert(path < TUNNEL_PATHS_MAX);
	enter(t);
	tunnel_probe_reset(t, path);
	tunnel_mtu_reset(t, path, family);
}

void tunnel_writable(struct tunnel *t, unsigned path)
{
	assert(path < TUNNEL_PATHS_MAX);
	enter(t);
	t->path[path].busy = false;
}

void tunnel_double(struct tunnel *t, bool realtime)
{
	t->doubled = realtime ? TRAFFIC_REALTIME : TRAFFIC_REDUNDANT;
}

void tunnel_put(struct tunnel *t, struct packet *p)
{
	enter(t);
	tunnel_out_put(t, p);
}

void tunnel_input(struct tunnel *t, const struct tunnel_came *came, uint8_t *p, size_t n)
{
	enter(t);
	tunnel_in(t, came, p, n);
}

int tunnel_frame(struct tunnel *t, const struct wire_frame *frame)
{
	enter(t);
	if (frame->type == WIRE_TUNNEL_KEY)
		return tunnel_keys_take(t, &frame->tunnel_key);
	if (frame->type == WIRE_DATAGRAM)
		tunnel_in_carried(t, frame->datagram.bytes, frame->datagram.len);
	return 0;
}

/* The turn ----------------------------------------------------------------- */

static void tell_deadline(struct tunnel *t)
{
	const uint64_t due_us[] = {
		tunnel_keys_deadline(t), tunnel_mtu_deadline(t), tunnel_carry_deadline(t),
		tunnel_control_deadline(t), tunnel_out_deadline(t), merge_next_us(t->merge),
	};
	uint64_t at = tunnel_probe_deadline(t);

	for (unsigned i = 0; i < sizeof(due_us) / sizeof(*due_us); i++)
		if (due_us[i] < at)
			at = due_us[i];
	if (at == t->deadline_us)
		return;
	t->deadline_us = at;
	t->args.ops->on_deadline(t->args.ctx, at);
}

void tunnel_turn(struct tunnel *t)
{
	read_clock(t);
	t->noted = false;
	if (t->now_us >= t->deadline_us)
		t->deadline_us = 0; /* passed: to be told anew */
	tunnel_keys_turn(t);
	tunnel_probe_turn(t);
	tunnel_mtu_turn(t);
	merge_turn(t->merge, t->now_us);
	tunnel_out_turn(t);
	tunnel_carry_turn(t);
	tunnel_control_turn(t);
	flows_rest(t->flows, t->now_us);
	t->args.ops->flush(t->args.ctx);
	tell_deadline(t);
}

/* Reports ------------------------------------------------------------------ */

unsigned tunnel_mtu(const struct tunnel *t)
{
	return t->mtu;
}

bool tunnel_is_up(const struct tunnel *t)
{
	return tunnel_carry_has_path(t) || t->carries;
}

static void path_stats(const struct tunnel *t, unsigned path, struct tunnel_path_stats *out)
{
	const struct tunnel_path *p = &t->path[path];
	const struct tunnel_control *c = t->control[path];

	const struct rate_report *told = c && c->rate.report_end ?
		&c->rate.reports[(c->rate.report_end - 1) % RATE_REPORTS] : NULL;

	*out = (struct tunnel_path_stats){
		.state = p->state,
		.usable = tunnel_probe_is_usable(t, path),
		.busy = p->busy,
		.path_class = p->path_class,
		.ends = p->ends,
		.srtt_us = p->srtt_us,
		.heard_us = p->heard_us,
		.tx_packets = p->tx_packets,
		.tx_bytes = p->tx_bytes,
		.rx_packets = p->rx_packets,
		.rx_bytes = p->rx_bytes,
		.rx_ce = p->rx_ce,
		.told_counter = told ? told->counter : 0,
		.told_packets = told ? told->packets : 0,
		.mtu = mtu_bytes(&p->fit.mtu),
		.moves = p->moves,
		.rate_bps = c && c->rate.srtt_us ? c->rate.bw_bps : 0,
		.queue_us = c ? c->rate.queue_us : 0,
		.loss_ppm = c ? tunnel_rate_loss_ppm(&c->rate) : 0,
	};
}

void tunnel_stats(const struct tunnel *t, struct tunnel_stats *out)
{
	struct flows_stats flows;

	flows_stats(t->flows, &flows);
	*out = (struct tunnel_stats){
		.tx_packets = t->tx_packets,
		.tx_bytes = t->tx_bytes,
		.rx_packets = t->rx_packets,
		.rx_bytes = t->rx_bytes,
		.unkept = t->unkept,
		.queued_bytes = flows.queued_bytes,
		.carried = t->carried,
		.flows = flows.flows,
		.epoch_out = t->out ? t->out->epoch : 0,
		.epoch_in = t->epoch,
	};
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		path_stats(t, i, &out->path[i]);
	for (unsigned i = 0; i < TUNNEL_CLASSES; i++)
		out->class[i] = t->class[i];
	for (unsigned i = 0; i < TUNNEL_REFUSALS; i++)
		out->refused[i] = t->refused[i];
	for (unsigned i = 0; i < TUNNEL_DROPS; i++)
		out->dropped[i] = t->dropped[i];
}

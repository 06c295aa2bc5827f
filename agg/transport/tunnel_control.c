/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_control.h.
 */
#include "agg/transport/tunnel_control.h"

#include "agg/transport/tunnel_probe.h"
#include "agg/transport/tunnel_send.h"

#include <stdlib.h>

#define SHARE_US 100000u /* between two questions */
#define US_PER_S UINT64_C(1000000)

/* 16 KB each, of which most tunnels need one or two. NULL: no memory; then nothing is
 * known of the path, and it is not used. */
static struct tunnel_control *open_control(struct tunnel *t, unsigned path)
{
	struct tunnel_control *c = t->control[path];

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	budget_force(t->args.budget, sizeof(*c));
	tunnel_rate_init(&c->rate, t->now_us);
	c->rows[0].base = 1;
	return t->control[path] = c;
}

void tunnel_control_finish(struct tunnel *t)
{
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		if (t->control[i])
			budget_give(t->args.budget, sizeof(*t->control[i]));
		free(t->control[i]);
	}
}

/* Sending ---------------------------------------------------------------- */

/* The row of the key in use. */
static struct tunnel_row *row_now(struct tunnel_control *c, uint32_t epoch)
{
	struct tunnel_row *now = &c->rows[0];

	if (now->epoch == epoch)
		return now;
	c->rows[1] = *now;
	*now = (struct tunnel_row){ .epoch = epoch };
	now->base = c->rate.sent_counter + 1;
	return now;
}

void tunnel_control_sent(struct tunnel *t, unsigned path, uint64_t counter, size_t n,
                         bool asks)
{
	struct tunnel_control *c = open_control(t, path);

	if (!c)
		return;
	struct tunnel_row *row = row_now(c, t->out->epoch);
	row->last = counter;
	tunnel_rate_sent(&c->rate, row->base + counter,
	                 (uint32_t)n + TUNNEL_WIRE_BYTES, asks, t->now_us);
}

static void restart(struct tunnel *t, unsigned path, bool other)
{
	struct tunnel_control *c = t->control[path];

	if (!c)
		return;
	tunnel_rate_restart(&c->rate, other, t->now_us);
	c->suspect = false;
}

void tunnel_control_renew(struct tunnel *t, unsigned path)
{
	restart(t, path, true);
}

/* Hearing ---------------------------------------------------------------- */

void tunnel_control_came(struct tunnel *t, unsigned path,
                         const struct feedback_came *came, uint64_t at_us)
{
	struct tunnel_control *c = open_control(t, path);
	struct feedback_came whole = *came;

	whole.bytes += TUNNEL_WIRE_BYTES;
	if (c)
		feedback_note(&c->told, &whole, at_us);
}

void tunnel_control_answered(struct tunnel *t, unsigned path)
{
	const struct tunnel_control *c = t->control[path];

	if (c && c->suspect)
		restart(t, path, false);
}

void tunnel_control_feedback(struct tunnel *t, const struct datagram_feedback *f,
                             uint64_t waited_us)
{
	struct tunnel_control *c = t->control[f->path];
	struct rate_news news;

	if (!c)
		return;
	const struct tunnel_row *row = c->rows;
	if ((uint8_t)row->epoch != f->epoch)
		row++;
	if ((uint8_t)row->epoch != f->epoch || !row->base ||
	    !feedback_hear(&c->heard, f, row->base, row->last, &news))
		return;
	news.waited_us = waited_us;
	tunnel_control_answered(t, f->path);
	tunnel_rate_heard(&c->rate, &news, t->now_us);
}

/* Telling ---------------------------------------------------------------- */

static uint64_t due_us(const struct tunnel *t, unsigned path)
{
	const struct tunnel_control *c = t->control[path];

	if (!c)
		return UINT64_MAX;
	uint64_t srtt_us = c->rate.srtt_us ? c->rate.srtt_us : t->path[path].srtt_us;

	return feedback_due_us(&c->told, srtt_us, c->rate.srtt_us ? c->rate.bw_bps : 0);
}

bool tunnel_control_adds(struct tunnel *t, unsigned path, struct datagram *d)
{
	if (due_us(t, path) > t->now_us + TUNNEL_FEEDBACK_EARLY_US)
		return false;
	d->has_feedback = true;
	d->feedback.path = (uint8_t)path;
	feedback_tell(&t->control[path]->told, &d->feedback, t->now_us);
	return true;
}

static void tell(struct tunnel *t, unsigned path)
{
	struct datagram d = { .type = DATAGRAM_FEEDBACK };
	uint64_t counter;

	if (due_us(t, path) > t->now_us || !tunnel_has_room(t, path))
		return;
	uint64_t awaits_us = t->path[path].awaits_us;
	tunnel_control_adds(t, path, &d);
	tunnel_send(t, path, &d, NULL, 0, 0, &counter); /* else it is lost, as any */
	t->path[path].awaits_us = awaits_us; /* nobody answers it */
}

/* What arrived of late; of a path that rests the last that was heard is of long ago. */
static void note_own(struct tunnel_control *c, uint64_t us)
{
	uint64_t bps = (c->rate.sent_bytes - c->own_bytes) * US_PER_S / us;

	if (bps > c->rate.rx_bps)
		bps = c->rate.rx_bps;
	c->own_bytes = c->rate.sent_bytes;
	c->own_bps = (3 * c->own_bps + bps) / 4;
}

static void ask_share(struct tunnel *t)
{
	struct path_load load[TUNNEL_PATHS_MAX] = { 0 };
	uint64_t us = t->now_us - t->shared_us, fair_bps = 0, own_bps = 0;

	if (!t->args.ops->load || us < SHARE_US)
		return;
	t->shared_us = t->now_us;
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		t->args.ops->load(t->args.ctx, i, &load[i]);
		fair_bps += load[i].streams ? load[i].taken_bps / load[i].streams : 0;
		if (!t->control[i])
			continue;
		note_own(t->control[i], us);
		own_bps += t->control[i]->own_bps;
	}
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		struct tunnel_control *c = t->control[i];
		if (!c)
			continue;
		uint64_t elsewhere_bps = own_bps - c->own_bps;
		uint64_t bps = fair_bps > elsewhere_bps ? fair_bps - elsewhere_bps : 0;
		tunnel_rate_share(&c->rate, &load[i], c->own_bps, bps);
		tunnel_rate_hint(&c->rate, load[i].rate_bps);
	}
}

void tunnel_control_turn(struct tunnel *t)
{
	ask_share(t);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		struct tunnel_control *c = t->control[i];
		if (!c)
			continue;
		tell(t, i);
		if (c->suspect || tunnel_rate_suspect_us(&c->rate) > t->now_us)
			continue;
		c->suspect = true;
		tunnel_note(t); /* it is asked, tunnel_probe.c */
	}
}

uint64_t tunnel_control_deadline(const struct tunnel *t)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		const struct tunnel_control *c = t->control[i];
		if (!c)
			continue;
		uint64_t suspect_us = tunnel_rate_suspect_us(&c->rate);
		uint64_t tell_us = tunnel_may_send(t, i, DATAGRAM_BYTES_MAX) ?
			due_us(t, i) : UINT64_MAX;
		if (!c->suspect && suspect_us < at)
			at = suspect_us;
		if (tell_us < at)
			at = tell_us;
	}
	return at;
}

bool tunnel_control_is_suspect(const struct tunnel *t, unsigned path)
{
	return t->control[path] && t->control[path]->suspect;
}

static bool is_known(const struct tunnel *t, unsigned path)
{
	return t->control[path] && tunnel_probe_is_usable(t, path);
}

bool tunnel_control_is_usable(const struct tunnel *t, unsigned path)
{
	if (!is_known(t, path))
		return false;
	for (unsigned i = 0; t->control[path]->suspect && i < TUNNEL_PATHS_MAX; i++)
		if (is_known(t, i) && !t->control[i]->suspect)
			return false;
	return true;
}

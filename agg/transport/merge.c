/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see merge.h. A flow in order has no memory but its struct; the ring of
 * what is held is made when the first packet is held.
 */
#include "agg/transport/merge.h"

#include <errno.h>
#include <stdlib.h>

#define DONE_WORDS (MERGE_WINDOW / 64)
#define RING_FIRST 256u /* numbers; a power of two */

struct held {
	struct packet *packet; /* NULL: not here */
	uint64_t at_us;
	bool skipped;          /* will never come */
};

struct merge_flow {
	struct merge_flow *prev, *next; /* merge.flows, the quietest first */
	uint16_t slot;
	uint64_t heard_us;
	uint32_t due;          /* the number that comes next; all below are out */
	uint32_t end;          /* above all that are held */
	uint32_t high[MERGE_PATHS]; /* one above the highest heard */
	uint64_t high_us[MERGE_PATHS];
	uint8_t paths;
	bool copies;
	uint64_t done[DONE_WORDS]; /* of the numbers below due: delivered */
	struct held *ring;     /* from due on; NULL: nothing was ever held */
	uint32_t ring_size;    /* a power of two, up to MERGE_WINDOW */
	unsigned packets;
	uint64_t bytes;
	uint64_t first_us;     /* the oldest held came then, or later */
};

struct merge {
	const struct merge_ops *ops;
	void *ctx;
	struct budget *budget; /* borrowed */
	uint64_t bytes_max, held_bytes, held_packets;
	struct merge_flow *slots[MERGE_SLOTS];
	struct merge_flow *first, *last;
	uint64_t next_us;      /* of merge_next_us(), but for what rests */
	uint8_t down;          /* paths that are not waited for */
	struct merge_stats stats;
};

/* Zeroed memory, counted; NULL: there is none. */
static void *take_memory(struct budget *budget, size_t n)
{
	if (!budget_take(budget, n))
		return NULL;
	void *p = calloc(1, n);
	if (!p)
		budget_give(budget, n);
	return p;
}

static void give_memory(struct budget *budget, void *p, size_t n)
{
	if (p)
		budget_give(budget, n);
	free(p);
}

struct merge *merge_create(uint64_t bytes_max, struct budget *budget,
                           const struct merge_ops *ops, void *ctx)
{
	struct merge *m = take_memory(budget, sizeof(*m));

	if (!m)
		return NULL;
	m->budget = budget;
	m->ops = ops;
	m->ctx = ctx;
	m->bytes_max = bytes_max;
	m->next_us = UINT64_MAX;
	return m;
}

/* Flows ----------------------------------------------------------------- */

static void unlink_flow(struct merge *m, struct merge_flow *f)
{
	*(f->prev ? &f->prev->next : &m->first) = f->next;
	*(f->next ? &f->next->prev : &m->last) = f->prev;
}

static void link_last(struct merge *m, struct merge_flow *f)
{
	f->prev = m->last;
	f->next = NULL;
	*(m->last ? &m->last->next : &m->first) = f;
	m->last = f;
}

static struct held *held_at(const struct merge_flow *f, uint32_t n)
{
	return &f->ring[n % f->ring_size];
}

static void set_done(struct merge_flow *f, uint32_t n, bool done)
{
	uint64_t bit = UINT64_C(1) << n % 64;
	uint64_t *word = &f->done[n % MERGE_WINDOW / 64];

	*word = done ? *word | bit : *word & ~bit;
}

static bool is_done(const struct merge_flow *f, uint32_t n)
{
	return f->done[n % MERGE_WINDOW / 64] >> n % 64 & 1;
}

/* The due number goes out, or never came. */
static void pass_due(struct merge *m, struct merge_flow *f)
{
	struct held *held = f->ring ? held_at(f, f->due) : NULL;
	struct packet *p = held ? held->packet : NULL;

	set_done(f, f->due, p);
	m->stats.missed += !p && !(held && held->skipped);
	if (held)
		*held = (struct held){ 0 };
	f->due++;
	if (!p)
		return;
	f->packets--;
	f->bytes -= p->len;
	m->held_packets--;
	m->held_bytes -= p->len;
	m->stats.in_order++;
	m->ops->deliver(m->ctx, p);
}

static void let_out_all(struct merge *m, struct merge_flow *f)
{
	while (f->packets)
		pass_due(m, f);
}

static void free_flow(struct merge *m, struct merge_flow *f)
{
	unlink_flow(m, f);
	m->slots[f->slot % MERGE_SLOTS] = NULL;
	m->stats.flows--;
	give_memory(m->budget, f->ring, f->ring_size * sizeof(*f->ring));
	give_memory(m->budget, f, sizeof(*f));
}

void merge_destroy(struct merge *m)
{
	if (!m)
		return;
	while (m->first) {
		struct merge_flow *f = m->first;
		for (unsigned i = 0; f->ring && i < f->ring_size; i++)
			packet_put(f->ring[i].packet);
		free_flow(m, f);
	}
	give_memory(m->budget, m, sizeof(*m));
}

static struct merge_flow *find_flow(struct merge *m, const struct merge_order *order)
{
	struct merge_flow *f = m->slots[order->slot % MERGE_SLOTS];

	if (f && f->slot != order->slot) { /* another generation */
		if ((int16_t)(f->slot - order->slot) > 0)
			return NULL; /* late, of the one before */
		let_out_all(m, f);
		free_flow(m, f);
		f = NULL;
	}
	if (f)
		return f;
	f = take_memory(m->budget, sizeof(*f));
	if (!f)
		return NULL;
	f->slot = order->slot;
	f->copies = !order->paths;
	/* Numbers begin at 0, but it may have rested. */
	f->due = order->sequence < MERGE_WINDOW && !f->copies ? 0 : order->sequence;
	m->slots[order->slot % MERGE_SLOTS] = f;
	m->stats.flows++;
	link_last(m, f);
	return f;
}

/* Order ----------------------------------------------------------------- */

/* All that is missing below was lost. */
static uint32_t watermark(const struct merge *m, const struct merge_flow *f,
                          uint64_t now_us)
{
	uint32_t least = UINT32_MAX;

	for (unsigned i = 0; i < MERGE_PATHS; i++) {
		bool recent = f->high[i] && now_us - f->high_us[i] < MERGE_SILENT_US;
		if ((m->down >> i & 1) || (!recent && !(f->paths >> i & 1)))
			continue;
		if (f->high[i] < least)
			least = f->high[i];
	}
	return least;
}

static void let_out(struct merge *m, struct merge_flow *f, uint64_t now_us)
{
	uint32_t mark = watermark(m, f, now_us);

	while (f->packets && (held_at(f, f->due)->packet ||
	                      held_at(f, f->due)->skipped || f->due < mark))
		pass_due(m, f);
}

/* What was held too long goes out, although something is missing before it. */
static void let_out_late(struct merge *m, struct merge_flow *f, uint64_t now_us)
{
	uint32_t to = f->due;

	f->first_us = UINT64_MAX;
	for (uint32_t n = f->due; f->packets && n != f->end; n++) {
		const struct held *held = held_at(f, n);
		if (!held->packet)
			continue;
		if (now_us - held->at_us >= MERGE_HOLD_US)
			to = n;
		else if (held->at_us < f->first_us)
			f->first_us = held->at_us;
	}
	while (f->packets && f->due != to)
		pass_due(m, f);
	let_out(m, f, now_us);
}

/* The number in full: the one next to what is due. */
static uint32_t number_of(const struct merge_flow *f, uint16_t sequence)
{
	return f->due + (uint32_t)(int16_t)(sequence - (uint16_t)f->due);
}

/* Room for what is so far ahead of what is due, or as much as there is memory for. */
static bool can_hold(struct merge *m, struct merge_flow *f, uint32_t ahead)
{
	uint32_t size = f->ring ? f->ring_size : RING_FIRST;
	struct held *ring;

	while (size <= ahead && size < MERGE_WINDOW)
		size *= 2;
	if (size == f->ring_size)
		return true;
	ring = take_memory(m->budget, size * sizeof(*ring));
	if (!ring)
		return f->ring;
	for (uint32_t i = 0; i < f->ring_size; i++)
		ring[(f->due + i) % size] = *held_at(f, f->due + i);
	give_memory(m->budget, f->ring, f->ring_size * sizeof(*f->ring));
	f->ring = ring;
	f->ring_size = size;
	return true;
}

static void deliver_late(struct merge *m, struct merge_flow *f, uint32_t n,
                         struct packet *p)
{
	bool far = f->due - n > MERGE_WINDOW;

	if (far ? f->copies : is_done(f, n)) {
		m->stats.twice++;
		packet_put(p);
		return;
	}
	if (!far)
		set_done(f, n, true);
	m->stats.late++;
	m->ops->deliver(m->ctx, p);
}

/* Nobody knows of those between: they are not waited for, but may come. */
static void go_to(struct merge *m, struct merge_flow *f, uint32_t n)
{
	if (n - f->due > MERGE_WINDOW) {
		let_out_all(m, f);
		for (unsigned i = 0; i < DONE_WORDS; i++)
			f->done[i] = 0;
		f->due = n;
	}
	while (f->due != n)
		pass_due(m, f);
}

static void note_skipped(struct merge_flow *f, uint32_t n, uint8_t skip)
{
	for (uint32_t k = n - skip; k != n; k++)
		if ((int32_t)(k - f->due) >= 0 && k - f->due < f->ring_size &&
		    !held_at(f, k)->packet)
			held_at(f, k)->skipped = true;
}

static void hold(struct merge *m, struct merge_flow *f, uint32_t n, struct packet *p,
                 uint8_t skip, uint64_t now_us)
{
	if (held_at(f, n)->packet) {
		m->stats.twice++;
		packet_put(p);
		return;
	}
	note_skipped(f, n, skip);
	*held_at(f, n) = (struct held){ .packet = p, .at_us = now_us };
	if (!f->packets++)
		f->first_us = now_us;
	f->bytes += p->len;
	m->held_packets++;
	m->held_bytes += p->len;
	if (f->first_us + MERGE_HOLD_US < m->next_us)
		m->next_us = f->first_us + MERGE_HOLD_US;
	if (!f->end || (int32_t)(n + 1 - f->end) > 0)
		f->end = n + 1;
}

static void hear(struct merge *m, struct merge_flow *f, const struct merge_order *order,
                 unsigned path, uint32_t n, uint64_t now_us)
{
	/* The newest of them all says who carries the flow. */
	bool newest = true;

	for (unsigned i = 0; i < MERGE_PATHS; i++)
		newest &= f->high[i] <= n + 1;
	if (newest)
		f->paths = order->paths;
	f->heard_us = now_us;
	if (n + 1 > f->high[path])
		f->high[path] = n + 1;
	f->high_us[path] = now_us;
	m->down &= (uint8_t)~(1u << path);
	unlink_flow(m, f);
	link_last(m, f);
}

void merge_put(struct merge *m, const struct merge_order *order, unsigned path,
               struct packet *p, uint64_t now_us)
{
	struct merge_flow *f = path < MERGE_PATHS ? find_flow(m, order) : NULL;

	if (!f) {
		m->ops->deliver(m->ctx, p);
		return;
	}
	uint32_t n = number_of(f, order->sequence);
	hear(m, f, order, path, n, now_us);
	if ((int32_t)(n - f->due) < 0) {
		deliver_late(m, f, n, p);
		return;
	}
	if (f->copies || !can_hold(m, f, n - f->due)) {
		go_to(m, f, n);
		set_done(f, f->due++, true);
		m->stats.in_order++;
		m->ops->deliver(m->ctx, p);
		return;
	}
	if (n - f->due >= f->ring_size)
		go_to(m, f, n - f->ring_size + 1);
	hold(m, f, n, p, order->skip, now_us);
	let_out(m, f, now_us);
	while (f->packets && (f->bytes > MERGE_FLOW_BYTES || m->held_bytes > m->bytes_max))
		pass_due(m, f);
}

/* Time ------------------------------------------------------------------ */

void merge_forget_path(struct merge *m, unsigned path, uint64_t now_us)
{
	if (path >= MERGE_PATHS)
		return;
	m->down |= (uint8_t)(1u << path);
	for (struct merge_flow *f = m->first; f; f = f->next)
		if (f->packets)
			let_out(m, f, now_us);
}

uint64_t merge_next_us(const struct merge *m)
{
	uint64_t rest_us = m->first ? m->first->heard_us + MERGE_REST_US : UINT64_MAX;

	return rest_us < m->next_us ? rest_us : m->next_us;
}

void merge_turn(struct merge *m, uint64_t now_us)
{
	if (now_us < merge_next_us(m))
		return;
	m->next_us = UINT64_MAX;
	for (struct merge_flow *f = m->first, *next; f; f = next) {
		next = f->next;
		if (f->packets)
			let_out_late(m, f, now_us);
		if (f->packets && f->first_us + MERGE_HOLD_US < m->next_us)
			m->next_us = f->first_us + MERGE_HOLD_US;
		if (!f->packets && now_us - f->heard_us >= MERGE_REST_US)
			free_flow(m, f);
	}
}

void merge_stats(const struct merge *m, struct merge_stats *out)
{
	*out = m->stats;
	out->held_packets = m->held_packets;
	out->held_bytes = m->held_bytes;
}

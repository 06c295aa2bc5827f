/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see ring.h. A slot's place is its number modulo the number of slots.
 */
#include "agg/history/ring.h"

#include <stdlib.h>
#include <string.h>

#define MANTISSA_BITS 10u /* and 6 of exponent */
#define MANTISSA_ONE (UINT64_C(1) << MANTISSA_BITS)

enum { DOWN, UP, NUMBERS, RTT = NUMBERS, LOSS, NUMBERS_MAX };

const struct ring_shape ring_shapes[RING_LEVELS] = {
	[RING_SECONDS] = { "seconds", 1, 600 },
	[RING_MINUTES] = { "minutes", 60, 1440 },
	[RING_HOURS] = { "hours", 3600, 744 },
	[RING_DAYS] = { "days", 86400, 366 },
};

uint16_t ring_pack(uint64_t n)
{
	unsigned shift = 0;

	if (n < MANTISSA_ONE)
		return (uint16_t)n;
	while (n >> shift >= 2 * MANTISSA_ONE)
		shift++;
	uint64_t rounded = shift ? (n >> (shift - 1)) + 1 : 2 * n;
	rounded /= 2;
	if (rounded >= 2 * MANTISSA_ONE) {
		rounded /= 2;
		shift++;
	}
	return (uint16_t)((shift + 1) << MANTISSA_BITS | (rounded - MANTISSA_ONE));
}

uint64_t ring_unpack(uint16_t packed)
{
	unsigned exponent = packed >> MANTISSA_BITS;
	uint64_t mantissa = packed & (MANTISSA_ONE - 1);

	return exponent ? (MANTISSA_ONE + mantissa) << (exponent - 1) : mantissa;
}

static unsigned slots_of(const struct ring *r)
{
	return ring_shapes[r->level].slots;
}

static unsigned numbers_of(const struct ring *r)
{
	return r->has_quality ? NUMBERS_MAX : NUMBERS;
}

static uint16_t *place(const struct ring *r, uint64_t slot)
{
	return r->over + slot % slots_of(r) * numbers_of(r);
}

void ring_init(struct ring *r, enum ring_level level, bool has_quality)
{
	*r = (struct ring){ .level = (uint8_t)level, .has_quality = has_quality };
}

void ring_finish(struct ring *r)
{
	free(r->over);
	r->over = NULL;
}

size_t ring_bytes(const struct ring *r)
{
	return r->over ? slots_of(r) * numbers_of(r) * sizeof(*r->over) : 0;
}

static void open_value(const struct ring *r, struct ring_value *out)
{
	*out = (struct ring_value){
		.down_bytes = r->open.down_bytes, .up_bytes = r->open.up_bytes,
		.rtt_us = r->open.rtts ? (uint32_t)(r->open.rtt_us / r->open.rtts) : 0,
		.loss_ppm = r->open.sent_bytes ? (uint32_t)
			(r->open.again_bytes * 1000000 / r->open.sent_bytes) : 0,
	};
}

bool ring_is_nothing(const struct ring_value *v)
{
	return !v->down_bytes && !v->up_bytes && !v->rtt_us && !v->loss_ppm;
}

static void write_over(struct ring *r, uint64_t slot, const struct ring_value *v)
{
	if (!r->over && !ring_is_nothing(v))
		r->over = calloc(slots_of(r) * numbers_of(r), sizeof(*r->over));
	if (!r->over)
		return; /* nothing to be kept, or no memory to */
	uint16_t *at = place(r, slot);
	at[DOWN] = ring_pack(v->down_bytes);
	at[UP] = ring_pack(v->up_bytes);
	if (r->has_quality) {
		at[RTT] = ring_pack(v->rtt_us);
		at[LOSS] = ring_pack(v->loss_ppm);
	}
	if (!ring_is_nothing(v) && slot > r->busy)
		r->busy = slot;
}

static void read_over(const struct ring *r, uint64_t slot, struct ring_value *out)
{
	const uint16_t *at = r->over ? place(r, slot) : NULL;

	*out = (struct ring_value){ 0 };
	if (!at)
		return;
	out->down_bytes = ring_unpack(at[DOWN]);
	out->up_bytes = ring_unpack(at[UP]);
	if (r->has_quality) {
		out->rtt_us = (uint32_t)ring_unpack(at[RTT]);
		out->loss_ppm = (uint32_t)ring_unpack(at[LOSS]);
	}
}

/* Closes the open slot; that one is open then. */
static void open_slot(struct ring *r, uint64_t slot)
{
	struct ring_value v;

	open_value(r, &v);
	if (r->slot)
		write_over(r, r->slot, &v);
	memset(&r->open, 0, sizeof(r->open));
	uint64_t from = r->slot + 1;
	if (slot - from > slots_of(r))
		from = slot - slots_of(r);
	r->slot = slot;
	if (r->over && slot > r->busy + slots_of(r)) { /* for so long nothing */
		ring_finish(r);
		r->busy = 0;
	}
	for (; r->over && from <= slot; from++)
		memset(place(r, from), 0, numbers_of(r) * sizeof(*r->over));
}

void ring_go(struct ring *r, uint64_t now_s)
{
	uint64_t slot = now_s / ring_shapes[r->level].step_s;

	if (slot > r->slot)
		open_slot(r, slot);
}

void ring_add(struct ring *r, const struct ring_sample *s)
{
	r->open.down_bytes += s->down_bytes;
	r->open.up_bytes += s->up_bytes;
	r->open.rtt_us += s->rtt_us;
	r->open.rtts += s->rtt_us != 0;
	r->open.sent_bytes += s->sent_bytes;
	r->open.again_bytes += s->again_bytes;
}

bool ring_get(const struct ring *r, uint64_t slot, struct ring_value *out)
{
	if (slot > r->slot || slot + slots_of(r) <= r->slot)
		return false;
	if (slot == r->slot)
		open_value(r, out);
	else
		read_over(r, slot, out);
	return true;
}

/* Of rtt and loss, where both have one, the latter's stays. */
static void add_value(struct ring_value *to, const struct ring_value *v)
{
	to->down_bytes += v->down_bytes;
	to->up_bytes += v->up_bytes;
	to->rtt_us = v->rtt_us ? v->rtt_us : to->rtt_us;
	to->loss_ppm = v->loss_ppm ? v->loss_ppm : to->loss_ppm;
}

static void add_open(struct ring *r, const struct ring_value *v)
{
	const struct ring_sample s = {
		.down_bytes = v->down_bytes, .up_bytes = v->up_bytes,
		.rtt_us = v->rtt_us,
	};

	ring_add(r, &s);
}

void ring_put(struct ring *r, uint64_t slot, const struct ring_value *v)
{
	struct ring_value sum;

	if (slot > r->slot)
		open_slot(r, slot);
	if (slot == r->slot) {
		add_open(r, v);
	} else if (ring_get(r, slot, &sum)) {
		add_value(&sum, v);
		write_over(r, slot, &sum);
	}
}

void ring_go_back(struct ring *r, uint64_t now_s)
{
	uint64_t slot = now_s / ring_shapes[r->level].step_s;
	struct ring_value sum = { 0 }, v;

	if (slot >= r->slot)
		return;
	uint64_t least = r->slot < slots_of(r) ? 1 : r->slot - slots_of(r) + 1;
	for (uint64_t i = least > slot ? least : slot; i <= r->slot; i++) {
		ring_get(r, i, &v);
		add_value(&sum, &v);
		if (r->over)
			memset(place(r, i), 0, numbers_of(r) * sizeof(*r->over));
	}
	memset(&r->open, 0, sizeof(r->open));
	r->slot = slot;
	r->busy = r->busy < slot ? r->busy : slot;
	add_open(r, &sum);
}

void ring_join(struct ring *r, const struct ring *other)
{
	struct ring_value v;

	for (uint64_t i = ring_first(other); i && i <= other->slot; i++)
		if (ring_get(other, i, &v) && !ring_is_nothing(&v))
			ring_put(r, i, &v);
}

uint64_t ring_first(const struct ring *r)
{
	struct ring_value v;
	uint64_t i = r->slot < slots_of(r) ? r->slot != 0 : r->slot - slots_of(r) + 1;

	if (!r->over)
		return r->slot;
	while (i < r->slot && ring_get(r, i, &v) && ring_is_nothing(&v))
		i++;
	return i;
}

void ring_total(const struct ring *r, struct ring_value *out)
{
	struct ring_value v;

	*out = (struct ring_value){ 0 };
	for (uint64_t i = ring_first(r); i && i <= r->slot; i++)
		if (ring_get(r, i, &v))
			add_value(out, &v);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see flights.h. The first ring is forced upon the budget: a lane that could
 * remember nothing could say nothing, either.
 */
#include "agg/transport/flights.h"

#include "agg/base/budget.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_MIN 64u

static uint64_t ring_bytes(uint32_t cap)
{
	return cap * sizeof(struct flight) + BUDGET_MALLOC_BYTES;
}

void flights_init(struct flights *f, struct budget *budget)
{
	*f = (struct flights){ .budget = budget };
}

void flights_finish(struct flights *f)
{
	if (f->ring)
		budget_give(f->budget, ring_bytes(f->cap));
	free(f->ring);
	flights_init(f, f->budget);
}

static bool grow(struct flights *f)
{
	uint32_t cap = f->cap ? f->cap * 2 : CAP_MIN;
	struct flight *ring;

	if (cap > FLIGHTS_MAX ||
	    (f->cap && budget_left(f->budget) < ring_bytes(cap)))
		return false;
	ring = malloc(cap * sizeof(*ring));
	if (!ring)
		return false;
	for (uint32_t i = 0; i < f->len; i++)
		ring[i] = *flights_at(f, i);
	budget_force(f->budget, ring_bytes(cap));
	if (f->ring)
		budget_give(f->budget, ring_bytes(f->cap));
	free(f->ring);
	f->ring = ring;
	f->cap = cap;
	f->head = 0;
	return true;
}

int flights_push(struct flights *f, const struct flight *flight)
{
	if (f->len == f->cap && !grow(f))
		return -ENOBUFS;
	f->len++;
	*flights_at(f, f->len - 1) = *flight;
	return 0;
}

struct flight flights_pop(struct flights *f)
{
	struct flight flight = *flights_at(f, 0);

	f->head = (f->head + 1) & (f->cap - 1);
	f->len--;
	return flight;
}

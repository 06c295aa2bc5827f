/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see unsent.h. An empty range is not there, but for the last. Pieces are
 * not looked into: they are the stream's.
 */
#include "agg/transport/unsent.h"

#include "agg/base/budget.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define RANGE_BYTES (sizeof(struct unsent_range) + BUDGET_MALLOC_BYTES)

struct unsent_range *unsent_first(struct unsent *u)
{
	u->last.to = UINT64_MAX;
	return u->first ? u->first : &u->last;
}

uint64_t unsent_head(const struct unsent *u)
{
	return u->first ? u->first->from : u->last.from;
}

uint64_t unsent_bytes(const struct unsent *u, uint64_t end)
{
	return u->inner_bytes + (end > u->last.from ? end - u->last.from : 0);
}

struct unsent_range *unsent_find(struct unsent *u, unsigned path, uint64_t offset)
{
	struct unsent_range *range = u->cursor[path];

	if (!range)
		range = unsent_first(u);
	while (range->prev && range->prev->to > offset)
		range = range->prev;
	while (range->to <= offset)
		range = range->next;
	u->cursor[path] = range;
	return range;
}

uint64_t unsent_tail(const struct unsent *u, uint64_t end, uint32_t len)
{
	const struct unsent_range *range = &u->last;

	while (range->from >= end && range->prev)
		range = range->prev;
	if (range->to < end)
		end = range->to;
	return end > range->from + len ? end - len : range->from;
}

static void link_before(struct unsent *u, struct unsent_range *range,
                        struct unsent_range *next)
{
	range->prev = next->prev;
	range->next = next;
	if (next->prev)
		next->prev->next = range;
	else
		u->first = range;
	next->prev = range;
}

static void drop(struct unsent *u, struct unsent_range *range)
{
	struct unsent_range *next = range->next;

	next->prev = range->prev;
	if (range->prev)
		range->prev->next = next;
	else
		u->first = next == &u->last ? NULL : next;
	for (unsigned i = 0; i < UNSENT_CURSORS; i++)
		if (u->cursor[i] == range)
			u->cursor[i] = next;
	u->count--;
	budget_give(u->budget, RANGE_BYTES);
	free(range);
}

/* What is before offset becomes a range of its own. */
static int split(struct unsent *u, struct unsent_range *range, uint64_t offset)
{
	struct unsent_range *left;

	if (u->count >= UNSENT_RANGES_MAX)
		return -ENOSPC;
	left = malloc(sizeof(*left));
	if (!left)
		return -ENOMEM;
	budget_force(u->budget, RANGE_BYTES);
	u->count++;
	*left = (struct unsent_range){ .from = range->from, .to = offset,
	                               .before = range->before };
	link_before(u, left, range);
	if (range == &u->last)
		u->inner_bytes += offset - range->from;
	return 0;
}

int unsent_take(struct unsent *u, struct unsent_range *range, uint64_t offset,
                uint32_t len, struct piece *piece)
{
	assert(offset >= range->from && offset + len <= range->to);
	if (offset > range->from) {
		int err = split(u, range, offset);
		if (err)
			return err;
	}
	if (range != &u->last)
		u->inner_bytes -= len;
	range->from = offset + len;
	range->before = piece;
	if (range->from == range->to)
		drop(u, range);
	return 0;
}

void unsent_released(struct unsent *u, const struct piece *piece)
{
	struct unsent_range *first = unsent_first(u);

	if (first->before == piece)
		first->before = NULL;
}

void unsent_finish(struct unsent *u)
{
	struct budget *budget = u->budget;

	while (u->first)
		drop(u, u->first);
	*u = (struct unsent){ .budget = budget };
}

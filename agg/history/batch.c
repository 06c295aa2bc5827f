/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what of a history is to be written (store.h). Pure.
 */
#include "agg/history/store.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static uint64_t first_unsaved(const struct history_subject *s, int level)
{
	uint64_t first = ring_first(&s->rings[level]);

	return s->saved[level] > first ? s->saved[level] : first;
}

static unsigned unsaved(const struct history_subject *s)
{
	uint64_t n = 0;

	for (int i = RING_MINUTES; i < RING_LEVELS; i++)
		if (s->rings[i].slot)
			n += s->rings[i].slot + 1 - first_unsaved(s, i);
	return (unsigned)n;
}

static void gather_slots(struct history_subject *s, struct store_subject *out)
{
	for (int i = RING_MINUTES; i < RING_LEVELS; i++) {
		const struct ring *r = &s->rings[i];
		for (uint64_t k = first_unsaved(s, i); k && k <= r->slot; k++) {
			struct store_slot *slot = &out->slots[out->count];
			*slot = (struct store_slot){ .level = (uint8_t)i, .slot = k };
			if (ring_get(r, k, &slot->value) && !ring_is_nothing(&slot->value))
				out->count++;
		}
		s->saved[i] = r->slot; /* which goes on */
	}
}

static int gather(struct history_subject *s, struct store_subject *out)
{
	out->kind = s->kind;
	memcpy(out->name, s->name, sizeof(out->name));
	memcpy(out->address, s->address, sizeof(out->address));
	out->used_bytes = s->used_bytes;
	out->month_s = s->month_s;
	out->month_bytes = s->month_bytes;
	out->slots = malloc((unsaved(s) + 1) * sizeof(*out->slots));
	if (!out->slots)
		return -1;
	gather_slots(s, out);
	return 0;
}

struct store_batch *store_gather(struct history *h)
{
	struct store_batch *b = calloc(1, sizeof(*b));
	struct history_subject *s;
	unsigned count;

	LL_COUNT(h->subjects, s, count);
	if (b)
		b->subjects = calloc(count + 1, sizeof(*b->subjects));
	if (!b || !b->subjects || !h->clock.now_s || !count) {
		store_free(b);
		return NULL;
	}
	b->now_s = h->clock.now_s;
	LL_FOREACH(h->subjects, s) {
		if (gather(s, &b->subjects[b->count++]) == 0)
			continue;
		store_free(b);
		store_unsave(h);
		return NULL;
	}
	return b;
}

void store_unsave(struct history *h)
{
	struct history_subject *s;

	LL_FOREACH(h->subjects, s)
		memset(s->saved, 0, sizeof(s->saved));
}

void store_free(struct store_batch *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->count; i++)
		free(b->subjects[i].slots);
	free(b->subjects);
	free(b);
}

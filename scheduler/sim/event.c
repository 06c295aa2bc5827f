/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a heap of four children a node: half as deep as one of two, and the
 * children share a cache line or two. The keys lie in it, so that comparing
 * touches no event.
 */
#include "scheduler/sim/event.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define CHILDREN 4u
#define CAP_MIN 256u

void events_init(struct events *q, uint64_t now_ns)
{
	*q = (struct events){ .now_ns = now_ns };
}

void events_finish(struct events *q)
{
	free(q->heap);
	*q = (struct events){ 0 };
}

void event_init(struct event *e, void (*fn)(void *ctx), void *ctx)
{
	*e = (struct event){ .fn = fn, .ctx = ctx };
}

int events_reserve(struct events *q, uint32_t n)
{
	uint32_t cap = q->cap ? q->cap : CAP_MIN;

	if (n > EVENTS_MAX - q->promised)
		return -ENOBUFS;
	while (cap < q->promised + n)
		cap *= 2;
	q->promised += n;
	if (cap == q->cap)
		return 0;
	struct event_key *heap = realloc(q->heap, cap * sizeof(*heap));
	if (!heap) {
		q->promised -= n;
		return -ENOMEM;
	}
	q->heap = heap;
	q->cap = cap;
	return 0;
}

static bool earlier(const struct event_key *a, const struct event_key *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->serial < b->serial;
}

static void put(struct events *q, uint32_t i, const struct event_key *key)
{
	q->heap[i] = *key;
	key->event->slot = i + 1;
}

static void sift_up(struct events *q, uint32_t i, struct event_key key)
{
	while (i) {
		uint32_t parent = (i - 1) / CHILDREN;
		if (!earlier(&key, &q->heap[parent]))
			break;
		put(q, i, &q->heap[parent]);
		i = parent;
	}
	put(q, i, &key);
}

static void sift_down(struct events *q, uint32_t i, struct event_key key)
{
	for (;;) {
		uint32_t first = CHILDREN * i + 1, best = first;
		if (first >= q->len)
			break;
		uint32_t end = first + CHILDREN < q->len ? first + CHILDREN : q->len;
		for (uint32_t c = first + 1; c < end; c++)
			if (earlier(&q->heap[c], &q->heap[best]))
				best = c;
		if (!earlier(&q->heap[best], &key))
			break;
		put(q, i, &q->heap[best]);
		i = best;
	}
	put(q, i, &key);
}

void event_set(struct events *q, struct event *e, uint64_t at_ns)
{
	if (at_ns < q->now_ns)
		at_ns = q->now_ns;
	struct event_key key = { at_ns, q->serial++, e };
	e->at_ns = at_ns;
	if (!e->slot) {
		assert(q->len < q->cap);
		sift_up(q, q->len++, key);
		return;
	}
	uint32_t i = e->slot - 1;
	if (earlier(&key, &q->heap[i]))
		sift_up(q, i, key);
	else
		sift_down(q, i, key);
}

void event_clear(struct events *q, struct event *e)
{
	if (!e->slot)
		return;
	uint32_t i = e->slot - 1;
	struct event_key last = q->heap[--q->len];
	e->slot = 0;
	if (i == q->len)
		return;
	if (i && earlier(&last, &q->heap[(i - 1) / CHILDREN]))
		sift_up(q, i, last);
	else
		sift_down(q, i, last);
}

uint64_t events_next_ns(const struct events *q)
{
	return q->len ? q->heap[0].at_ns : EVENT_NEVER;
}

void events_step(struct events *q)
{
	struct event *e = q->heap[0].event;

	q->now_ns = q->heap[0].at_ns;
	event_clear(q, e);
	q->count++;
	e->fn(e->ctx);
}

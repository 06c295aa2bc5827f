/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what happens next, under virtual time. An event belongs to whoever it
 * wakes: it is part of his struct, and in the queue at most once. So a link or
 * a timer is one entry, however much waits behind it. Events of one time come
 * in the order in which they were set.
 */
#ifndef SCHEDULER_SIM_EVENT_H
#define SCHEDULER_SIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_NEVER UINT64_MAX
#define EVENTS_MAX (1u << 22) /* at once */

struct event {
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t at_ns; /* valid while it is set */
	uint32_t slot;  /* 1 + where in the heap; 0: not set */
};

struct event_key {
	uint64_t at_ns, serial;
	struct event *event; /* borrowed */
};

struct events {
	uint64_t now_ns, serial;
	uint64_t count;          /* handled so far; others may add to it */
	struct event_key *heap;
	uint32_t len, cap;
	uint32_t promised;       /* room for so many */
};

void events_init(struct events *q, uint64_t now_ns);
void events_finish(struct events *q);

void event_init(struct event *e, void (*fn)(void *ctx), void *ctx);
/* At that time, now at the earliest, in place of when it was set to before.
 * There is room: events_reserve() was called for every event there is. */
void event_set(struct events *q, struct event *e, uint64_t at_ns);
void event_clear(struct events *q, struct event *e);
static inline bool event_is_set(const struct event *e) { return e->slot != 0; }
/* Room for n more events. -ENOMEM, -ENOBUFS. */
int events_reserve(struct events *q, uint32_t n);

uint64_t events_next_ns(const struct events *q); /* EVENT_NEVER: none */
/* Takes the next one and calls it. */
void events_step(struct events *q);

#endif

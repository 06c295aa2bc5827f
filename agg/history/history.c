/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see history.h. Owns its subjects.
 */
#include "agg/history/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define DAY_S 86400u

void history_init(struct history *h)
{
	*h = (struct history){ 0 };
}

static void subject_free(struct history_subject *s)
{
	for (int i = 0; i < RING_LEVELS; i++)
		ring_finish(&s->rings[i]);
	free(s);
}

void history_finish(struct history *h)
{
	struct history_subject *s, *tmp;

	LL_FOREACH_SAFE(h->subjects, s, tmp)
		subject_free(s);
	h->subjects = NULL;
}

uint64_t history_now(const struct history *h, enum ring_level level)
{
	return level == RING_SECONDS ? h->steady_s : h->clock.now_s;
}

static void go(struct history *h, struct history_subject *s)
{
	for (int i = 0; i < RING_LEVELS; i++)
		ring_go(&s->rings[i], history_now(h, (enum ring_level)i));
}

static void go_back(struct history *h, struct history_subject *s)
{
	for (int i = RING_MINUTES; i < RING_LEVELS; i++) {
		ring_go_back(&s->rings[i], h->clock.now_s);
		s->saved[i] = 0; /* what is on the disk is to be replaced */
	}
}

void history_step(struct history *h, uint64_t says_s, uint64_t steady_s)
{
	struct history_subject *s;
	bool back = clock_step(&h->clock, says_s, steady_s);

	h->steady_s = steady_s;
	LL_FOREACH(h->subjects, s) {
		if (back)
			go_back(h, s);
		if (h->clock.now_s / DAY_S > s->rings[RING_DAYS].slot)
			s->used_bytes /= 2;
		go(h, s);
	}
}

static struct history_subject *look_up(const struct history *h, enum history_kind kind,
                                       const char *name)
{
	struct history_subject *s;

	LL_FOREACH(h->subjects, s)
		if (s->kind == kind && !strcmp(s->name, name))
			return s;
	return NULL;
}

static struct history_subject *make(struct history *h, enum history_kind kind,
                                    const char *name)
{
	struct history_subject *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = kind;
	snprintf(s->name, sizeof(s->name), "%s", name);
	for (int i = 0; i < RING_LEVELS; i++)
		ring_init(&s->rings[i], (enum ring_level)i, kind == HISTORY_UPLINK);
	go(h, s);
	LL_APPEND(h->subjects, s);
	return s;
}

static struct history_subject *get(struct history *h, enum history_kind kind,
                                   const char *name)
{
	struct history_subject *s = look_up(h, kind, name);

	return s ? s : make(h, kind, name);
}

/* The one that was used least, if there are as many as there may be. */
static struct history_subject *surplus(const struct history *h, enum history_kind kind)
{
	unsigned most = kind == HISTORY_UPLINK ? HISTORY_UPLINKS_MAX :
		kind == HISTORY_SITE ? HISTORY_SITES_MAX : HISTORY_DEVICES_MAX;
	struct history_subject *s, *least = NULL;
	unsigned count = 0;

	LL_FOREACH(h->subjects, s) {
		if (s->kind != kind)
			continue;
		count++;
		if (!least || s->used_bytes < least->used_bytes)
			least = s;
	}
	return count < most ? NULL : least;
}

/* The month of an uplink that is gone is nobody's. */
static void give_up(struct history *h, struct history_subject *s)
{
	struct history_subject *others = s->kind != HISTORY_DEVICE ? NULL :
		get(h, HISTORY_OTHERS_KIND, HISTORY_OTHERS);

	for (int i = 0; others && i < RING_LEVELS; i++) {
		ring_join(&others->rings[i], &s->rings[i]);
		others->saved[i] = 0;
	}
	LL_DELETE(h->subjects, s);
	subject_free(s);
}

struct history_subject *history_find(struct history *h, enum history_kind kind,
                                     const char *name)
{
	struct history_subject *s = look_up(h, kind, name), *least;

	if (s || kind == HISTORY_OTHERS_KIND)
		return s ? s : make(h, kind, name);
	least = surplus(h, kind);
	if (least && kind == HISTORY_DEVICE && h->moved_s == h->steady_s)
		return get(h, HISTORY_OTHERS_KIND, HISTORY_OTHERS);
	if (least) {
		h->moved_s = h->steady_s;
		give_up(h, least);
	}
	return make(h, kind, name);
}

void history_add(struct history *h, struct history_subject *s,
                 const struct ring_sample *sample)
{
	for (int i = 0; i < RING_LEVELS; i++)
		if (s->rings[i].slot)
			ring_add(&s->rings[i], sample);
	s->used_bytes += sample->down_bytes + sample->up_bytes;
	s->down_bytes += sample->down_bytes;
	s->up_bytes += sample->up_bytes;
}

struct history_subject *history_named(const struct history *h, const char *name)
{
	struct history_subject *s;

	LL_FOREACH(h->subjects, s)
		if (!strcmp(s->name, name) || (*s->address && !strcmp(s->address, name)))
			return s;
	return NULL;
}

size_t history_bytes(const struct history *h)
{
	const struct history_subject *s;
	size_t bytes = 0;

	LL_FOREACH(h->subjects, s) {
		bytes += sizeof(*s);
		for (int i = 0; i < RING_LEVELS; i++)
			bytes += ring_bytes(&s->rings[i]);
	}
	return bytes;
}

void history_count_month(struct history_subject *s, uint64_t month_s, uint64_t bytes)
{
	if (month_s > s->month_s)
		s->month_bytes = 0;
	s->month_s = month_s;
	s->month_bytes += bytes;
}

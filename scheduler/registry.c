/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the list of schedulers, and what they share: which paths may be used.
 */
#include "scheduler/schedulers.h"

#include <string.h>

#define RECHECK_US 100000 /* when there is nothing to go by */

const struct sched_ops *const sched_all[] = {
	&sched_blest,
	&sched_blest_kernel,
	&sched_eat,
	&sched_ecf,
	&sched_lowrtt,
	&sched_redundant,
	&sched_roundrobin,
	&sched_srpt_ecf,
	&sched_weighted,
};
const size_t sched_count = sizeof(sched_all) / sizeof(sched_all[0]);

const struct sched_ops *sched_find(const char *name)
{
	for (size_t i = 0; i < sched_count; i++)
		if (!strcmp(sched_all[i]->name, name))
			return sched_all[i];
	return NULL;
}

bool sched_is_again(const struct sched_unit *unit)
{
	return unit->kind == SCHED_REINJECT || unit->kind == SCHED_DOUBLE;
}

bool sched_usable(const struct sched_view *view, unsigned i)
{
	const struct sched_path *p = &view->paths[i];

	return p->state == SCHED_PATH_UP && p->room_bytes > 0 &&
	       !(view->unit->tried_mask & 1u << i);
}

int sched_class_now(const struct sched_view *view)
{
	int best = -1;
	bool live_below_backup = false;

	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		if (p->state == SCHED_PATH_UP && p->path_class != SCHED_CLASS_BACKUP)
			live_below_backup = true;
		if (sched_usable(view, i) && (best < 0 || p->path_class < best))
			best = p->path_class;
	}
	return best == SCHED_CLASS_BACKUP && live_below_backup ? -1 : best;
}

int sched_lowest_rtt(const struct sched_view *view)
{
	int class_now = sched_class_now(view);
	int best = -1;

	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		if (!sched_usable(view, i) || p->path_class != class_now)
			continue;
		if (best < 0 || p->srtt_us < view->paths[best].srtt_us)
			best = (int)i;
	}
	return best;
}

static bool worth_waiting(const struct sched_view *view, unsigned i)
{
	return view->paths[i].state == SCHED_PATH_UP &&
	       !(view->unit->tried_mask & 1u << i);
}

int sched_faster(const struct sched_view *view, int s)
{
	const struct sched_path *slow = &view->paths[s];
	int best = s;

	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		if (worth_waiting(view, i) && p->srtt_us &&
		    p->path_class <= slow->path_class &&
		    p->srtt_us < view->paths[best].srtt_us)
			best = (int)i;
	}
	return best;
}

uint64_t sched_piece_bytes(const struct sched_view *view, unsigned i)
{
	const struct sched_unit *unit = view->unit;
	uint64_t len = unit->len_bytes, room = view->paths[i].room_bytes;

	if (unit->kind == SCHED_STREAM && unit->pending_bytes < len)
		len = unit->pending_bytes;
	return len < room ? len : room;
}

void sched_send(struct sched_decision *out, unsigned path)
{
	*out = (struct sched_decision){ .verdict = SCHED_SEND,
	                                .mask = 1u << path };
}

void sched_wait(const struct sched_view *view, struct sched_decision *out,
                unsigned path, uint64_t us)
{
	if (us < SCHED_WAIT_MIN_US)
		us = SCHED_WAIT_MIN_US;
	if (us > SCHED_WAIT_MAX_US)
		us = SCHED_WAIT_MAX_US;
	*out = (struct sched_decision){ .verdict = SCHED_WAIT,
	                                .wait_for = (uint8_t)path,
	                                .recheck_us = view->now_us + us };
}

/* How near the unit is to leaving by path i: greater is nearer. */
static unsigned nearness(const struct sched_view *view, unsigned i)
{
	const struct sched_path *p = &view->paths[i];

	return (p->state == SCHED_PATH_UP ? 8u : 0u) +
	       (worth_waiting(view, i) ? 4u : 0u) +
	       (SCHED_CLASS_BACKUP - p->path_class);
}

void sched_nothing(const struct sched_view *view, struct sched_decision *out)
{
	unsigned best = 0;

	for (unsigned i = 1; i < view->count; i++)
		if (nearness(view, i) > nearness(view, best))
			best = i;
	sched_wait(view, out, best, RECHECK_US);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the list of schedulers, and what they share: which paths may be used.
 */
#include "scheduler/schedulers.h"

#include <string.h>

#define RECHECK_US 100000 /* when there is nothing to go by */


const struct sched_ops *const sched_all[] = {
	&sched_ecf,
	&sched_lowrtt,
	&sched_roundrobin,
};
const size_t sched_count = sizeof(sched_all) / sizeof(sched_all[0]);

const struct sched_ops *sched_find(const char *name)
{
	for (size_t i = 0; i < sched_count; i++)
		if (!strcmp(sched_all[i]->name, name))
			return sched_all[i];
	return NULL;
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

void sched_send(struct sched_decision *out, unsigned path)
{
	*out = (struct sched_decision){ .verdict = SCHED_SEND,
	                                .mask = 1u << path };
}

void sched_nothing(const struct sched_view *view, struct sched_decision *out)
{
	*out = (struct sched_decision){ .verdict = SCHED_WAIT,
	                                .recheck_us = view->now_us + RECHECK_US };
	for (unsigned i = 0; i < view->count; i++)
		if (view->paths[i].state == SCHED_PATH_UP)
			out->wait_for = (uint8_t)i;
}

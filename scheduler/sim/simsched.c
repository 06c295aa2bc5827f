/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one list of the shipped schedulers and the simulator's own.
 */
#include "scheduler/sim/simsched.h"

#include "scheduler/sim/daps.h"

#include <string.h>

static const struct sched_ops *const own[] = { &sched_daps };
#define OWN_COUNT (sizeof(own) / sizeof(own[0]))

size_t simsched_count(void)
{
	return sched_count + OWN_COUNT;
}

const struct sched_ops *simsched_at(size_t i)
{
	return i < sched_count ? sched_all[i] : own[i - sched_count];
}

const struct sched_ops *simsched_find(const char *name)
{
	for (size_t i = 0; i < simsched_count(); i++)
		if (!strcmp(simsched_at(i)->name, name))
			return simsched_at(i);
	return NULL;
}

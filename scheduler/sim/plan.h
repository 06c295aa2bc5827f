/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a load asks for, drawn before a run: sizes and, where they do not
 * hang on the run, times. From the seed and the load alone, so that every
 * scheduler gets the same.
 */
#ifndef SCHEDULER_SIM_PLAN_H
#define SCHEDULER_SIM_PLAN_H

#include "scheduler/sim/scenario.h"

struct plan_item {
	uint64_t at_us;      /* after the loads' begin; of a load whose objects
	                      * wait for each other, its start */
	uint64_t size_bytes; /* 0: as the run makes it (video, bulk) */
};

/* How many a load has: of a call, both ways, alternating down and up. */
size_t plan_count(const struct scenario_load *load);
/* Fills items, in the order of their times. nth is the load's place in its
 * scenario. */
void plan_load(const struct scenario_load *load, unsigned nth, uint64_t seed,
               struct plan_item *items);

#endif

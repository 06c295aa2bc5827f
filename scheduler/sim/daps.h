/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scheduler for the simulator only; see daps.c for why.
 */
#ifndef SCHEDULER_SIM_DAPS_H
#define SCHEDULER_SIM_DAPS_H

#include "scheduler/scheduler.h"

extern const struct sched_ops sched_daps;

#endif

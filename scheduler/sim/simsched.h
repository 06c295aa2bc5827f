/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the schedulers that a simulation may use: all that are shipped, and
 * those that are here to be compared with only.
 */
#ifndef SCHEDULER_SIM_SIMSCHED_H
#define SCHEDULER_SIM_SIMSCHED_H

#include "scheduler/scheduler.h"

size_t simsched_count(void);
const struct sched_ops *simsched_at(size_t i); /* i < count */
const struct sched_ops *simsched_find(const char *name); /* NULL: no such */

#endif

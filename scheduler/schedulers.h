/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the schedulers by name, for the registry. Everybody else asks
 * sched_find().
 */
#ifndef SCHEDULER_SCHEDULERS_H
#define SCHEDULER_SCHEDULERS_H

#include "scheduler/scheduler.h"

extern const struct sched_ops sched_blest;
extern const struct sched_ops sched_blest_kernel;
extern const struct sched_ops sched_eat;
extern const struct sched_ops sched_ecf;
extern const struct sched_ops sched_lowrtt;
extern const struct sched_ops sched_redundant;
extern const struct sched_ops sched_roundrobin;
extern const struct sched_ops sched_srpt_ecf;
extern const struct sched_ops sched_weighted;

#endif

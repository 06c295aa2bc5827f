/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the files of scenario.h share: the key tables.
 *
 *     scenario.c        lifetime, defaults, what holds between values
 *     scenario_keys.c   the tables
 *     scenario_parse.c  from text; recorded rates
 */
#ifndef SCHEDULER_SIM_SCENARIO_IMPL_H
#define SCHEDULER_SIM_SCENARIO_IMPL_H

#include "scheduler/sim/scenario.h"

enum scenario_tables {
	SCENARIO_TABLE_MAIN,
	SCENARIO_TABLE_PATH,
	SCENARIO_TABLE_LOAD,
	SCENARIO_TABLE_CUT,
	SCENARIO_TABLE_EXPECT,
};
#define SCENARIO_TABLE_COUNT (SCENARIO_TABLE_EXPECT + 1)

/* Indexed by enum scenario_tables, and ended by a row whose type is NULL. The
 * roles of load are its kinds; the others have the role 1. */
extern const struct conf_table scenario_tables[SCENARIO_TABLE_COUNT + 1];

/* By their enums; ended by NULL. */
extern const char *const scenario_kind_words[];
extern const char *const scenario_metric_words[];

#endif

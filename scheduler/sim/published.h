/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what others published beside what we reach, as Markdown:
 * docs/published.md. The values and the words on the differences are in the
 * scenarios (config expect).
 */
#ifndef SCHEDULER_SIM_PUBLISHED_H
#define SCHEDULER_SIM_PUBLISHED_H

#include "scheduler/sim/result.h"

#define PUBLISHED_OURS_UNKNOWN "?" /* stands where nothing was run */

/* Append; 0 or -ENOBUFS. */
int published_head(struct buf *out);
/* One scenario. set NULL: without our values. */
int published_scenario(const struct scenario *scenario,
                       const struct result_set *set, struct buf *out);

#endif

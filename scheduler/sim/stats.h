/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: figures of many values: mean, and percentiles by the nearest rank (the
 * least value that so many percent are not above).
 */
#ifndef SCHEDULER_SIM_STATS_H
#define SCHEDULER_SIM_STATS_H

#include <stddef.h>

struct stats {
	size_t count;
	double mean, p50, p95, p99, max; /* 0 where there is no value */
};

/* Sorts values. */
void stats_of(double *values, size_t n, struct stats *out);
/* The percentile of sorted values; n >= 1, 0 < percent <= 100. */
double stats_percentile(const double *sorted, size_t n, double percent);

#endif

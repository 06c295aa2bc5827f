/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: figures of many values.
 */
#include "scheduler/sim/stats.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_percentile(const double *sorted, size_t n, double percent)
{
	size_t rank = (size_t)ceil(percent * (double)n / 100);

	return sorted[rank ? rank - 1 : 0];
}

void stats_of(double *values, size_t n, struct stats *out)
{
	double sum = 0;

	*out = (struct stats){ .count = n };
	if (!n)
		return;
	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	out->mean = sum / (double)n;
	out->p50 = stats_percentile(values, n, 50);
	out->p95 = stats_percentile(values, n, 95);
	out->p99 = stats_percentile(values, n, 99);
	out->max = values[n - 1];
}

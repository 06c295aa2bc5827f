/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_stats.c - lists of times and their percentiles, as JSON.
 */
#include "tests/lab/load_stats.h"

#include <stdio.h>
#include <stdlib.h>

#define PERCENT 100

int stats_add(struct stats *s, double value)
{
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		double *values = realloc(s->values, room * sizeof(*values));

		if (!values)
			return -1;
		s->values = values;
		s->room = room;
	}
	s->values[s->count++] = value;
	return 0;
}

void stats_finish(struct stats *s)
{
	free(s->values);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of a sorted list: the nearest rank. */
static double percentile(const struct stats *s, unsigned percent)
{
	size_t rank = (s->count * percent + PERCENT - 1) / PERCENT;

	return s->values[rank ? rank - 1 : 0];
}

void stats_print(struct stats *s, const char *key)
{
	double sum = 0;

	if (s->count == 0) {
		printf("\"%s\":null", key);
		return;
	}
	qsort(s->values, s->count, sizeof(*s->values), compare);
	for (size_t i = 0; i < s->count; i++)
		sum += s->values[i];
	printf("\"%s\":{\"count\":%zu,\"min\":%.3f,\"mean\":%.3f,\"p50\":%.3f,"
	       "\"p90\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f}", key, s->count,
	       s->values[0], sum / (double)s->count, percentile(s, 50), percentile(s, 90),
	       percentile(s, 95), percentile(s, 99), s->values[s->count - 1]);
}

void stats_print_each(const struct stats *s, const char *key)
{
	printf("\"%s\":[", key);
	for (size_t i = 0; i < s->count; i++)
		printf("%s%.3f", i ? "," : "", s->values[i]);
	printf("]");
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a growing list of numbers; zeroed memory is an empty one.
 */
#ifndef TESTS_LAB_LOAD_STATS_H
#define TESTS_LAB_LOAD_STATS_H

#include <stddef.h>

struct stats {
	double *values;
	size_t count, room;
};

int stats_add(struct stats *s, double value); /* 0; -1: no memory */
void stats_finish(struct stats *s);
/* Sorts, and prints "key":{"count":..,"p50":..}, or "key":null when empty. */
void stats_print(struct stats *s, const char *key);
/* Prints "key":[..], in the order of now: as added, until stats_print(). */
void stats_print_each(const struct stats *s, const char *key);

#endif

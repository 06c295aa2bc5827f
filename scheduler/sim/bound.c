/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the fluid bounds.
 */
#include "scheduler/sim/bound.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define US 1e6

double bound_least_delay_us(const struct bound *b)
{
	double least = b->paths[0].delay_us;

	for (unsigned i = 1; i < b->count; i++)
		if (b->paths[i].delay_us < least)
			least = b->paths[i].delay_us;
	return least;
}

double bound_rate_bps(const struct bound *b)
{
	double sum = 0;

	for (unsigned i = 0; i < b->count; i++)
		sum += b->paths[i].rate_bps;
	return sum;
}

static int by_delay(const void *a, const void *b)
{
	double x = ((const struct bound_path *)a)->delay_us;
	double y = ((const struct bound_path *)b)->delay_us;

	return (x > y) - (x < y);
}

/* With the m paths of least delay: T = (S + sum r d) / sum r. The first such T
 * before the next path's delay is the answer. */
double bound_flow_us(const struct bound *b, double bytes)
{
	struct bound_path paths[BOUND_PATHS_MAX];
	double rate = 0, head = 0, at_us = 0; /* per microsecond */

	memcpy(paths, b->paths, b->count * sizeof(*paths));
	qsort(paths, b->count, sizeof(*paths), by_delay);
	for (unsigned i = 0; i < b->count; i++) {
		rate += paths[i].rate_bps / US;
		head += paths[i].rate_bps / US * paths[i].delay_us;
		at_us = (bytes + head) / rate;
		if (i + 1 == b->count || at_us <= paths[i + 1].delay_us)
			break;
	}
	return at_us;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double *sorted_sizes(const struct bound_job *jobs, size_t n)
{
	double *sizes = calloc(n, sizeof(*sizes));

	for (size_t i = 0; sizes && i < n; i++)
		sizes[i] = jobs[i].bytes;
	if (sizes)
		qsort(sizes, n, sizeof(*sizes), by_value);
	return sizes;
}

int bound_batch(const struct bound *b, const struct bound_job *jobs, size_t n,
                double *mean_us)
{
	double *sizes = sorted_sizes(jobs, n), prefix = 0, sum_us = 0;

	if (!sizes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		prefix += sizes[i];
		sum_us += bound_flow_us(b, prefix);
	}
	free(sizes);
	*mean_us = sum_us / (double)n;
	return 0;
}

/* When the j-th smallest is done, all larger have got as much as it. */
int bound_batch_sharing(const struct bound *b, const struct bound_job *jobs,
                        size_t n, double *mean_us)
{
	double *sizes = sorted_sizes(jobs, n), prefix = 0, sum_us = 0;

	if (!sizes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		sum_us += bound_flow_us(b, prefix + (double)(n - i) * sizes[i]);
		prefix += sizes[i];
	}
	free(sizes);
	*mean_us = sum_us / (double)n;
	return 0;
}

/* A heap of doubles, the least on top ------------------------------------ */

struct heap {
	double *keys;
	size_t len;
};

static void heap_sink(struct heap *h, size_t i)
{
	double key = h->keys[i];
	size_t child;

	while ((child = 2 * i + 1) < h->len) {
		if (child + 1 < h->len && h->keys[child + 1] < h->keys[child])
			child++;
		if (h->keys[child] >= key)
			break;
		h->keys[i] = h->keys[child];
		i = child;
	}
	h->keys[i] = key;
}

static void heap_put(struct heap *h, double key)
{
	size_t i = h->len++;

	for (; i && h->keys[(i - 1) / 2] > key; i = (i - 1) / 2)
		h->keys[i] = h->keys[(i - 1) / 2];
	h->keys[i] = key;
}

static void heap_pop(struct heap *h)
{
	h->keys[0] = h->keys[--h->len];
	if (h->len)
		heap_sink(h, 0);
}

/* The sum of times in the system is the integral of how many are in it. Served
 * is one server of that rate, bytes per microsecond: by SRPT the heap holds
 * what is left of each and its top is served alone; with sharing it holds up
 * to where each must be served, of what everyone has got since 0. */
static double server_sum_us(struct heap *h, const struct bound_job *jobs,
                            size_t n, double rate, bool sharing)
{
	double now = 0, sum_us = 0, got = 0;
	size_t next = 0;

	while (next < n || h->len) {
		double at = now;
		if (h->len && sharing)
			at += (h->keys[0] - got) * (double)h->len / rate;
		else if (h->len)
			at += h->keys[0] / rate;
		bool arrival = next < n && (!h->len || jobs[next].at_us <= at);
		if (arrival && jobs[next].at_us > now)
			at = jobs[next].at_us;
		else if (arrival)
			at = now;
		sum_us += (at - now) * (double)h->len;
		if (h->len && sharing)
			got += (at - now) * rate / (double)h->len;
		else if (h->len)
			h->keys[0] -= (at - now) * rate;
		now = at;
		if (arrival)
			heap_put(h, got + jobs[next++].bytes);
		else
			heap_pop(h);
	}
	return sum_us;
}

static int server_mean(const struct bound *b, const struct bound_job *jobs,
                       size_t n, bool sharing, double *mean_us)
{
	struct heap heap = { calloc(n, sizeof(double)), 0 };

	if (!heap.keys)
		return -ENOMEM;
	*mean_us = server_sum_us(&heap, jobs, n, bound_rate_bps(b) / US, sharing) /
	           (double)n + bound_least_delay_us(b);
	free(heap.keys);
	return 0;
}

int bound_arrivals(const struct bound *b, const struct bound_job *jobs,
                   size_t n, double *mean_us)
{
	double alone_us = 0;
	int err = server_mean(b, jobs, n, false, mean_us);

	for (size_t i = 0; i < n; i++)
		alone_us += bound_flow_us(b, jobs[i].bytes);
	if (!err && alone_us / (double)n > *mean_us)
		*mean_us = alone_us / (double)n;
	return err;
}

int bound_arrivals_sharing(const struct bound *b, const struct bound_job *jobs,
                           size_t n, double *mean_us)
{
	return server_mean(b, jobs, n, true, mean_us);
}

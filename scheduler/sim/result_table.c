/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the figures of a scenario as a table for a person.
 */
#include "scheduler/sim/result.h"

#include <math.h>

struct column {
	const char *head;
	enum scenario_metric metric;
	int width, digits;
};

static const struct column time_columns[] = {
	{ "mean ms", SCENARIO_MEAN, 9, 1 }, { "p50", SCENARIO_P50, 8, 1 },
	{ "p95", SCENARIO_P95, 8, 1 }, { "p99", SCENARIO_P99, 8, 1 },
	{ "longest", SCENARIO_LONGEST, 8, 1 }, { "total", SCENARIO_TOTAL, 9, 1 },
	{ "slowdown", SCENARIO_SLOWDOWN, 9, 2 },
	{ "p99", SCENARIO_SLOWDOWN_P99, 6, 2 },
};
#define TIME_COLUMNS (sizeof(time_columns) / sizeof(time_columns[0]))

static const struct column goodput = { "Mbit/s", SCENARIO_GOODPUT, 8, 2 };
static const struct column late = { "late %", SCENARIO_LATE, 7, 1 };
static const struct column stall = { "stall ms", SCENARIO_STALL, 9, 0 };
static const struct column quality = { "quality %", SCENARIO_QUALITY, 10, 1 };
static const struct column twice = { "twice %", SCENARIO_TWICE, 8, 2 };

/* One load's table being written: head (result NULL), then a row each. */
struct row {
	const struct result_set *set;
	const struct result *result;
	unsigned load;
	struct buf *out;
	int err;
};

static void put(struct row *row, const struct column *column)
{
	if (!row->result) {
		row->err |= buf_printf(row->out, " %*s", column->width, column->head);
		return;
	}
	double value = result_metric(row->set, row->result, column->metric,
	                             row->load, 0);
	if (isnan(value))
		row->err |= buf_printf(row->out, " %*s", column->width, "-");
	else
		row->err |= buf_printf(row->out, " %*.*f", column->width,
		                       column->digits, value);
}

static void put_shares(struct row *row)
{
	const struct scenario *s = row->set->scenario;

	for (unsigned i = 0; i < s->path_count; i++) {
		if (row->result)
			row->err |= buf_printf(row->out, " %7.1f",
			                       row->result->share[i] * 100);
		else
			row->err |= buf_printf(row->out, " %5.5s %%",
			                       s->paths[i].name);
	}
}

static void put_row(struct row *row)
{
	const struct scenario_load *load = &row->set->scenario->loads[row->load];
	const struct result *r = row->result;

	row->err |= buf_printf(row->out, "%-12s %-10s %-8s",
	                       r ? r->scheduler->name : "scheduler",
	                       r ? r->policy.order->name : "order",
	                       r ? reinject_name(r->policy.reinjection) : "again");
	for (size_t i = 0; load->kind != SCENARIO_BULK && i < TIME_COLUMNS; i++)
		put(row, &time_columns[i]);
	put(row, &goodput);
	if (load->deadline_us)
		put(row, &late);
	if (load->kind == SCENARIO_VIDEO) {
		put(row, &stall);
		put(row, &quality);
	}
	put(row, &twice);
	put_shares(row);
	row->err |= buf_printf(row->out, "\n");
}

static int put_head(const struct scenario *s, struct buf *out)
{
	int err = buf_printf(out, "%s%s%s\n", s->main.name,
	                     *s->main.name ? ": " : "", s->main.title);

	for (unsigned i = 0; i < s->path_count; i++) {
		const struct scenario_path *p = &s->paths[i];
		uint64_t up = p->up_bits ? p->up_bits : p->down_bits;
		err |= buf_printf(out, "path %-10s %g/%g Mbit/s, %g ms", p->name,
		                  (double)p->down_bits / 1e6, (double)up / 1e6,
		                  (double)p->delay_us / 1e3);
		if (p->jitter_us)
			err |= buf_printf(out, ", jitter %g ms",
			                  (double)p->jitter_us / 1e3);
		if (p->loss_millionths)
			err |= buf_printf(out, ", loss %g %%",
			                  (double)p->loss_millionths / 1e6);
		err |= buf_printf(out, "\n");
	}
	return err | buf_printf(out, "%s, %u bundles, seed %u",
	                        s->main.congestion, s->main.bundles,
	                        s->main.seed) |
	       (s->main.repeat > 1 ? buf_printf(out, ", %u times", s->main.repeat)
	                           : 0) |
	       buf_printf(out, "\n");
}

static int put_load(const struct result_set *set, unsigned load, struct buf *out)
{
	const struct scenario_load *args = &set->scenario->loads[load];
	const struct result_limit *limit = &set->limits[load];
	int err = buf_printf(out, "\nload %s: %s, %u", args->name,
	                     scenario_kind_name(args->kind), args->count);

	if (args->kind != SCENARIO_PAGE && limit->bound_us > 0)
		err |= buf_printf(out, "; the least mean is %.1f ms",
		                  limit->bound_us / 1e3);
	if (limit->sharing_us > 0)
		err |= buf_printf(out, ", with equal shares %.1f ms",
		                  limit->sharing_us / 1e3);
	if (limit->total_us > 0)
		err |= buf_printf(out, "; the least total is %.1f ms",
		                  limit->total_us / 1e3);
	return err | buf_printf(out, "\n");
}

static int put_errors(const struct result_set *set, struct buf *out)
{
	int err = 0;

	for (unsigned i = 0; i < set->count; i++)
		if (*set->runs[i].error)
			err |= buf_printf(out, "%s FAILED: %s\n",
			                  set->runs[i].scheduler->name,
			                  set->runs[i].error);
	return err;
}

int result_table(const struct result_set *set, struct buf *out)
{
	int err = put_head(set->scenario, out);

	for (unsigned load = 0; load < set->scenario->load_count; load++) {
		struct row row = { .set = set, .load = load, .out = out };
		err |= put_load(set, load, out);
		put_row(&row);
		for (unsigned i = 0; i < set->count; i++) {
			row.result = &set->runs[i];
			put_row(&row);
		}
		err |= row.err;
	}
	return err | put_errors(set, out);
}

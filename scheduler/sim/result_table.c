/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the figures of a scenario as a table for a person.
 */
#include "scheduler/sim/result.h"

#include "agg/base/columns.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024

struct column {
	const char *head;
	enum scenario_metric metric;
	int digits;
};

static const struct column time_columns[] = {
	{ "mean ms", SCENARIO_MEAN, 1 }, { "p50", SCENARIO_P50, 1 },
	{ "p95", SCENARIO_P95, 1 }, { "p99", SCENARIO_P99, 1 },
	{ "longest", SCENARIO_LONGEST, 1 }, { "total", SCENARIO_TOTAL, 1 },
	{ "slowdown", SCENARIO_SLOWDOWN, 2 },
	{ "its p99", SCENARIO_SLOWDOWN_P99, 2 },
};
#define TIME_COLUMNS (sizeof(time_columns) / sizeof(time_columns[0]))

static const struct column goodput = { "Mbit/s", SCENARIO_GOODPUT, 2 };
static const struct column worst_half = { "worst half s", SCENARIO_WORST_HALF, 2 };
static const struct column silence = { "silence ms", SCENARIO_SILENCE, 0 };
static const struct column late = { "late %", SCENARIO_LATE, 1 };
static const struct column stall = { "stall ms", SCENARIO_STALL, 0 };
static const struct column quality = { "quality %", SCENARIO_QUALITY, 1 };
static const struct column twice = { "twice %", SCENARIO_TWICE, 2 };

#define NAME_COLUMNS 3 /* scheduler, order, again */
/* With late, stall, quality; goodput, twice, two of bulk's; and the shares. */
#define COLUMNS_MOST (NAME_COLUMNS + TIME_COLUMNS + 7 + SCENARIO_PATHS_MAX)
_Static_assert(COLUMNS_MOST <= COLUMNS_MAX, "a row fits");

/* One load's table being gathered: head (result NULL), then a row each. */
struct row {
	const struct result_set *set;
	const struct result *result;
	unsigned load;
	struct columns columns;
	char align[COLUMNS_MOST + 1];
};

static void put_value(struct row *row, int digits, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	columns_add(&row->columns, isnan(value) ? "-" : text);
}

static void put(struct row *row, const struct column *column)
{
	if (row->result)
		put_value(row, column->digits,
		          result_metric(row->set, row->result, column->metric,
		                        row->load, 0));
	else
		columns_add(&row->columns, column->head);
}

static void put_shares(struct row *row)
{
	const struct scenario *s = row->set->scenario;
	char head[CONF_NAME_MAX + 3];

	for (unsigned i = 0; i < s->path_count; i++) {
		snprintf(head, sizeof(head), "%s %%", s->paths[i].name);
		if (row->result)
			put_value(row, 1, row->result->share[i] * 100);
		else
			columns_add(&row->columns, head);
	}
}

static void put_row(struct row *row)
{
	const struct scenario_load *load = &row->set->scenario->loads[row->load];
	const struct result *r = row->result;
	struct columns *c = &row->columns;

	columns_add(c, r ? r->scheduler->name : "scheduler");
	columns_add(c, r ? r->policy.order->name : "order");
	columns_add(c, r ? reinject_name(r->policy.reinjection) : "again");
	for (size_t i = 0; load->kind != SCENARIO_BULK && i < TIME_COLUMNS; i++)
		put(row, &time_columns[i]);
	put(row, &goodput);
	if (load->kind == SCENARIO_BULK) {
		put(row, &worst_half);
		put(row, &silence);
	}
	if (load->deadline_us)
		put(row, &late);
	if (load->kind == SCENARIO_VIDEO) {
		put(row, &stall);
		put(row, &quality);
	}
	put(row, &twice);
	put_shares(row);
}

/* As many columns as put_row() fills. */
static size_t count_columns(const struct result_set *set, unsigned at)
{
	const struct scenario_load *load = &set->scenario->loads[at];

	return NAME_COLUMNS + (load->kind != SCENARIO_BULK ? TIME_COLUMNS : 0) +
	       (load->kind == SCENARIO_BULK ? 2 : 0) + 1 +
	       (load->deadline_us ? 1 : 0) +
	       (load->kind == SCENARIO_VIDEO ? 2 : 0) + 1 +
	       set->scenario->path_count;
}

static int put_rows(const struct result_set *set, unsigned load,
                    unsigned line_max, struct buf *out)
{
	struct row row = { .set = set, .load = load };

	memset(row.align, 'r', count_columns(set, load));
	memset(row.align, 'l', NAME_COLUMNS);
	columns_init(&row.columns, row.align);
	put_row(&row);
	for (unsigned i = 0; i < set->count; i++) {
		row.result = &set->runs[i];
		put_row(&row);
	}
	int err = columns_print(&row.columns, line_max, out);
	columns_finish(&row.columns);
	return err;
}

/* More of a line; how long it is then. */
static size_t add(char text[LINE_BYTES], size_t n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static size_t add(char text[LINE_BYTES], size_t n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + n, LINE_BYTES - n, fmt, args);
	va_end(args);
	return n + strlen(text + n);
}

static int put_head(const struct scenario *s, unsigned line_max, struct buf *out)
{
	char title[LINE_BYTES];

	add(title, 0, "%s%s%s", s->main.name, *s->main.name ? ": " : "",
	    s->main.title);
	int err = columns_wrap(title, 0, line_max, out);

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

static int put_load(const struct result_set *set, unsigned load,
                    unsigned line_max, struct buf *out)
{
	const struct scenario_load *args = &set->scenario->loads[load];
	const struct result_limit *limit = &set->limits[load];
	char text[LINE_BYTES] = "";
	size_t n = 0;

	n = add(text, n, "load %s: %s, %u", args->name,
	        scenario_kind_name(args->kind), args->count);
	if (args->kind != SCENARIO_PAGE && limit->bound_us > 0)
		n = add(text, n, "; the least mean is %.1f ms",
		        limit->bound_us / 1e3);
	if (limit->sharing_us > 0)
		n = add(text, n, ", with equal shares %.1f ms",
		        limit->sharing_us / 1e3);
	if (limit->total_us > 0)
		add(text, n, "; the least total is %.1f ms", limit->total_us / 1e3);
	return buf_put(out, "\n", 1) | columns_wrap(text, 0, line_max, out);
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

int result_table(const struct result_set *set, unsigned line_max,
                 struct buf *out)
{
	int err = put_head(set->scenario, line_max, out);

	for (unsigned load = 0; load < set->scenario->load_count; load++)
		err |= put_load(set, load, line_max, out) |
		       put_rows(set, load, line_max, out);
	return err || put_errors(set, out) ? -ENOBUFS : 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: writes the published values and ours, a table a scenario.
 */
#include "scheduler/sim/published.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MILLION 1e6
#define CELL_MAX 64

static const char head[] =
	"# Published figures, and ours\n"
	"\n"
	"Written by `aggsim --published` (`ninja published-doc`) from the\n"
	"scenarios in `scheduler/sim/scenarios/published`; do not edit. Each of\n"
	"them rebuilds what a paper or a lab ran, as far as it is described, with\n"
	"our session and our schedulers under virtual time: the same question, not\n"
	"the same machine. `aggsim NAME` shows all figures of one.\n"
	"\n"
	"Where two schedulers are compared, the value is the share of the first\n"
	"of the second: 0.8 is 20 % less.\n";

int published_head(struct buf *out)
{
	return buf_printf(out, "%s", head);
}

/* A bar would end the cell. */
static int put_cell(struct buf *out, const char *text)
{
	int err = buf_printf(out, " ");

	for (; *text; text++)
		err |= *text == '|' ? buf_printf(out, "\\|")
		                    : buf_put(out, text, 1);
	return err | buf_printf(out, " |");
}

static void name_metric(const struct scenario_expect *e, char text[CELL_MAX])
{
	const char *name = scenario_metric_name(e->metric);

	if (*e->load)
		snprintf(text, CELL_MAX, "%s of %s%s%s", name, e->load,
		         *e->against ? "" : ", ",
		         *e->against ? "" : scenario_metric_unit(e->metric));
	else if (*e->against)
		snprintf(text, CELL_MAX, "%s", name);
	else if (e->metric == SCENARIO_SHARE)
		snprintf(text, CELL_MAX, "share of %s, %%", e->path);
	else
		snprintf(text, CELL_MAX, "%s, %s", name,
		         scenario_metric_unit(e->metric));
}

static int put_who(const struct scenario_expect *e, struct buf *out)
{
	if (*e->against)
		return buf_printf(out, " %s of %s |", e->scheduler, e->against);
	return buf_printf(out, " %s |", *e->scheduler ? e->scheduler : "-");
}

static int put_published(const struct scenario_expect *e, struct buf *out)
{
	int err = buf_printf(out, " %.6g", (double)e->value / MILLION);

	if (e->value_max)
		err |= buf_printf(out, "-%.6g", (double)e->value_max / MILLION);
	return err | buf_printf(out, " |");
}

static double ours(const struct scenario_expect *e, const struct result_set *set)
{
	const struct scenario *s = set->scenario;
	unsigned load = (unsigned)scenario_find_load(s, e->load);
	int path = scenario_find_path(s, e->path);
	double value = result_metric(set, result_find(set, e->scheduler),
	                             e->metric, load, path < 0 ? 0 : (unsigned)path);

	if (*e->against)
		value /= result_metric(set, result_find(set, e->against),
		                       e->metric, load, path < 0 ? 0 : (unsigned)path);
	return value;
}

static int put_ours(const struct scenario_expect *e,
                    const struct result_set *set, struct buf *out)
{
	if (!set)
		return buf_printf(out, " " PUBLISHED_OURS_UNKNOWN " |");
	double value = ours(e, set);
	int digits = *e->against || value < 10 ? 2 : value < 1000 ? 1 : 0;
	return buf_printf(out, " %.*f |", digits, value);
}

static int put_row(const struct scenario_expect *e,
                   const struct result_set *set, struct buf *out)
{
	char metric[CELL_MAX];
	int err = buf_printf(out, "|");

	name_metric(e, metric);
	err |= put_cell(out, metric);
	err |= put_who(e, out);
	err |= put_published(e, out);
	err |= put_ours(e, set, out);
	err |= put_cell(out, e->source);
	err |= put_cell(out, e->word);
	return err | buf_printf(out, "\n");
}

int published_scenario(const struct scenario *s, const struct result_set *set,
                       struct buf *out)
{
	int err = buf_printf(out, "\n## %s: %s\n\n", s->main.name, s->main.title);

	if (*s->main.source)
		err |= buf_printf(out, "Source: %s\n\n", s->main.source);
	if (*s->main.note)
		err |= buf_printf(out, "%s\n\n", s->main.note);
	err |= buf_printf(out, "| figure | scheduler | published | ours | source "
	                  "| on the difference |\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < s->expect_count; i++)
		err |= put_row(&s->expects[i], set, out);
	return err;
}

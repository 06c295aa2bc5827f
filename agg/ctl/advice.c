/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: advice for a terminal: the links as they were measured, a table of the
 * loads, why, and what to type.
 */
#include "agg/ctl/advice.h"

#include "agg/base/columns.h"
#include "agg/base/printable.h"
#include "agg/report/human.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CELL_MAX 160
#define LINE_BYTES_MAX 2048

struct writing {
	const struct measured *m;
	const struct advise_result *r;
	unsigned line_max;
	struct buf *out;
	bool failed;
};

/* A sentence, in as many lines as the terminal needs. */
static void say(struct writing *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct writing *w, const char *fmt, ...)
{
	char line[LINE_BYTES_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	w->failed |= columns_wrap(line, 0, w->line_max, w->out) < 0;
}

/* A line that is to be typed, or none: it stays in one piece. */
static void print_line(struct writing *w, const char *line)
{
	w->failed |= buf_printf(w->out, "%s\n", line) < 0;
}

void advice_command(const struct measured *m, const struct advise_policy *p,
                    char out[ADVICE_COMMAND_MAX + 1])
{
	snprintf(out, ADVICE_COMMAND_MAX + 1,
	         "aggctl scheduler %s order %s reinjection %s%s%s",
	         p->scheduler[STREAM_BULK]->name, p->order->name,
	         reinject_name(p->reinjection), *m->site ? " " : "", m->site);
}

/* The links ------------------------------------------------------------- */

static void add_rate(struct columns *c, uint64_t bps)
{
	char text[HUMAN_MAX];

	columns_add(c, bps ? human_rate(bps, text) : "-");
}

static void add_ms(struct columns *c, uint64_t us)
{
	char text[HUMAN_MAX];

	columns_add(c, us ? human_ms(us, text) : "-");
}

static void print_table(struct writing *w, struct columns *c)
{
	w->failed |= columns_print(c, w->line_max, w->out) < 0;
	columns_finish(c);
}

static void print_links(struct writing *w)
{
	static const char *const heading[] = { "uplink", "least rtt", "rtt now",
		"varies", "down Mbit/s", "up Mbit/s", "resent" };
	const struct advise_question *q = &w->m->question;
	char loss[HUMAN_MAX];
	struct columns c;
	bool up_known = true;

	columns_init(&c, "lrrrrrr");
	for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
		columns_add(&c, heading[i]);
	for (unsigned i = 0; i < q->link_count; i++) {
		const struct advise_link *link = &q->links[i];
		columns_add(&c, link->name);
		add_ms(&c, link->min_rtt_us);
		add_ms(&c, link->srtt_us);
		add_ms(&c, link->rttvar_us);
		add_rate(&c, link->down_bps);
		add_rate(&c, link->up_bps);
		snprintf(loss, sizeof(loss), "%.2f %%",
		         (double)link->loss_ppm / 1e4);
		columns_add(&c, loss);
		up_known &= link->up_bps > 0;
	}
	print_table(w, &c);
	say(w, "Rates are the best that was carried of late; more may fit.");
	if (!up_known)
		say(w, "Up '-': not loaded of late, simulated as fast as down.");
}

static void print_left(struct writing *w)
{
	char name[CELL_MAX];

	for (unsigned i = 0; i < w->m->left_count; i++)
		say(w, "Left out is %s: %s.",
		    printable_ascii(name, sizeof(name), w->m->left[i].name),
		    w->m->left[i].why);
	if (w->m->left_count)
		say(w, "A large download for ten seconds, with 'aggctl scheduler "
		    "roundrobin', shows what each carries.");
}

/* The loads ------------------------------------------------------------- */

/* "ecf order srpt", of what differs from its own and from now. */
static void add_policy(struct writing *w, struct columns *c,
                       const struct advise_policy *p)
{
	const struct advise_policy *now = &w->m->question.present;
	const struct sched_ops *some = p->scheduler[STREAM_INTERACTIVE];
	const struct sched_ops *bulk = p->scheduler[STREAM_BULK];
	bool own = some == bulk && !strcmp(p->order->name, bulk->order);
	bool same = p->reinjection == now->reinjection;
	char text[CELL_MAX];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", some->name,
	         some == bulk ? "" : "/", some == bulk ? "" : bulk->name,
	         own ? "" : " order ", own ? "" : p->order->name,
	         same ? "" : " reinjection ",
	         same ? "" : reinject_name(p->reinjection));
	columns_add(c, text);
}

static void add_value(struct columns *c, double value, enum advise_load load)
{
	char text[CELL_MAX];

	if (isnan(value))
		snprintf(text, sizeof(text), "not done");
	else
		snprintf(text, sizeof(text), "%.1f %s", value,
		         advise_load_unit(load));
	columns_add(c, text);
}

static void add_gain(struct columns *c, double was, double is)
{
	char text[CELL_MAX] = "-";

	if (!isnan(was) && !isnan(is) && was > 0 && was != is)
		snprintf(text, sizeof(text), "%+.0f %%", (is / was - 1) * 100);
	columns_add(c, text);
}

static void print_loads(struct writing *w)
{
	static const char *const heading[] = { "load", "best", "with it",
		"now", "gain", "figure" };
	const struct advise_result *r = w->r;
	struct columns c;

	columns_init(&c, "llrrrn");
	for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
		columns_add(&c, heading[i]);
	for (int i = 0; i < ADVISE_LOAD_COUNT; i++) {
		enum advise_load load = (enum advise_load)i;
		const struct advise_candidate *best = &r->candidates[r->best[i]];
		double was = r->candidates[0].figure[i].value;
		columns_add(&c, advise_load_name(load));
		add_policy(w, &c, &best->policy);
		add_value(&c, best->figure[i].value, load);
		add_value(&c, was, load);
		add_gain(&c, was, best->figure[i].value);
		columns_add(&c, advise_load_summary(load));
	}
	print_line(w, "");
	print_table(w, &c);
	print_line(w, "");
	for (int i = 0; i < ADVISE_LOAD_COUNT; i++)
		say(w, "%s: %s.", advise_load_name((enum advise_load)i),
		    r->why[i]);
}

static void print_pick(struct writing *w)
{
	const struct advise_candidate *pick = &w->r->candidates[w->r->pick];
	char command[4 + ADVICE_COMMAND_MAX + 1] = "    ";

	advice_command(w->m, &pick->policy, command + strlen(command));
	print_line(w, "");
	if (w->r->cut)
		say(w, "Not every candidate was tried: these links are long or "
		    "fast, and it would take too long.");
	if (w->r->pick)
		say(w, "Over all four the best is %.2f times as good as what runs "
		    "now:", pick->score);
	else
		say(w, "Keep what runs now: over all four nothing gains %.0f %%.",
		    ADVISE_SAME * 100);
	if (w->r->pick)
		print_line(w, command);
}

int advice_text(const struct measured *m, const struct advise_result *r,
                unsigned line_max, struct buf *out)
{
	struct writing w = { .m = m, .r = r, .line_max = line_max, .out = out };

	print_links(&w);
	print_left(&w);
	print_loads(&w);
	print_pick(&w);
	return w.failed ? -ENOBUFS : 0;
}

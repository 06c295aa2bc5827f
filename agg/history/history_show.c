/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see history_show.h.
 */
#include "agg/history/history_show.h"

#include "agg/base/columns.h"
#include "agg/report/human.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define ROWS 5u            /* of a chart */
#define LABEL_WIDTH 8u     /* left of it */
#define CHART_COLUMNS 72u
#define PERCENT 100u
#define NOW_S 3u /* what is now is the mean of them */

/* How many slots a column has, and what all of them are. */
static const struct { unsigned slots; const char *column, *span; } charts[RING_LEVELS] = {
	[RING_SECONDS] = { 10, "10 s", "10 min" },
	[RING_MINUTES] = { 20, "20 min", "24 h" },
	[RING_HOURS] = { 12, "12 h", "31 days" },
	[RING_DAYS] = { 6, "6 days", "a year" },
};

static const char *const kinds[] = {
	[HISTORY_UPLINK] = "uplink", [HISTORY_DEVICE] = "device",
	[HISTORY_OTHERS_KIND] = "others", [HISTORY_SITE] = "site",
};

struct ask {
	const char *name; /* NULL: all */
	int level;        /* -1: not said */
	bool json;
	unsigned width;
};

static int usage(struct buf *out)
{
	buf_printf(out, "history takes " HISTORY_ARGS "\n");
	return -EINVAL;
}

static bool take_word(struct ask *ask, const char *word)
{
	if (!strcmp(word, "--json")) {
		ask->json = true;
		return true;
	}
	for (int i = 0; i < RING_LEVELS; i++) {
		if (strncmp(word, "--", 2) || strcmp(word + 2, ring_shapes[i].name))
			continue;
		bool first = ask->level < 0;
		ask->level = i;
		return first;
	}
	if (ask->name || *word == '-')
		return false;
	ask->name = word;
	return true;
}

static bool take_words(struct ask *ask, int argc, const char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--width") && i + 1 < argc)
			ask->width = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (!take_word(ask, argv[i]))
			return false;
	}
	return ask->name || ask->level < 0;
}

/* JSON ---------------------------------------------------------------------- */

static void print_total(const struct ring *r, const char *name, struct buf *out)
{
	struct ring_value v;

	ring_total(r, &v);
	buf_printf(out, "\"%s\":{\"down_bytes\":%" PRIu64 ",\"up_bytes\":%" PRIu64 "}",
	           name, v.down_bytes, v.up_bytes);
}

static void print_or_null(const char *name, uint64_t n, struct buf *out)
{
	if (n)
		buf_printf(out, ",\"%s\":%" PRIu64, name, n);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void print_text_or_null(const char *name, const char *text, struct buf *out)
{
	if (*text)
		buf_printf(out, ",\"%s\":\"%s\"", name, text);
	else
		buf_printf(out, ",\"%s\":null", name);
}

/* The mean of the last seconds that are over. */
static void print_now(const struct ring *r, uint64_t now_s, struct buf *out)
{
	uint64_t down_bytes = 0, up_bytes = 0;
	struct ring_value v;

	for (unsigned i = 1; i <= NOW_S && i < now_s; i++)
		if (ring_get(r, now_s - i, &v)) {
			down_bytes += v.down_bytes;
			up_bytes += v.up_bytes;
		}
	buf_printf(out, ",\"now\":{\"down_bytes_per_s\":%" PRIu64
	           ",\"up_bytes_per_s\":%" PRIu64 "}", down_bytes / NOW_S,
	           up_bytes / NOW_S);
}

/* Names are words of the configuration, or addresses: nothing is to be quoted. */
static void print_subject(const struct history_subject *s, uint64_t now_s,
                          struct buf *out)
{
	buf_printf(out, "{\"kind\":\"%s\",\"name\":\"%s\"", kinds[s->kind], s->name);
	print_text_or_null("address", s->address, out);
	print_now(&s->rings[RING_SECONDS], now_s, out);
	for (int i = 0; i < RING_LEVELS; i++) {
		buf_printf(out, ",");
		print_total(&s->rings[i], ring_shapes[i].name, out);
	}
	bool month = s->kind == HISTORY_UPLINK && s->month_s;
	print_or_null("month_from_s", month ? s->month_s : 0, out);
	if (month)
		buf_printf(out, ",\"month_bytes\":%" PRIu64, s->month_bytes);
	else
		buf_printf(out, ",\"month_bytes\":null");
	print_or_null("cap_bytes", s->cap_bytes, out);
	buf_printf(out, "}");
}

static int json_all(const struct history *h, const char *unsaved, struct buf *out)
{
	const struct history_subject *s;

	buf_printf(out, "{\"schema_version\":%d", HISTORY_SCHEMA_VERSION);
	print_or_null("now_s", h->clock.now_s, out);
	print_text_or_null("unsaved", unsaved, out);
	buf_printf(out, ",\"subjects\":[");
	LL_FOREACH(h->subjects, s) {
		print_subject(s, history_now(h, RING_SECONDS), out);
		buf_printf(out, s->next ? "," : "");
	}
	return buf_printf(out, "]}\n");
}

static uint64_t down_of(const struct ring_value *v) { return v->down_bytes; }
static uint64_t up_of(const struct ring_value *v) { return v->up_bytes; }
static uint64_t rtt_of(const struct ring_value *v) { return v->rtt_us; }
static uint64_t loss_of(const struct ring_value *v) { return v->loss_ppm; }

static void json_series(const struct ring *r, uint64_t from, const char *name,
                        uint64_t (*number)(const struct ring_value *v), bool rtt_only,
                        struct buf *out)
{
	struct ring_value v;

	buf_printf(out, ",\"%s\":[", name);
	for (uint64_t i = from; i && i <= r->slot; i++) {
		bool known = ring_get(r, i, &v) && (!rtt_only || v.rtt_us);
		buf_printf(out, i > from ? "," : "");
		if (known)
			buf_printf(out, "%" PRIu64, number(&v));
		else
			buf_printf(out, "null");
	}
	buf_printf(out, "]");
}

static int json_one(const struct history *h, const struct history_subject *s,
                    enum ring_level level, struct buf *out)
{
	const struct ring_shape *shape = &ring_shapes[level];
	const struct ring *r = &s->rings[level];
	uint64_t from = ring_first(r);
	uint64_t ago_s = history_now(h, level) - from * shape->step_s;

	buf_printf(out, "{\"schema_version\":%d", HISTORY_SCHEMA_VERSION);
	print_or_null("now_s", h->clock.now_s, out);
	buf_printf(out, ",\"kind\":\"%s\",\"name\":\"%s\",\"level\":\"%s\",\"step_s\":%u",
	           kinds[s->kind], s->name, shape->name, shape->step_s);
	print_or_null("from_s", h->clock.now_s ? h->clock.now_s - ago_s : 0, out);
	json_series(r, from, "down_bytes", down_of, false, out);
	json_series(r, from, "up_bytes", up_of, false, out);
	if (r->has_quality) {
		json_series(r, from, "rtt_us", rtt_of, true, out);
		json_series(r, from, "loss_ppm", loss_of, true, out);
	}
	return buf_printf(out, "}\n");
}

/* For people ------------------------------------------------------------------ */

static void add_total(struct columns *c, const struct ring *r)
{
	char down[HUMAN_MAX], up[HUMAN_MAX], cell[2 * HUMAN_MAX + 4];
	struct ring_value v;

	ring_total(r, &v);
	if (v.down_bytes + v.up_bytes)
		snprintf(cell, sizeof(cell), "%s + %s", human_bytes(v.down_bytes, down),
		         human_bytes(v.up_bytes, up));
	else
		snprintf(cell, sizeof(cell), "-");
	columns_add(c, cell);
}

static void add_note(struct columns *c, const struct history_subject *s)
{
	char month[HUMAN_MAX], cap[HUMAN_MAX], cell[128] = "-";

	if (s->kind == HISTORY_DEVICE && *s->address && strcmp(s->address, s->name))
		snprintf(cell, sizeof(cell), "%s", s->address);
	else if (s->cap_bytes)
		snprintf(cell, sizeof(cell), "%s of %s (%u %%) this month",
		         human_bytes(s->month_bytes, month), human_bytes(s->cap_bytes, cap),
		         (unsigned)(s->month_bytes * PERCENT / s->cap_bytes));
	columns_add(c, cell);
}

static int text_all(const struct history *h, const char *unsaved, unsigned width,
                    struct buf *out)
{
	static const char *const heads[] = { "down + up", "10 min", "24 h", "31 days",
	                                     "year", "" };
	const struct history_subject *s;
	struct columns c;

	columns_init(&c, "lrrrrn");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		columns_add(&c, heads[i]);
	LL_FOREACH(h->subjects, s) {
		columns_add(&c, s->name);
		for (int i = 0; i < RING_LEVELS; i++)
			add_total(&c, &s->rings[i]);
		add_note(&c, s);
	}
	int err = columns_print(&c, width, out);
	columns_finish(&c);
	if (*unsaved)
		buf_printf(out, "\nnot kept on the disk: %s\n", unsaved);
	return err;
}

/* A column each, the newest last; the highest of them. */
static uint64_t gather(const struct ring *r, unsigned slots,
                       uint64_t (*number)(const struct ring_value *v),
                       uint64_t columns[CHART_COLUMNS], unsigned count)
{
	uint64_t most = 0, end = r->slot / slots;
	struct ring_value v;

	for (unsigned i = 0; i < count; i++) {
		uint64_t column = end + 1 > count - i ? end + 1 - (count - i) : 0;
		columns[i] = 0;
		for (unsigned k = 0; column && k < slots; k++)
			if (ring_get(r, column * slots + k, &v))
				columns[i] += number(&v);
		most = columns[i] > most ? columns[i] : most;
	}
	return most;
}

static void draw_row(const uint64_t *columns, unsigned count, uint64_t most, unsigned row,
                     struct buf *out)
{
	char line[CHART_COLUMNS + 1];

	for (unsigned i = 0; i < count; i++) {
		uint64_t halves = most ? columns[i] * 2 * ROWS / most : 0;
		bool lowest = row == 0 && columns[i];
		line[i] = halves >= 2 * row + 2 ? '#' :
			halves > 2 * row ? ':' : lowest ? '.' : ' ';
	}
	while (count && line[count - 1] == ' ')
		count--;
	line[count] = '\0';
	buf_printf(out, "|%s\n", line);
}

static void draw(const struct history_subject *s, enum ring_level level,
                 const char *what, uint64_t (*number)(const struct ring_value *v),
                 unsigned count, struct buf *out)
{
	const struct ring_shape *shape = &ring_shapes[level];
	const struct ring *r = &s->rings[level];
	unsigned step_s = charts[level].slots * shape->step_s;
	uint64_t columns[CHART_COLUMNS];
	char rate[HUMAN_MAX];
	uint64_t most = gather(r, charts[level].slots, number, columns, count);

	buf_printf(out, "%s %s, Mbit/s (a column: %s)\n", s->name, what,
	           charts[level].column);
	for (unsigned row = ROWS; row-- > 0;) {
		const char *label = row == ROWS - 1 ? human_rate(most / step_s, rate) :
			row == 0 ? "0" : "";
		buf_printf(out, "%*s ", (int)LABEL_WIDTH - 2, label);
		draw_row(columns, count, most, row, out);
	}
}

static int text_one(const struct history_subject *s, enum ring_level level,
                    unsigned width, struct buf *out)
{
	unsigned slots = charts[level].slots, least = LABEL_WIDTH;
	unsigned count = (ring_shapes[level].slots + slots - 1) / slots;
	char down[HUMAN_MAX], up[HUMAN_MAX], rtt[HUMAN_MAX];
	struct ring_value v;

	if (!width || width > HISTORY_CHART_WIDTH)
		width = HISTORY_CHART_WIDTH;
	if (width > least && count > width - least)
		count = width - least;
	if (count > CHART_COLUMNS)
		count = CHART_COLUMNS;
	draw(s, level, "down", down_of, count, out);
	buf_printf(out, "\n");
	draw(s, level, "up", up_of, count, out);
	ring_total(&s->rings[level], &v);
	buf_printf(out, "\nIn %s: down %s, up %s", charts[level].span,
	           human_bytes(v.down_bytes, down), human_bytes(v.up_bytes, up));
	if (v.rtt_us)
		buf_printf(out, "; round trip %s at last", human_ms(v.rtt_us, rtt));
	return buf_printf(out, "\n");
}

/* ------------------------------------------------------------------------------ */

static int on_nobody(const struct history *h, const char *name, struct buf *out)
{
	const struct history_subject *s;

	buf_printf(out, "there is no '%s'; there are:", name);
	LL_FOREACH(h->subjects, s)
		buf_printf(out, " %s%s", s->name, s->next ? "," : "");
	buf_printf(out, "%s\n", h->subjects ? "" : " none yet");
	return -ENOENT;
}

int history_show(const struct history *h, const char *unsaved, int argc,
                 const char *const *argv, struct buf *out)
{
	struct ask ask = { .level = -1 };

	if (!take_words(&ask, argc, argv))
		return usage(out);
	if (!ask.name)
		return ask.json ? json_all(h, unsaved, out)
		                : text_all(h, unsaved, ask.width, out);
	const struct history_subject *s = history_named(h, ask.name);
	if (!s)
		return on_nobody(h, ask.name, out);
	enum ring_level level = ask.level < 0 ? RING_SECONDS : (enum ring_level)ask.level;
	return ask.json ? json_one(h, s, level, out) : text_one(s, level, ask.width, out);
}

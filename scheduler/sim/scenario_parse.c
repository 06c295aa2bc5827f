/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scenario from text: each section by its table, then the recorded
 * rates that it names, then what holds between the values. And the manual.
 */
#include "scheduler/sim/scenario_impl.h"

#include "agg/base/words.h"
#include "scheduler/sim/simsched.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_FILE_MAX (4u << 20)
#define TRACE_LINE_MAX 63
#define TRACE_MS_MAX 86400000u
#define TRACE_MBIT_MAX 100000.0
#define NAMES_MAX 32

struct load {
	const char *file;
	struct conf_error *error;
	const struct scenario_files *files;
	const char *schedulers[NAMES_MAX + 1], *orders[NAMES_MAX + 1];
	const char *reinjections[REINJECT_COUNT + 2];
	struct uci uci;
	struct scenario *scenario;
};

#define FAIL(l, line, ...) \
	conf_error_set((l)->error, (l)->file, line, __VA_ARGS__)

/* Recorded rates -------------------------------------------------------- */

/* "MILLISECONDS MBIT/S", numbers with a point if need be. */
static bool read_row(const char *line, double *ms, double *mbit)
{
	char *end;

	*ms = strtod(line, &end);
	if (end == line || (*end != ' ' && *end != '\t'))
		return false;
	const char *second = end;
	*mbit = strtod(second, &end);
	end += strspn(end, " \t\r");
	return end != second && !*end && *ms >= 0 && *ms <= TRACE_MS_MAX &&
	       *mbit >= 0 && *mbit <= TRACE_MBIT_MAX;
}

struct rows {
	struct world_rate *rates;
	size_t count;
};

static int add_row(struct load *l, const char *name, unsigned number,
                   const char *line, struct rows *rows)
{
	double ms, mbit;

	if (!read_row(line, &ms, &mbit))
		return conf_error_set(l->error, name, number, "'%s' is no row; "
		                      "allowed: MILLISECONDS MBIT/S", line);
	if (rows->count == SCENARIO_RATES_MAX)
		return conf_error_set(l->error, name, number, "more than %u rows",
		                      SCENARIO_RATES_MAX);
	struct world_rate row = { (uint64_t)(ms * 1000), (uint64_t)(mbit * 125000) };
	if (rows->count && row.at_us <= rows->rates[rows->count - 1].at_us)
		return conf_error_set(l->error, name, number, "its time is not "
		                      "after that of the row before");
	rows->rates[rows->count++] = row;
	return 0;
}

static int read_rows(struct load *l, const char *name, const char *text,
                     size_t n, struct rows *rows)
{
	char line[TRACE_LINE_MAX + 1];
	const char *end = text + n;
	int err = 0;

	for (unsigned number = 1; !err && text < end; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((stop ? stop : end) - text);
		if (len > TRACE_LINE_MAX || memchr(text, 0, len))
			return conf_error_set(l->error, name, number, "the line is "
			                      "longer than %d characters, or no text",
			                      TRACE_LINE_MAX);
		memcpy(line, text, len);
		line[len] = 0;
		text += len + 1;
		if (*line && *line != '#')
			err = add_row(l, name, number, line, rows);
	}
	return err;
}

/* The first row is at 0; the last lasts as long as the one before it. */
static int settle_rows(struct load *l, const char *name, struct rows *rows,
                       uint64_t *period_us)
{
	uint64_t first, last, best = 0;

	if (rows->count < 2)
		return conf_error_set(l->error, name, 0, "fewer than 2 rows");
	first = rows->rates[0].at_us;
	for (size_t i = 0; i < rows->count; i++) {
		rows->rates[i].at_us -= first;
		if (rows->rates[i].rate_bps > best)
			best = rows->rates[i].rate_bps;
	}
	if (!best)
		return conf_error_set(l->error, name, 0, "nothing ever passes");
	last = rows->rates[rows->count - 1].at_us;
	*period_us = 2 * last - rows->rates[rows->count - 2].at_us;
	return 0;
}

static int read_trace(struct load *l, struct scenario_path *path, int direction)
{
	const char *name = path->trace[direction];
	struct rows rows = { 0 };
	struct buf text;
	int err;

	if (!l->files)
		return FAIL(l, path->line, "path '%s': no file can be read here",
		            path->name);
	buf_init(&text, TRACE_FILE_MAX);
	err = l->files->read(l->files->ctx, name, &text);
	if (err)
		FAIL(l, path->line, "path '%s': trace '%s' cannot be read: %s",
		     path->name, name, strerror(-err));
	if (!err) {
		rows.rates = calloc(SCENARIO_RATES_MAX, sizeof(*rows.rates));
		err = rows.rates ? 0 : -ENOMEM;
	}
	if (!err)
		err = read_rows(l, name, (const char *)buf_head(&text), text.len,
		                &rows);
	if (!err)
		err = settle_rows(l, name, &rows, &path->period_us[direction]);
	path->rates[direction] = rows.rates;
	path->rate_count[direction] = rows.count;
	buf_finish(&text);
	return err;
}

static int read_traces(struct load *l)
{
	struct scenario *s = l->scenario;
	int err = 0;

	for (unsigned i = 0; i < s->path_count; i++)
		for (int d = SCENARIO_DOWN; !err && d <= SCENARIO_UP; d++)
			if (*s->paths[i].trace[d])
				err = read_trace(l, &s->paths[i], d);
	return err;
}

/* Sections -------------------------------------------------------------- */

static int on_bad_section(struct load *l, const struct uci_section *section)
{
	const char *names[SCENARIO_TABLE_COUNT + 1];
	char allowed[128];

	for (int i = 0; i <= SCENARIO_TABLE_COUNT; i++)
		names[i] = scenario_tables[i].type;
	words_list(names, allowed, sizeof(allowed));
	const char *near = words_near(names, section->type);
	if (near)
		return FAIL(l, section->line, "unknown section '%s', did you mean "
		            "'%s'? allowed: %s", section->type, near, allowed);
	return FAIL(l, section->line, "unknown section '%s'; allowed: %s",
	            section->type, allowed);
}

/* Of a load, which keys there are hangs on its kind. */
static int read_kind(struct load *l, const struct conf_table *table,
                     const struct conf_rules *rules,
                     const struct uci_section *section, unsigned *role)
{
	const struct conf_key *key = &table->keys[0];
	const struct uci_option *option = uci_find(section, key->key);
	char allowed[CONF_VALUE_TEXT_MAX];
	enum scenario_kind kind;

	if (!option || option->is_list)
		return FAIL(l, section->line, "load '%s': '%s' is missing: option "
		            "%s '...'; allowed: %s", section->name, key->key,
		            key->key, conf_value_allowed(key, rules, allowed));
	const char *text = option->values[0].text;
	if (!conf_value_read(key, rules, text, &kind, allowed)) {
		*role = 1u << kind;
		return 0;
	}
	const char *near = words_near(key->words, text);
	if (near)
		return FAIL(l, option->line, "load '%s': %s '%s', did you mean "
		            "'%s'? allowed: %s", section->name, key->key, text,
		            near, allowed);
	return FAIL(l, option->line, "load '%s': %s '%s' is not allowed; "
	            "allowed: %s", section->name, key->key, text, allowed);
}

static int read_section(struct load *l, const struct uci_section *section)
{
	const struct conf_rules rules = {
		.names = { l->schedulers, l->orders, l->reinjections },
		.role_word = "kind",
	};
	const struct conf_table *table = scenario_tables;
	uint8_t *whole = (uint8_t *)l->scenario;
	unsigned count, role = 1;
	int err = 0;

	while (table->type && strcmp(table->type, section->type))
		table++;
	if (!table->type)
		return on_bad_section(l, section);
	memcpy(&count, whole + table->count_offset, sizeof(count));
	if (count == table->max)
		return FAIL(l, section->line, "one section '%s' too many; "
		            "allowed: %u", table->type, table->max);
	if (table == &scenario_tables[SCENARIO_TABLE_LOAD])
		err = read_kind(l, table, &rules, section, &role);
	if (!err)
		err = conf_table_read(table, role, &rules, l->file, section,
		                      whole + table->offset + count * table->size,
		                      l->error);
	count++;
	memcpy(whole + table->count_offset, &count, sizeof(count));
	return err;
}

static int read_all(struct load *l)
{
	int err = 0;

	for (size_t i = 0; !err && i < l->uci.count; i++)
		err = read_section(l, &l->uci.sections[i]);
	if (!err)
		err = scenario_check(l->scenario, l->file, l->error);
	return err ? err : read_traces(l);
}

static void list_names(struct load *l)
{
	l->orders[0] = l->reinjections[0] = "auto";
	for (size_t i = 0; i < simsched_count() && i < NAMES_MAX; i++)
		l->schedulers[i] = simsched_at(i)->name;
	for (size_t i = 0; i < order_count && i + 1 < NAMES_MAX; i++)
		l->orders[i + 1] = order_all[i]->name;
	for (int i = 0; i < REINJECT_COUNT; i++)
		l->reinjections[i + 1] = reinject_name((enum reinject_policy)i);
}

int scenario_parse(const char *file, const char *data, size_t n,
                   const struct scenario_files *files, struct scenario **out,
                   struct conf_error *error)
{
	struct load l = { .file = file, .error = error, .files = files };

	*out = NULL;
	list_names(&l);
	int err = uci_parse(&l.uci, file, data, n, error);
	if (err)
		return err;
	l.scenario = calloc(1, sizeof(*l.scenario));
	if (!l.scenario) {
		FAIL(&l, 0, "out of memory");
		err = -ENOMEM;
		goto out_uci;
	}
	err = read_all(&l);
	if (err)
		scenario_free(l.scenario);
	else
		*out = l.scenario;
out_uci:
	uci_finish(&l.uci);
	return err;
}

static const char help_head[] =
	"# Scenarios of aggsim\n"
	"\n"
	"A .scn file says which paths there are and what is loaded on them;\n"
	"`aggsim FILE` runs it with every scheduler. It is in UCI syntax, as\n"
	"aggd.conf. This manual is written from the tables that the reader uses.\n"
	"\n"
	"    config scenario\n"
	"        option title 'Twenty objects at once'\n"
	"    config path 'dsl'\n"
	"        option rate '20'\n"
	"        option delay '15ms'\n"
	"    config load 'page'\n"
	"        option kind 'batch'\n"
	"        option count '20'\n"
	"        list size '100000'\n"
	"\n"
	"Sizes are in bytes; K, M and G are 1024 times more each. Of a load,\n"
	"which keys there are hangs on its kind.\n";

int scenario_help(struct buf *out)
{
	static const char *const all[] = { "every scenario", NULL };
	int err = buf_printf(out, "%s", help_head);

	for (const struct conf_table *t = scenario_tables; !err && t->type; t++) {
		bool kinds = t == &scenario_tables[SCENARIO_TABLE_LOAD];
		const struct conf_rules rules = {
			.roles = kinds ? scenario_kind_words : all };
		err = conf_table_help(t, &rules, out);
	}
	return err;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: scenarios as values: made with their defaults, and checked for what no
 * single key can say.
 */
#include "scheduler/sim/scenario_impl.h"

#include "agg/base/words.h"
#include "scheduler/sim/cc.h"
#include "scheduler/sim/simsched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_DEFAULT_US 100000u
#define QUEUE_FRAMES_MIN 2u
#define BATCH_MAX 4000u /* WIRE_STREAMS_MAX and some air */
#define NAMES_MAX 32

static void set_defaults(const struct conf_table *table, unsigned role,
                         void *section)
{
	static const struct conf_rules rules;
	char allowed[CONF_VALUE_TEXT_MAX];

	for (const struct conf_key *key = table->keys; key->key; key++)
		if ((key->roles & role) && key->fallback)
			conf_value_read(key, &rules, key->fallback,
			                (uint8_t *)section + key->offset, allowed);
}

struct scenario *scenario_create(void)
{
	struct scenario *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	set_defaults(&scenario_tables[SCENARIO_TABLE_MAIN], 1, &s->main);
	s->main_count = 1;
	return s;
}

void scenario_free(struct scenario *s)
{
	for (unsigned i = 0; s && i < s->path_count; i++) {
		free(s->paths[i].rates[SCENARIO_DOWN]);
		free(s->paths[i].rates[SCENARIO_UP]);
	}
	free(s);
}

struct scenario_path *scenario_add_path(struct scenario *s, const char *name)
{
	struct scenario_path *path;

	if (s->path_count == SCENARIO_PATHS_MAX)
		return NULL;
	path = &s->paths[s->path_count++];
	set_defaults(&scenario_tables[SCENARIO_TABLE_PATH], 1, path);
	snprintf(path->name, sizeof(path->name), "%s", name);
	return path;
}

struct scenario_load *scenario_add_load(struct scenario *s, const char *name,
                                        enum scenario_kind kind)
{
	struct scenario_load *load;

	if (s->load_count == SCENARIO_LOADS_MAX)
		return NULL;
	load = &s->loads[s->load_count++];
	set_defaults(&scenario_tables[SCENARIO_TABLE_LOAD], 1u << kind, load);
	snprintf(load->name, sizeof(load->name), "%s", name);
	load->kind = kind;
	return load;
}

int scenario_find_path(const struct scenario *s, const char *name)
{
	for (unsigned i = 0; i < s->path_count; i++)
		if (!strcmp(s->paths[i].name, name))
			return (int)i;
	return -1;
}

int scenario_find_load(const struct scenario *s, const char *name)
{
	for (unsigned i = 0; i < s->load_count; i++)
		if (!*name || !strcmp(s->loads[i].name, name))
			return (int)i;
	return -1;
}

const char *scenario_kind_name(enum scenario_kind kind)
{
	return scenario_kind_words[kind];
}

const char *scenario_metric_name(enum scenario_metric metric)
{
	return scenario_metric_words[metric];
}

const char *scenario_metric_unit(enum scenario_metric metric)
{
	switch (metric) {
	case SCENARIO_MEAN:
	case SCENARIO_P50:
	case SCENARIO_P95:
	case SCENARIO_P99:
	case SCENARIO_LONGEST:
	case SCENARIO_TOTAL:
	case SCENARIO_STALL:
	case SCENARIO_SILENCE:
	case SCENARIO_BOUND:
	case SCENARIO_SHARING:
		return "ms";
	case SCENARIO_GOODPUT:
	case SCENARIO_WORST_HALF:
		return "Mbit/s";
	case SCENARIO_SLOWDOWN:
	case SCENARIO_SLOWDOWN_P99:
		return "times";
	case SCENARIO_TWICE:
	case SCENARIO_SHARE:
	case SCENARIO_QUALITY:
	case SCENARIO_LATE:
		return "%";
	}
	return "";
}

void scenario_link(const struct scenario_path *path,
                   enum scenario_direction direction, struct world_link *out)
{
	bool up = direction == SCENARIO_UP && path->up_bits;
	uint64_t rate_bps = (up ? path->up_bits : path->down_bits) / 8;
	uint64_t queue_us = path->queue_us ? path->queue_us : QUEUE_DEFAULT_US;
	uint64_t least = QUEUE_FRAMES_MIN * SCENARIO_FRAME_BYTES;

	*out = (struct world_link){
		.rate_bps = rate_bps, .delay_us = path->delay_us,
		.jitter_us = path->jitter_us, .loss_burst = path->burst,
		.loss_ppm = (uint32_t)(path->loss_millionths / 100),
		.trace = { path->rates[direction], path->rate_count[direction],
		           path->period_us[direction] },
	};
	if (path->queue_packets)
		out->queue_bytes = path->queue_packets * SCENARIO_FRAME_BYTES;
	else
		out->queue_bytes = (uint64_t)((double)rate_bps * (double)queue_us / 1e6);
	if (out->queue_bytes < least)
		out->queue_bytes = least;
}

/* What must hold between the values ------------------------------------- */

struct check {
	const struct scenario *s;
	const char *file;
	struct conf_error *error;
};

#define FAIL(c, line, ...) \
	conf_error_set((c)->error, (c)->file, line, __VA_ARGS__)

static int bad_word(const struct check *c, const char *what, const char *word,
                    const char *const *words)
{
	char allowed[512];
	const char *near = words_near(words, word);

	words_list(words, allowed, sizeof(allowed));
	if (near)
		return FAIL(c, c->s->main.line, "scenario: %s '%s', did you mean "
		            "'%s'? allowed: %s", what, word, near, allowed);
	return FAIL(c, c->s->main.line, "scenario: %s '%s' is not allowed; "
	            "allowed: %s", what, word, allowed);
}

static int check_order(const struct check *c)
{
	const char *words[NAMES_MAX] = { "auto" };
	const char *order = c->s->main.order;

	if (!strcmp(order, "auto") || order_find(order))
		return 0;
	for (size_t i = 0; i < order_count && i + 2 < NAMES_MAX; i++)
		words[i + 1] = order_all[i]->name;
	return bad_word(c, "order", order, words);
}

static int check_reinjection(const struct check *c)
{
	const char *words[REINJECT_COUNT + 2] = { "auto" };
	const char *policy = c->s->main.reinjection;

	if (!strcmp(policy, "auto") || reinject_find(policy) >= 0)
		return 0;
	for (int i = 0; i < REINJECT_COUNT; i++)
		words[i + 1] = reinject_name((enum reinject_policy)i);
	return bad_word(c, "reinjection", policy, words);
}

static int check_congestion(const struct check *c)
{
	const char *words[NAMES_MAX] = { NULL };

	if (cc_find(c->s->main.congestion))
		return 0;
	for (unsigned i = 0; i < cc_count && i + 1 < NAMES_MAX; i++)
		words[i] = cc_all[i]->name;
	return bad_word(c, "congestion", c->s->main.congestion, words);
}

static int check_main(const struct check *c)
{
	const struct scenario *s = c->s;
	int err = check_order(c);

	if (!err)
		err = check_reinjection(c);
	if (!err)
		err = check_congestion(c);
	for (unsigned i = 0; !err && i < s->main.scheduler_count; i++)
		if (!simsched_find(s->main.scheduler[i]))
			err = FAIL(c, s->main.line, "scenario: there is no scheduler "
			           "'%s'", s->main.scheduler[i]);
	return err;
}

static int check_paths(const struct check *c)
{
	const struct scenario *s = c->s;

	if (!s->path_count)
		return FAIL(c, 0, "a scenario needs a path: config path 'NAME', "
		            "with option rate and option delay");
	for (unsigned i = 0; i < s->path_count; i++) {
		const struct scenario_path *p = &s->paths[i];
		if (p->queue_us && p->queue_packets)
			return FAIL(c, p->line, "path '%s': queue and "
			            "queue_packets say the same; allowed: one of them",
			            p->name);
		if (!p->down_bits)
			return FAIL(c, p->line, "path '%s': its rate is 0", p->name);
		if (scenario_find_path(s, p->name) != (int)i)
			return FAIL(c, p->line, "path '%s' is there twice", p->name);
	}
	return 0;
}

static int check_sizes(const struct check *c, const struct scenario_load *l)
{
	switch (l->sizes) {
	case SCENARIO_FIXED:
		if (!l->size_count)
			return FAIL(c, l->line, "load '%s': its size is missing: list "
			            "size 'BYTES', or option sizes", l->name);
		return 0;
	case SCENARIO_PARETO:
	case SCENARIO_UNIFORM:
		if (!l->size_min_bytes || l->size_min_bytes > l->size_max_bytes)
			return FAIL(c, l->line, "load '%s': these sizes need a "
			            "size_min above 0 and a size_max not below it",
			            l->name);
		return 0;
	case SCENARIO_LOGNORMAL:
		if (l->size_sum_bytes < l->count)
			return FAIL(c, l->line, "load '%s': lognormal sizes need "
			            "size_sum, a byte for each at least", l->name);
		return 0;
	}
	return 0;
}

static int check_video(const struct check *c, const struct scenario_load *l)
{
	if (!l->level_count)
		return FAIL(c, l->line, "load '%s': 'level' is missing", l->name);
	for (unsigned i = 1; i < l->level_count; i++)
		if (l->level_bits[i] <= l->level_bits[i - 1])
			return FAIL(c, l->line, "load '%s': its levels do not grow",
			            l->name);
	if (l->buffer_us < l->chunk_us)
		return FAIL(c, l->line, "load '%s': the buffer does not hold one "
		            "chunk", l->name);
	return 0;
}

static int check_load(const struct check *c, const struct scenario_load *l)
{
	if (!l->count)
		return FAIL(c, l->line, "load '%s': its count is 0", l->name);
	switch (l->kind) {
	case SCENARIO_BATCH:
		if (l->count > BATCH_MAX)
			return FAIL(c, l->line, "load '%s': more than %u at once",
			            l->name, BATCH_MAX);
		return check_sizes(c, l);
	case SCENARIO_POISSON:
	case SCENARIO_OBJECTS:
	case SCENARIO_PAGE:
	case SCENARIO_REQUESTS:
	case SCENARIO_CALL:
		return check_sizes(c, l);
	case SCENARIO_VIDEO:
		return check_video(c, l);
	case SCENARIO_BULK:
		if (l->duration_us && l->skip_us >= l->duration_us)
			return FAIL(c, l->line, "load '%s': nothing is left of its "
			            "duration behind skip", l->name);
		return 0;
	}
	return 0;
}

static int check_loads(const struct check *c)
{
	const struct scenario *s = c->s;
	uint64_t items = 0;
	bool ends = false;

	if (!s->load_count)
		return FAIL(c, 0, "a scenario needs a load: config load 'NAME', "
		            "with option kind");
	for (unsigned i = 0; i < s->load_count; i++) {
		const struct scenario_load *l = &s->loads[i];
		int err = check_load(c, l);
		if (err)
			return err;
		items += l->kind == SCENARIO_CALL ? 2 * l->count : l->count;
		ends |= l->kind != SCENARIO_BULK || l->duration_us;
	}
	if (items > SCENARIO_ITEMS_MAX)
		return FAIL(c, 0, "its loads have more than %u objects",
		            SCENARIO_ITEMS_MAX);
	if (!ends)
		return FAIL(c, 0, "it has no end: one load needs a duration");
	return 0;
}

static int check_cuts(const struct check *c)
{
	for (unsigned i = 0; i < c->s->cut_count; i++)
		if (scenario_find_path(c->s, c->s->cuts[i].path) < 0)
			return FAIL(c, c->s->cuts[i].line, "cut: there is no path '%s'",
			            c->s->cuts[i].path);
	return 0;
}

static bool runs(const struct scenario *s, const char *scheduler)
{
	bool found = !s->main.scheduler_count;

	for (unsigned i = 0; i < s->main.scheduler_count; i++)
		found |= !strcmp(s->main.scheduler[i], scheduler);
	return found;
}

static int check_expect(const struct check *c, const struct scenario_expect *e)
{
	bool limit = e->metric == SCENARIO_BOUND || e->metric == SCENARIO_SHARING;

	if (limit && (*e->scheduler || *e->against))
		return FAIL(c, e->line, "expect: what the paths allow has no "
		            "scheduler");
	if (!limit && !*e->scheduler)
		return FAIL(c, e->line, "expect: 'scheduler' is missing");
	if (*e->scheduler && !runs(c->s, e->scheduler))
		return FAIL(c, e->line, "expect: the scenario does not run "
		            "scheduler '%s'", e->scheduler);
	if (*e->against && !runs(c->s, e->against))
		return FAIL(c, e->line, "expect: the scenario does not run "
		            "scheduler '%s'", e->against);
	if (scenario_find_load(c->s, e->load) < 0)
		return FAIL(c, e->line, "expect: there is no load '%s'", e->load);
	if (e->metric == SCENARIO_SHARE && scenario_find_path(c->s, e->path) < 0)
		return FAIL(c, e->line, "expect: there is no path '%s'", e->path);
	if (e->value_max && e->value_max < e->value)
		return FAIL(c, e->line, "expect: value_max is below value");
	return 0;
}

int scenario_check(const struct scenario *s, const char *file,
                   struct conf_error *error)
{
	struct check c = { s, file, error };
	int err = 0;

	if (s->main_count != 1)
		return FAIL(&c, 0, "no section 'scenario'; needed: config scenario, "
		            "with option title");
	err = check_main(&c);
	if (!err)
		err = check_paths(&c);
	if (!err)
		err = check_loads(&c);
	if (!err)
		err = check_cuts(&c);
	for (unsigned i = 0; !err && i < s->expect_count; i++)
		err = check_expect(&c, &s->expects[i]);
	return err;
}

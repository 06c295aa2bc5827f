/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the figures of scenarios as JSON for a program.
 */
#include "scheduler/sim/result.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#define VERSION 1

static struct json_object *number(double value)
{
	char text[64];

	if (!isfinite(value))
		return NULL;
	snprintf(text, sizeof(text), "%.3f", value);
	return json_object_new_double_s(value, text);
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text));
}

static void add_count(struct json_object *to, const char *key, uint64_t count)
{
	json_object_object_add(to, key, json_object_new_int64((int64_t)count));
}

static struct json_object *paths_of(const struct scenario *s)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < s->path_count; i++) {
		const struct scenario_path *p = &s->paths[i];
		struct json_object *o = json_object_new_object();
		add_text(o, "name", p->name);
		json_object_object_add(o, "rate_mbit",
		                       number((double)p->down_bits / 1e6));
		json_object_object_add(o, "rate_up_mbit", number(
			(double)(p->up_bits ? p->up_bits : p->down_bits) / 1e6));
		json_object_object_add(o, "delay_ms",
		                       number((double)p->delay_us / 1e3));
		json_object_object_add(o, "jitter_ms",
		                       number((double)p->jitter_us / 1e3));
		json_object_object_add(o, "loss_percent",
		                       number((double)p->loss_millionths / 1e6));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *limits_of(const struct result_set *set)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < set->scenario->load_count; i++) {
		const struct scenario_load *args = &set->scenario->loads[i];
		const struct result_limit *limit = &set->limits[i];
		struct json_object *o = json_object_new_object();
		add_text(o, "name", args->name);
		add_text(o, "kind", scenario_kind_name(args->kind));
		json_object_object_add(o, "bound_ms",
		                       number(limit->bound_us / 1e3));
		json_object_object_add(o, "sharing_ms",
		                       number(limit->sharing_us / 1e3));
		json_object_object_add(o, "total_bound_ms",
		                       number(limit->total_us / 1e3));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *load_of(const struct result_set *set,
                                   const struct result *result, unsigned load)
{
	static const struct { const char *key; enum scenario_metric metric; } keys[] = {
		{ "mean_ms", SCENARIO_MEAN }, { "p50_ms", SCENARIO_P50 },
		{ "p95_ms", SCENARIO_P95 }, { "p99_ms", SCENARIO_P99 },
		{ "longest_ms", SCENARIO_LONGEST }, { "total_ms", SCENARIO_TOTAL },
		{ "slowdown", SCENARIO_SLOWDOWN },
		{ "slowdown_p99", SCENARIO_SLOWDOWN_P99 },
		{ "goodput_mbit", SCENARIO_GOODPUT },
		{ "late_percent", SCENARIO_LATE }, { "stall_ms", SCENARIO_STALL },
		{ "quality_percent", SCENARIO_QUALITY },
		{ "silence_ms", SCENARIO_SILENCE },
		{ "worst_half_mbit", SCENARIO_WORST_HALF },
	};
	const struct result_load *l = &result->loads[load];
	struct json_object *o = json_object_new_object();

	add_text(o, "name", set->scenario->loads[load].name);
	add_count(o, "done", l->time_us.count);
	add_count(o, "undone", l->undone);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_object_add(o, keys[i].key, number(
			result_metric(set, result, keys[i].metric, load, 0)));
	return o;
}

static struct json_object *run_of(const struct result_set *set,
                                  const struct result *result)
{
	const struct scenario *s = set->scenario;
	struct json_object *o = json_object_new_object();
	struct json_object *shares = json_object_new_object();
	struct json_object *loads = json_object_new_array();

	add_text(o, "scheduler", result->scheduler->name);
	add_text(o, "order", result->policy.order->name);
	add_text(o, "reinjection", reinject_name(result->policy.reinjection));
	json_object_object_add(o, "end_ms", number((double)result->end_us / 1e3));
	json_object_object_add(o, "twice_percent", number(result->twice * 100));
	for (unsigned i = 0; i < s->path_count; i++)
		json_object_object_add(shares, s->paths[i].name,
		                       number(result->share[i] * 100));
	json_object_object_add(o, "share_percent", shares);
	for (unsigned i = 0; i < s->load_count; i++)
		json_object_array_add(loads, load_of(set, result, i));
	json_object_object_add(o, "loads", loads);
	json_object_object_add(o, "error", *result->error
		? json_object_new_string(result->error) : NULL);
	return o;
}

static struct json_object *set_of(const struct result_set *set)
{
	const struct scenario *s = set->scenario;
	struct json_object *o = json_object_new_object();
	struct json_object *runs = json_object_new_array();

	add_text(o, "name", s->main.name);
	add_text(o, "title", s->main.title);
	add_text(o, "note", s->main.note);
	add_text(o, "source", s->main.source);
	add_count(o, "seed", s->main.seed);
	add_count(o, "repeat", s->main.repeat);
	add_text(o, "direction",
	         s->main.direction == SCENARIO_UP ? "up" : "down");
	add_text(o, "congestion", s->main.congestion);
	add_count(o, "bundles", s->main.bundles);
	json_object_object_add(o, "paths", paths_of(s));
	json_object_object_add(o, "limits", limits_of(set));
	for (unsigned i = 0; i < set->count; i++)
		json_object_array_add(runs, run_of(set, &set->runs[i]));
	json_object_object_add(o, "runs", runs);
	return o;
}

int result_json(const struct result_set *const *sets, unsigned count,
                struct buf *out)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	add_count(o, "version", VERSION);
	for (unsigned i = 0; i < count; i++)
		json_object_array_add(list, set_of(sets[i]));
	json_object_object_add(o, "scenarios", list);
	int err = buf_printf(out, "%s\n", json_object_to_json_string_ext(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return err;
}

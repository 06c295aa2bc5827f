/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: advice for programs: all figures of all candidates. Keys bear their
 * units; what is not known is null.
 */
#include "agg/ctl/advice.h"

#include "agg/base/printable.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#define VERSION 1
#define CLEAN_MAX 256

static void put(struct json_object *to, const char *key, struct json_object *o)
{
	json_object_object_add(to, key, o);
}

static void put_text(struct json_object *to, const char *key, const char *text)
{
	char clean[CLEAN_MAX];

	put(to, key, json_object_new_string(
		printable_ascii(clean, sizeof(clean), text)));
}

static void put_count(struct json_object *to, const char *key, uint64_t count)
{
	put(to, key, json_object_new_uint64(count));
}

static void put_number(struct json_object *to, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.4f", value);
	put(to, key, isfinite(value) ? json_object_new_double_s(value, text)
	                             : NULL);
}

static struct json_object *links_of(const struct advise_question *q)
{
	static const char *const costs[] = {
		[SCHED_CLASS_NORMAL] = "normal", [SCHED_CLASS_METERED] = "metered",
		[SCHED_CLASS_BACKUP] = "backup",
	};
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < q->link_count; i++) {
		const struct advise_link *link = &q->links[i];
		struct json_object *o = json_object_new_object();
		put_text(o, "name", link->name);
		put_count(o, "min_rtt_us", link->min_rtt_us);
		put_count(o, "srtt_us", link->srtt_us);
		put_count(o, "rttvar_us", link->rttvar_us);
		put_count(o, "down_bytes_per_s", link->down_bps);
		if (link->up_bps)
			put_count(o, "up_bytes_per_s", link->up_bps);
		else
			put(o, "up_bytes_per_s", NULL);
		put_count(o, "loss_ppm", link->loss_ppm);
		put_text(o, "cost", costs[link->cost]);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *left_of(const struct measured *m)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < m->left_count; i++) {
		struct json_object *o = json_object_new_object();
		put_text(o, "name", m->left[i].name);
		put_text(o, "why", m->left[i].why);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *figure_of(const struct advise_question *q,
                                     const struct advise_figure *figure,
                                     enum advise_load load)
{
	struct json_object *o = json_object_new_object();
	struct json_object *shares = json_object_new_object();

	put_number(o, "value", figure->value);
	put_text(o, "unit", advise_load_unit(load));
	put_number(o, "ratio", figure->ratio);
	put_number(o, "twice", figure->twice);
	for (unsigned i = 0; i < q->link_count; i++)
		put_number(shares, q->links[i].name, figure->share[i]);
	put(o, "shares", shares);
	return o;
}

static struct json_object *candidate_of(const struct measured *m,
                                        const struct advise_candidate *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *loads = json_object_new_object();

	put_text(o, "interactive",
	         c->policy.scheduler[STREAM_INTERACTIVE]->name);
	put_text(o, "bulk", c->policy.scheduler[STREAM_BULK]->name);
	put_text(o, "order", c->policy.order->name);
	put_text(o, "reinjection", reinject_name(c->policy.reinjection));
	put_number(o, "score", c->score);
	for (int i = 0; i < ADVISE_LOAD_COUNT; i++)
		put(loads, advise_load_name((enum advise_load)i),
		    figure_of(&m->question, &c->figure[i], (enum advise_load)i));
	put(o, "loads", loads);
	return o;
}

static struct json_object *candidates_of(const struct measured *m,
                                         const struct advise_result *r)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < r->count; i++)
		json_object_array_add(list, candidate_of(m, &r->candidates[i]));
	return list;
}

/* best and pick are places among the candidates; 0 is what runs now. */
static struct json_object *loads_of(const struct advise_result *r)
{
	struct json_object *o = json_object_new_object();

	for (int i = 0; i < ADVISE_LOAD_COUNT; i++) {
		struct json_object *load = json_object_new_object();
		put_text(load, "figure",
		         advise_load_summary((enum advise_load)i));
		put_count(load, "best", r->best[i]);
		put_text(load, "why", r->why[i]);
		put(o, advise_load_name((enum advise_load)i), load);
	}
	return o;
}

int advice_json(const struct measured *m, const struct advise_result *r,
                struct buf *out)
{
	struct json_object *o = json_object_new_object();
	char command[ADVICE_COMMAND_MAX + 1];

	advice_command(m, &r->candidates[r->pick].policy, command);
	put_count(o, "version", VERSION);
	put_text(o, "role", m->role);
	put(o, "site", *m->site ? json_object_new_string(m->site) : NULL);
	put_text(o, "congestion", m->question.congestion);
	put(o, "uplinks", links_of(&m->question));
	put(o, "left_out", left_of(m));
	put(o, "loads", loads_of(r));
	put(o, "candidates", candidates_of(m, r));
	put_count(o, "pick", r->pick);
	put(o, "command", r->pick ? json_object_new_string(command) : NULL);
	put_count(o, "events", r->events);
	put(o, "cut", json_object_new_boolean(r->cut));
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	int err = text ? buf_printf(out, "%s\n", text) : -ENOBUFS;
	json_object_put(o);
	return err;
}

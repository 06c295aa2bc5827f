/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scheduler on random links, in the simulator: pairs and triples of 1
 * to 300 Mbit/s, 5 to 300 ms of round trip, half of them with up to 2 % of
 * loss, each with a queue of 100 ms. OBJECTS of 10 MB one after the other, after
 * a download that warms the connections up; beside them the same over the best of
 * the links alone, and the fluid bound. There are so many of them that those few
 * which meet a pause of BBR's (200 ms every ten seconds, to see the least
 * round-trip time) do not decide. A line for each that is more than WORSE above
 * the best single link, and the sum.
 *
 * What TCP makes of a path that is long and loses is in no bound. So with "added" each
 * path carries the same objects by itself, and there is a line for each of the links
 * with the time in which the paths, added up, had brought one: whoever sends by the same
 * TCP cannot do much better.
 *
 *     build/tests/bench/links [COUNT [SCHEDULER [ORDER [REINJECTION [BUNDLES
 *                             [SEED [added]]]]]]]
 *
 * An argument of "-" is the default. Exits with 1 where a goal is missed.
 */
#include "agg/base/rand.h"
#include "scheduler/sim/run.h"
#include "scheduler/sim/simsched.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_DEFAULT 42u
#define COUNT_DEFAULT 200u
#define COUNT_MAX 10000u
#define OBJECT_BYTES 10000000u
#define OBJECTS 30u
#define CURVE_MS 100000u
#define WARMUP_US 8000000u
#define WORSE 1.05       /* than the best single link: the goal is never */
#define SLOWDOWN 1.18    /* the mean against the bound: the goal */

struct links {
	struct scenario *scenario;
	struct run_setup setup;
};

/* What the reader of an object got in each millisecond since it began; the mean. */
struct curve {
	double bytes[CURVE_MS];
};

struct figures {
	double ms, alone_ms, bound_ms, added_ms; /* 0: not looked at */
};

/* From low to high, each factor as likely. */
static double any_between(struct rand *r, double low, double high)
{
	return low * exp(rand_unit(r) * log(high / low));
}

static void any_path(struct rand *r, struct scenario *s, unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "p%u", i);
	struct scenario_path *path = scenario_add_path(s, name);
	path->down_bits = path->up_bits = (uint64_t)(any_between(r, 1, 300) * 1e6);
	path->delay_us = (uint64_t)any_between(r, 2500, 150000);
	path->loss_millionths = rand_below(r, 2) ? rand_below(r, 2000001) : 0;
	path->queue_us = 100000;
}

/* Mean milliseconds of the objects; dies where the simulator does. */
static double mean_ms(const struct links *l)
{
	struct run run;
	double sum_us = 0;

	if (run_scenario(&l->setup, &run) < 0 || run.error[0]) {
		fprintf(stderr, "links: %s\n", run.error[0] ? run.error
		                                            : "out of memory");
		exit(2);
	}
	for (size_t i = 0; i < run.loads[0].count; i++)
		sum_us += (double)(run.loads[0].items[i].end_us -
		                   run.loads[0].items[i].start_us);
	sum_us /= (double)run.loads[0].count;
	run_finish(&run);
	return sum_us / 1000;
}

static void note_read(void *ctx, uint64_t after_us, size_t n)
{
	struct curve *curve = ctx;
	uint64_t ms = after_us / 1000;

	if (ms < CURVE_MS)
		curve->bytes[ms] += (double)n / OBJECTS;
}

/* Of one path by itself. */
static double alone_ms(const struct links *l, unsigned path, struct curve *curve)
{
	struct scenario alone = *l->scenario;
	struct links single = { &alone, l->setup };

	single.setup.scenario = &alone;
	single.setup.on_read = curve ? note_read : NULL;
	single.setup.ctx = curve;
	alone.path_count = 1;
	alone.paths[0] = l->scenario->paths[path];
	return mean_ms(&single);
}

/* By itself it asks by itself; together they ask by the nearest. */
static uint64_t later_ms(const struct scenario *s, unsigned path)
{
	uint64_t nearest_us = s->paths[path].delay_us;

	for (unsigned i = 0; i < s->path_count; i++)
		if (s->paths[i].delay_us < nearest_us)
			nearest_us = s->paths[i].delay_us;
	return (s->paths[path].delay_us - nearest_us) / 1000;
}

static double added_ms(const struct scenario *s, struct curve *const *curves)
{
	double bytes = 0;

	for (unsigned i = 0; i < s->path_count; i++)
		for (uint64_t ms = 0; ms < later_ms(s, i); ms++)
			bytes += curves[i]->bytes[ms];
	for (uint64_t ms = 0; ms < CURVE_MS; ms++) {
		for (unsigned i = 0; i < s->path_count; i++)
			if (ms + later_ms(s, i) < CURVE_MS)
				bytes += curves[i]->bytes[ms + later_ms(s, i)];
		if (bytes >= OBJECT_BYTES)
			return (double)(ms + 1);
	}
	return INFINITY;
}

static void look_at_each(const struct links *l, struct figures *f)
{
	const struct scenario *s = l->scenario;
	struct curve *curves[SCENARIO_PATHS_MAX] = { 0 };

	f->alone_ms = INFINITY;
	for (unsigned i = 0; i < s->path_count; i++) {
		curves[i] = calloc(1, sizeof(*curves[i]));
		if (!curves[i])
			exit(2);
		f->alone_ms = fmin(f->alone_ms, alone_ms(l, i, curves[i]));
	}
	f->added_ms = added_ms(s, curves);
	for (unsigned i = 0; i < s->path_count; i++)
		free(curves[i]);
}

/* None is faster than its bound, and most are left behind by that already. */
static void find_best_alone(const struct links *l, struct figures *f)
{
	struct scenario alone = *l->scenario;
	double best = INFINITY;

	alone.path_count = 1;
	for (unsigned i = 0; i < l->scenario->path_count; i++) {
		alone.paths[0] = l->scenario->paths[i];
		double bound = run_bound_us(&alone, alone.loads, false,
		                            OBJECT_BYTES) / 1000;
		if (f->ms > WORSE * bound)
			best = fmin(best, alone_ms(l, i, NULL));
	}
	f->alone_ms = isinf(best) ? 0 : best;
}

static void look_at(const struct links *l, bool added, struct figures *f)
{
	*f = (struct figures){ .ms = mean_ms(l) };
	f->bound_ms = run_bound_us(l->scenario, l->scenario->loads, false,
	                           OBJECT_BYTES) / 1000;
	if (added)
		look_at_each(l, f);
	else
		find_best_alone(l, f);
}

static bool is_worse(const struct figures *f)
{
	return f->alone_ms > 0 && f->ms > WORSE * f->alone_ms;
}

static void tell(const struct links *l, unsigned number, const struct figures *f)
{
	printf("%4u %6.0f ms, alone %6.0f (%.2f), bound %6.0f (%.2f)", number, f->ms,
	       f->alone_ms, f->ms / f->alone_ms, f->bound_ms, f->ms / f->bound_ms);
	if (f->added_ms > 0)
		printf(", added up %6.0f (%.2f)", f->added_ms,
		       f->added_ms / f->bound_ms);
	for (unsigned i = 0; i < l->scenario->path_count; i++) {
		const struct scenario_path *p = &l->scenario->paths[i];
		printf("%s%.1f Mbit/s %.0f ms %.1f %%", i ? "  " : ":  ",
		       (double)p->down_bits / 1e6, (double)p->delay_us / 500,
		       (double)p->loss_millionths / 1e6);
	}
	printf("\n");
	fflush(stdout);
}

static struct scenario *any_links(struct rand *r)
{
	struct scenario *s = scenario_create();
	unsigned paths = 2 + (unsigned)rand_below(r, 2);

	if (!s)
		exit(2);
	snprintf(s->main.title, sizeof(s->main.title), "random links");
	snprintf(s->main.congestion, sizeof(s->main.congestion), "bbr");
	s->main.warmup_us = WARMUP_US;
	s->main.limit_us = 10000000000;
	for (unsigned i = 0; i < paths; i++)
		any_path(r, s, i);
	struct scenario_load *load = scenario_add_load(s, "get",
	                                               SCENARIO_OBJECTS);
	load->count = OBJECTS;
	load->size_bytes[0] = OBJECT_BYTES;
	load->size_count = 1;
	return s;
}

static const char *argument(int argc, char **argv, int i)
{
	return i < argc && strcmp(argv[i], "-") != 0 ? argv[i] : NULL;
}

/* What is not said is as for a site that says nothing. */
static struct run_setup setup_of(int argc, char **argv)
{
	const char *scheduler = argument(argc, argv, 2);
	const char *order = argument(argc, argv, 3);
	const char *reinjection = argument(argc, argv, 4);
	struct run_setup setup = {
		.scheduler = simsched_find(scheduler ? scheduler
		                                     : SCHED_DEFAULT),
		.order = order ? order_find(order) : NULL,
		.reinjection = reinjection ? reinject_find(reinjection) : -1,
	};

	if (!setup.scheduler || (order && !setup.order) ||
	    (reinjection && setup.reinjection < 0)) {
		fprintf(stderr, "links: no such scheduler, order or reinjection\n");
		exit(2);
	}
	return setup;
}

int main(int argc, char **argv)
{
	const char *count_text = argument(argc, argv, 1);
	const char *bundles = argument(argc, argv, 5);
	unsigned count = count_text ? (unsigned)atoi(count_text) : COUNT_DEFAULT;
	const char *seed = argument(argc, argv, 6);
	struct rand r = { seed ? strtoull(seed, NULL, 10) : SEED_DEFAULT };
	struct run_setup setup = setup_of(argc, argv);
	bool added = argument(argc, argv, 7) != NULL;
	double slowdown = 0, worst = 0, added_slowdown = 0;
	unsigned worse = 0;

	if (!count || count > COUNT_MAX) {
		fprintf(stderr, "links: COUNT is 1 to %u\n", COUNT_MAX);
		return 2;
	}
	for (unsigned i = 0; i < count; i++) {
		struct links l = { any_links(&r), setup };
		struct figures f;
		l.setup.scenario = l.scenario;
		l.setup.seed = i + 1;
		if (bundles)
			l.scenario->main.bundles = (unsigned)atoi(bundles);
		look_at(&l, added, &f);
		slowdown += f.ms / f.bound_ms / count;
		added_slowdown += f.added_ms / f.bound_ms / count;
		worse += is_worse(&f);
		worst = is_worse(&f) ? fmax(worst, f.ms / f.alone_ms) : worst;
		if (is_worse(&f) || added)
			tell(&l, i, &f);
		scenario_free(l.scenario);
	}
	printf("%s: %u links: slowdown %.3f (goal %.2f); more than %.0f %% above "
	       "the best link alone: %u (goal 0)", setup.scheduler->name, count,
	       slowdown, SLOWDOWN, (WORSE - 1) * 100, worse);
	if (worse)
		printf(", at worst %.2f times", worst);
	if (added)
		printf("; the paths added up: %.3f", added_slowdown);
	printf("\n");
	return slowdown > SLOWDOWN || worse > 0;
}

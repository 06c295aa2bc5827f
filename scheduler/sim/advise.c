/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: makes scenarios of measured links, runs the candidates on them, and
 * picks. How long a load lasts follows the links, so that a candidate costs
 * about as much on fast ones as on slow ones.
 */
#include "scheduler/sim/advise.h"

#include "scheduler/sim/result.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US 1000000u
#define HOST_US 500u
#define QUEUE_US 100000u      /* where none is seen */
#define QUEUE_US_MAX 5000000u
#define JITTER_LEAST_US 3000u /* less is the measurement's own */
#define RTTVAR_TO_JITTER 3    /* of two ways, each up to the jitter, evenly */
#define RATE_BITS_MIN 10000u
#define RATE_BITS_MAX 100000000000u
#define LOSS_PPM_MAX 200000u
#define RAMP_RTTS 6           /* until a download has grown ... */
#define RAMP_US_MIN 200000u   /* ... at least */
#define LOADED_RTTS 10        /* a download is measured for, at least ... */
#define LOADED_BYTES 20e6     /* ... and for about so much ... */
#define LOADED_US_MAX 5e6     /* ... and at most, but for the above */
#define LOADED_US_MIN 500000u
#define FAST_BPS 60e6         /* of all links: each load is run but once */
#define LIMIT_US (10u * SECOND_US) /* above what a load lasts ... */
#define LIMIT_PAGE_US (2u * SECOND_US) /* ... or needs, were it alone, ... */
#define LIMIT_TIMES 10        /* ... so many times */
#define PAGE_OBJECTS 30
#define PAGE_BYTES 1239000.0
#define PAGE_PARALLEL 6
#define CALL_INTERVAL_US 20000u
#define CALL_BYTES 160
#define CALL_FRAMES_MIN 50.0
#define CALL_FRAMES_MAX 150.0
#define VIDEO_CHUNKS 12
#define VIDEO_CHUNK_US (2u * SECOND_US)
#define VIDEO_BUFFER_US (10u * SECOND_US)
#define BEST_SCHEDULERS 2     /* whose orders are varied */
#define RATIO_MAX 100.0       /* of one load: none decides alone */

struct advising {
	const struct advise_question *question;
	struct advise_result *out;
	struct scenario *scenarios[ADVISE_LOAD_COUNT];
	struct result_set *sets[ADVISE_LOAD_COUNT];
	unsigned of;
};

static const struct {
	const char *name, *summary, *unit;
	enum scenario_metric metric;
	bool less_is_better;
	unsigned repeat; /* with so many seeds */
} loads[ADVISE_LOAD_COUNT] = {
	[ADVISE_PAGE] = { "page", "30 objects beside a download, all there after",
	                  "ms", SCENARIO_TOTAL, true, 3 },
	[ADVISE_BULK] = { "bulk", "one download", "Mbit/s", SCENARIO_GOODPUT,
	                  false, 2 },
	[ADVISE_VIDEO] = { "video", "what a player shows, stalls taken off",
	                   "Mbit/s", SCENARIO_QUALITY, false, 1 },
	[ADVISE_CALL] = { "call", "frames beside a download, 95 % there within",
	                  "ms", SCENARIO_P95, true, 2 },
};

const char *advise_load_name(enum advise_load load)
{
	return loads[load].name;
}

const char *advise_load_summary(enum advise_load load)
{
	return loads[load].summary;
}

const char *advise_load_unit(enum advise_load load)
{
	return loads[load].unit;
}

bool advise_policy_equal(const struct advise_policy *a,
                         const struct advise_policy *b)
{
	return a->scheduler[STREAM_INTERACTIVE] ==
	       b->scheduler[STREAM_INTERACTIVE] &&
	       a->scheduler[STREAM_BULK] == b->scheduler[STREAM_BULK] &&
	       a->order == b->order && a->reinjection == b->reinjection;
}

/* Scenarios ------------------------------------------------------------- */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Bits of frames for bytes that subflows carried. */
static uint64_t frame_bits(uint64_t bps)
{
	double bits = (double)bps * 8 * SCENARIO_FRAME_BYTES /
	              SCENARIO_PAYLOAD_BYTES;

	return clamp((uint64_t)fmin(bits, 1e15), RATE_BITS_MIN, RATE_BITS_MAX);
}

/* What stands before a link makes the time longer, and does not vary; what
 * varies without being longer was measured too seldom. */
static uint64_t jitter_us(const struct advise_link *link)
{
	uint64_t more_us = link->srtt_us > link->min_rtt_us ?
		link->srtt_us - link->min_rtt_us : 0;
	uint64_t varied_us = RTTVAR_TO_JITTER * link->rttvar_us;
	uint64_t us = more_us < varied_us ? more_us : varied_us;

	return us < JITTER_LEAST_US ? 0 : clamp(us, 0, SECOND_US);
}

static int add_link(struct scenario *s, const struct advise_link *link)
{
	struct scenario_path *path = scenario_add_path(s, link->name);
	uint64_t more_us = link->srtt_us > link->min_rtt_us ?
		link->srtt_us - link->min_rtt_us : 0;

	if (!path)
		return -ENOSPC;
	path->down_bits = frame_bits(link->down_bps);
	path->up_bits = link->up_bps ? frame_bits(link->up_bps) : 0;
	path->delay_us = clamp(link->min_rtt_us / 2, 0, 2 * SECOND_US);
	path->jitter_us = jitter_us(link);
	path->queue_us = clamp(more_us, QUEUE_US, QUEUE_US_MAX);
	path->loss_millionths =
		100 * clamp(link->loss_ppm, 0, LOSS_PPM_MAX); /* of a percent */
	path->cost = link->cost;
	return 0;
}

/* How long things take on these links. */
struct times {
	double down_bps;
	uint64_t ramp_us, loaded_us;
};

static struct times times_of(const struct advise_question *q)
{
	uint64_t rtt_us = 0;
	double down_bps = 0, loaded_us;

	for (unsigned i = 0; i < q->link_count; i++) {
		const struct advise_link *link = &q->links[i];
		if (link->min_rtt_us > rtt_us)
			rtt_us = clamp(link->min_rtt_us, 0, 2 * SECOND_US);
		down_bps += (double)link->down_bps;
	}
	loaded_us = fmin(LOADED_BYTES / fmax(down_bps, 1) * 1e6, LOADED_US_MAX);
	return (struct times){
		.down_bps = fmax(down_bps, 1),
		.ramp_us = clamp(RAMP_RTTS * rtt_us, RAMP_US_MIN, UINT64_MAX),
		.loaded_us = clamp((uint64_t)loaded_us,
		                   clamp(LOADED_RTTS * rtt_us, LOADED_US_MIN,
		                         UINT64_MAX), UINT64_MAX),
	};
}

static void set_sizes(struct scenario_load *load, const uint64_t *sizes,
                      unsigned count)
{
	memcpy(load->size_bytes, sizes, count * sizeof(*sizes));
	load->size_count = count;
}

static void fill_page(struct scenario_load *load, const struct times *times)
{
	static const uint64_t sizes[] = { 60000, 8000, 25000, 90000, 12000, 40000,
	                                  5000, 150000, 3000, 20000 };

	load->start_us = times->ramp_us;
	load->count = PAGE_OBJECTS;
	load->parallel = PAGE_PARALLEL;
	set_sizes(load, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

static void fill_video(struct scenario_load *load)
{
	static const uint64_t levels[] = { 500000, 1000000, 2500000, 5000000,
	                                   8000000, 16000000, 25000000 };

	load->count = VIDEO_CHUNKS;
	load->chunk_us = VIDEO_CHUNK_US;
	load->buffer_us = VIDEO_BUFFER_US;
	memcpy(load->level_bits, levels, sizeof(levels));
	load->level_count = sizeof(levels) / sizeof(levels[0]);
}

static void fill_call(struct scenario_load *load, const struct times *times)
{
	double frames = (double)times->loaded_us / CALL_INTERVAL_US;
	const uint64_t size = CALL_BYTES;

	load->start_us = times->ramp_us;
	load->interval_us = CALL_INTERVAL_US;
	load->count = (unsigned)fmin(fmax(frames, CALL_FRAMES_MIN),
	                             CALL_FRAMES_MAX);
	set_sizes(load, &size, 1);
}

/* The first load is the one that is looked at. */
static int add_loads(struct scenario *s, const struct times *times,
                     enum advise_load kind)
{
	static const enum scenario_kind kinds[ADVISE_LOAD_COUNT] = {
		[ADVISE_PAGE] = SCENARIO_PAGE, [ADVISE_BULK] = SCENARIO_BULK,
		[ADVISE_VIDEO] = SCENARIO_VIDEO, [ADVISE_CALL] = SCENARIO_CALL,
	};
	struct scenario_load *load =
		scenario_add_load(s, loads[kind].name, kinds[kind]);

	if (!load)
		return -ENOSPC;
	switch (kind) {
	case ADVISE_PAGE:
		fill_page(load, times);
		break;
	case ADVISE_BULK:
		load->skip_us = times->ramp_us;
		load->duration_us = times->ramp_us + times->loaded_us;
		return 0;
	case ADVISE_VIDEO:
		fill_video(load);
		return 0;
	case ADVISE_CALL:
		fill_call(load, times);
		break;
	}
	return scenario_add_load(s, "download", SCENARIO_BULK) ? 0 : -ENOSPC;
}

/* Who has not done it by then does not get it done: a page that comes behind
 * a download never ends. */
static uint64_t limit_us(const struct times *times, enum advise_load kind)
{
	uint64_t us = times->ramp_us + times->loaded_us;

	switch (kind) {
	case ADVISE_PAGE:
		return us + LIMIT_PAGE_US + (uint64_t)(LIMIT_TIMES * PAGE_BYTES /
		                                       times->down_bps * 1e6);
	case ADVISE_VIDEO:
		return us + LIMIT_TIMES * VIDEO_CHUNKS * VIDEO_CHUNK_US;
	case ADVISE_BULK:
	case ADVISE_CALL:
		break;
	}
	return us + LIMIT_US;
}

int advise_scenario(const struct advise_question *q, enum advise_load kind,
                    struct scenario **out, struct conf_error *error)
{
	struct scenario *s = *out = scenario_create();
	struct times times = times_of(q);
	int err = s ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < q->link_count; i++)
		err = add_link(s, &q->links[i]);
	if (!err)
		err = add_loads(s, &times, kind);
	if (err)
		return err;
	snprintf(s->main.congestion, sizeof(s->main.congestion), "%s",
	         q->congestion);
	s->main.repeat = times.down_bps > FAST_BPS ? 1 : loads[kind].repeat;
	s->main.host_us = HOST_US;
	s->main.limit_us = limit_us(&times, kind);
	s->main.memory_bytes = q->memory_bytes;
	if (q->bundles)
		s->main.bundles = q->bundles;
	return scenario_check(s, "the links", error);
}

static int prepare(struct advising *a, struct conf_error *error)
{
	int err = 0;

	for (int i = 0; !err && i < ADVISE_LOAD_COUNT; i++) {
		err = advise_scenario(a->question, (enum advise_load)i,
		                      &a->scenarios[i], error);
		a->sets[i] = calloc(1, sizeof(*a->sets[i]));
		if (!err)
			err = a->sets[i] ? result_set_init(a->sets[i],
			                                   a->scenarios[i])
			                 : -ENOMEM;
	}
	return err;
}

static void finish(struct advising *a)
{
	for (int i = 0; i < ADVISE_LOAD_COUNT; i++) {
		free(a->sets[i]);
		scenario_free(a->scenarios[i]);
	}
}

/* Candidates ------------------------------------------------------------ */

/* What a player showed: the mean rate, as if stalls showed nothing. */
static double shown_mbit(const struct scenario *s, const struct result *result,
                         double quality)
{
	const struct scenario_load *load = &s->loads[0];
	double media_us = (double)load->chunk_us * load->count;
	double best = (double)load->level_bits[load->level_count - 1];
	struct bound b;

	run_bound(s, SCENARIO_DOWN, &b);
	best = fmin(best, bound_rate_bps(&b) * 8);
	return quality / 100 * best / 1e6 * media_us /
	       (media_us + result->loads[0].stalled_us);
}

static double value_of(const struct result_set *set, enum advise_load load)
{
	const struct result *result = &set->runs[0];
	double value = result_metric(set, result, loads[load].metric, 0, 0);

	if (*result->error || result->loads[0].undone)
		return NAN;
	return load == ADVISE_VIDEO ? shown_mbit(set->scenario, result, value)
	                            : value;
}

static double ratio_of(enum advise_load load, double value, double present)
{
	bool less = loads[load].less_is_better;

	if (isnan(value) || !(value > 0))
		return isnan(present) ? 1 : 1 / RATIO_MAX;
	if (isnan(present) || !(present > 0))
		return RATIO_MAX;
	double ratio = less ? present / value : value / present;
	return fmin(fmax(ratio, 1 / RATIO_MAX), RATIO_MAX);
}

static int run_load(struct advising *a, struct advise_candidate *c,
                    enum advise_load load)
{
	const struct advise_figure *present =
		&a->out->candidates[0].figure[load];
	struct advise_figure *figure = &c->figure[load];
	struct result_set *set = a->sets[load];
	const struct result_choice choice = {
		.reinjection = (int)c->policy.reinjection,
		.order = c->policy.order,
		.bulk = c->policy.scheduler[STREAM_BULK],
	};

	set->count = 0;
	int err = result_add(set, c->policy.scheduler[STREAM_INTERACTIVE],
	                     &choice, NULL);
	if (err)
		return err;
	figure->value = value_of(set, load);
	figure->ratio = ratio_of(load, figure->value, present->value);
	figure->twice = set->runs[0].twice;
	memcpy(figure->share, set->runs[0].share, sizeof(figure->share));
	a->out->events += set->runs[0].events;
	return 0;
}

static bool is_known(const struct advise_result *r,
                     const struct advise_policy *policy)
{
	for (unsigned i = 0; i < r->count; i++)
		if (advise_policy_equal(&r->candidates[i].policy, policy))
			return true;
	return false;
}

/* Runs it, unless it was; 0, or -ENOMEM. */
static int try(struct advising *a, const struct advise_policy *policy)
{
	struct advise_result *r = a->out;
	struct advise_candidate *c = &r->candidates[r->count];
	double product = 1;
	int err = 0;

	if (is_known(r, policy))
		return 0;
	if (r->count == ADVISE_CANDIDATES_MAX || r->events > ADVISE_EVENTS_MAX) {
		r->cut = true;
		return 0;
	}
	if (a->question->on_progress)
		a->question->on_progress(a->question->ctx, r->count, a->of);
	*c = (struct advise_candidate){ .policy = *policy };
	for (int i = 0; !err && i < ADVISE_LOAD_COUNT; i++) {
		err = run_load(a, c, (enum advise_load)i);
		product *= c->figure[i].ratio;
	}
	c->score = pow(product, 1.0 / ADVISE_LOAD_COUNT);
	r->count += !err;
	return err;
}

static int try_schedulers(struct advising *a)
{
	int err = try(a, &a->question->present);

	for (size_t i = 0; !err && i < sched_count; i++) {
		struct advise_policy policy = a->question->present;
		for (int c = 0; c < STREAM_CLASS_COUNT; c++)
			policy.scheduler[c] = sched_all[i];
		policy.order = order_find(sched_all[i]->order);
		err = try(a, &policy);
	}
	return err;
}

/* Of the first n, the one of the best score but for those in mask. */
static unsigned best_score(const struct advise_result *r, unsigned n,
                           uint32_t mask)
{
	unsigned best = 0;
	double score = -1;

	for (unsigned i = 0; i < n; i++) {
		if ((mask & 1u << i) || r->candidates[i].score <= score)
			continue;
		best = i;
		score = r->candidates[i].score;
	}
	return best;
}

static int try_reinjections(struct advising *a)
{
	unsigned best = best_score(a->out, a->out->count, 0);
	struct advise_policy policy = a->out->candidates[best].policy;
	int err = 0;

	for (int i = 0; !err && i < REINJECT_COUNT; i++) {
		policy.reinjection = (enum reinject_policy)i;
		err = try(a, &policy);
	}
	return err;
}

static int try_orders(struct advising *a)
{
	unsigned n = a->out->count;
	uint32_t done = 0;
	int err = 0;

	for (unsigned nth = 0; nth < BEST_SCHEDULERS && nth < n; nth++) {
		unsigned best = best_score(a->out, n, done);
		struct advise_policy policy = a->out->candidates[best].policy;
		done |= 1u << best;
		for (size_t i = 0; !err && i < order_count; i++) {
			policy.order = order_all[i];
			err = try(a, &policy);
		}
	}
	return err;
}

static unsigned best_for(const struct advise_result *r, enum advise_load load)
{
	unsigned best = 0;
	double ratio = 1 + ADVISE_SAME;

	for (unsigned i = 1; i < r->count; i++) {
		if (r->candidates[i].figure[load].ratio <= ratio)
			continue;
		best = i;
		ratio = r->candidates[i].figure[load].ratio;
	}
	return best;
}

static void pick(struct advising *a)
{
	struct advise_result *r = a->out;

	for (int i = 0; i < ADVISE_LOAD_COUNT; i++) {
		r->best[i] = best_for(r, (enum advise_load)i);
		advise_reason(a->question, r, (enum advise_load)i);
	}
	r->pick = best_score(r, r->count, 0);
	if (r->candidates[r->pick].score <= 1 + ADVISE_SAME)
		r->pick = 0;
}

int advise(const struct advise_question *question, struct advise_result *out,
           struct conf_error *error)
{
	struct advising a = {
		.question = question, .out = out,
		.of = (unsigned)(1 + sched_count + BEST_SCHEDULERS *
		                 (order_count - 1) + REINJECT_COUNT - 1),
	};
	int err;

	*out = (struct advise_result){ 0 };
	err = prepare(&a, error);
	if (!err)
		err = try_schedulers(&a);
	if (!err && question->link_count > 1)
		err = try_reinjections(&a);
	if (!err && question->link_count > 1)
		err = try_orders(&a);
	if (!err)
		pick(&a);
	finish(&a);
	return err;
}

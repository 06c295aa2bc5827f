/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: why one way to send is better than another, in one sentence: the
 * largest difference between the two that the simulation shows.
 */
#include "scheduler/sim/advise.h"

#include <math.h>
#include <stdio.h>

#define SHARE_DIFFERS 0.05 /* of what was sent: worth a word */
#define TWICE_DIFFERS 0.02
#define FAR_TIMES 3.0      /* the least delay: a path's is said */

struct reason {
	const struct advise_question *q;
	const struct advise_candidate *present, *best;
	const struct advise_figure *was, *is;
	char *out; /* of ADVISE_WORDS_MAX + 1 */
};

#define SAY(r, ...) snprintf((r)->out, ADVISE_WORDS_MAX + 1, __VA_ARGS__)

static double change(const struct reason *r, unsigned i)
{
	return r->is->share[i] - r->was->share[i];
}

/* The link whose share changes most in a direction. */
static unsigned changed_most(const struct reason *r, double sign)
{
	unsigned most = 0;

	for (unsigned i = 1; i < r->q->link_count; i++)
		if (change(r, i) * sign > change(r, most) * sign)
			most = i;
	return most;
}

static double times_least_delay(const struct advise_question *q, unsigned link)
{
	uint64_t least_us = UINT64_MAX;

	for (unsigned i = 0; i < q->link_count; i++)
		if (q->links[i].min_rtt_us < least_us)
			least_us = q->links[i].min_rtt_us;
	return (double)q->links[link].min_rtt_us / (double)(least_us + !least_us);
}

static void say_shares(const struct reason *r, unsigned less, unsigned more)
{
	const struct advise_link *left = &r->q->links[less];
	const struct advise_link *taken = &r->q->links[more];
	double far = times_least_delay(r->q, less);

	if (taken->min_rtt_us > left->min_rtt_us)
		SAY(r, "makes more of %s: %.0f %% go by it instead of %.0f %%",
		    taken->name, r->is->share[more] * 100,
		    r->was->share[more] * 100);
	else if (far >= FAR_TIMES)
		SAY(r, "spares %s, whose delay is %.0f times the least: %.0f %% go "
		    "by it instead of %.0f %%", left->name, far,
		    r->is->share[less] * 100, r->was->share[less] * 100);
	else
		SAY(r, "waits for %s rather than use %s: %.0f %% go by that "
		    "instead of %.0f %%", taken->name, left->name,
		    r->is->share[less] * 100, r->was->share[less] * 100);
}

static bool same_schedulers(const struct reason *r)
{
	const struct advise_policy *a = &r->present->policy;
	const struct advise_policy *b = &r->best->policy;

	return a->scheduler[0] == b->scheduler[0] &&
	       a->scheduler[STREAM_BULK] == b->scheduler[STREAM_BULK];
}

/* The same schedulers: it is one of the other two. */
static void say_policy(const struct reason *r)
{
	const struct advise_policy *was = &r->present->policy;
	const struct advise_policy *is = &r->best->policy;

	if (was->order != is->order)
		SAY(r, "order %s: %s", is->order->name, is->order->summary);
	else
		SAY(r, "reinjection %s: %s", reinject_name(is->reinjection),
		    reinject_summary(is->reinjection));
}

static void say_twice(const struct reason *r)
{
	if (r->is->twice > r->was->twice)
		SAY(r, "%.0f %% come twice, and the earlier copy counts",
		    r->is->twice * 100);
	else
		SAY(r, "only %.0f %% come twice instead of %.0f %%: the links are "
		    "free for what is new", r->is->twice * 100,
		    r->was->twice * 100);
}

/* A far link whose frames came too late, and now do not; -1: none. */
static int spared_link(const struct reason *r, enum advise_load load)
{
	for (unsigned i = 0; load == ADVISE_CALL && i < r->q->link_count; i++) {
		double one_way_ms = (double)r->q->links[i].min_rtt_us / 2000;
		if (times_least_delay(r->q, i) >= FAR_TIMES &&
		    r->was->value >= one_way_ms && r->is->value < one_way_ms)
			return (int)i;
	}
	return -1;
}

static void say_better(const struct reason *r, enum advise_load load)
{
	int spared = spared_link(r, load);
	unsigned less = changed_most(r, -1), more = changed_most(r, 1);

	if (isnan(r->was->value))
		SAY(r, "with the present one it is not done in time");
	else if (same_schedulers(r))
		say_policy(r);
	else if (spared >= 0)
		SAY(r, "keeps %s for the download: its delay is %.0f times the "
		    "least", r->q->links[spared].name,
		    times_least_delay(r->q, (unsigned)spared));
	else if (fabs(r->is->twice - r->was->twice) >= TWICE_DIFFERS)
		say_twice(r);
	else if (-change(r, less) >= SHARE_DIFFERS)
		say_shares(r, less, more);
	else if (r->present->policy.order != r->best->policy.order)
		say_policy(r);
	else
		SAY(r, "the links carry the same shares, at better moments");
}

void advise_reason(const struct advise_question *q,
                   struct advise_result *result, enum advise_load load)
{
	unsigned best = result->best[load];
	struct reason r = {
		.q = q, .present = &result->candidates[0],
		.best = &result->candidates[best],
		.was = &result->candidates[0].figure[load],
		.is = &result->candidates[best].figure[load],
		.out = result->why[load],
	};

	if (!best && isnan(r.was->value))
		SAY(&r, "none is done in time");
	else if (!best && q->link_count == 1)
		SAY(&r, "no difference: there is one uplink");
	else if (!best)
		SAY(&r, "no difference: none gains %.0f %%", ADVISE_SAME * 100);
	else
		say_better(&r, load);
}

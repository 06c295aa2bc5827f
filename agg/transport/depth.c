/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see depth.h. Where the sum would overflow it is cut; no input does that
 * on links that exist.
 */
#include "agg/transport/depth.h"

#define SHARE_US 250000u    /* over which a stream's share is measured */
#define FAR 4u             /* so many round trips of another */
#define MINOR 2u           /* others that are near carry so many times as much */
#define QUEUE_PART 4u      /* of a round trip: so long a queue is one */
#define FILL_PERCENT 110u  /* of what is carried in a round trip; */
#define RATE_MAX (UINT64_C(1) << 36) /* bytes/s */
#define TIME_MAX (UINT64_C(1) << 26) /* us: a minute */

/* The path that brings a piece first of all. -1: none does. */
static int home(const struct depth_path *paths, unsigned count)
{
	int best = -1;

	for (unsigned i = 0; i < count; i++)
		if (paths[i].usable &&
		    (best < 0 || paths[i].soonest_us < paths[best].soonest_us))
			best = (int)i;
	return best;
}

/* What a path carries until another one's piece is there. */
static uint64_t until(const struct depth_path *path, uint64_t at_us)
{
	uint64_t rate = path->rate_bps < RATE_MAX ? path->rate_bps : RATE_MAX;
	uint64_t us = at_us > path->soonest_us ? at_us - path->soonest_us : 0;

	return rate * (us < TIME_MAX ? us : TIME_MAX) / 1000000;
}

void depth_of(const struct depth_path *paths, unsigned count, unsigned i,
              uint32_t share, uint64_t most_bytes, struct depth *out)
{
	uint64_t usual_us = paths[i].usual_us, late_us = paths[i].late_us;
	uint64_t least = 0, most = 0;

	*out = (struct depth){ 0 };
	if (home(paths, count) == (int)i)
		return;
	if (late_us < usual_us)
		late_us = usual_us;
	for (unsigned j = 0; j < count; j++) {
		if (j == i || !paths[j].usable || paths[j].soonest_us >= usual_us ||
		    paths[j].path_class > paths[i].path_class)
			continue;
		least += until(&paths[j], usual_us);
		most += until(&paths[j], late_us);
	}
	out->least_bytes = least / DEPTH_WHOLE * share +
	                   least % DEPTH_WHOLE * share / DEPTH_WHOLE;
	out->bytes = most / DEPTH_WHOLE * share + most % DEPTH_WHOLE * share / DEPTH_WHOLE;
	if (out->bytes > most_bytes)
		out->bytes = most_bytes;
	if (out->bytes < out->least_bytes)
		out->bytes = out->least_bytes;
}

bool depth_is_other_closed(const struct depth_path *paths, unsigned count, unsigned i)
{
	for (unsigned j = 0; j < count; j++)
		if (j != i && paths[j].usable && paths[j].closed)
			return true;
	return false;
}

static bool does_another_pause(const struct depth_path *paths, unsigned count,
                              unsigned i)
{
	for (unsigned j = 0; j < count; j++)
		if (j != i && paths[j].usable && paths[j].quiet)
			return true;
	return depth_is_other_closed(paths, count, i);
}

static bool carries(const struct depth_path *path, unsigned percent)
{
	return path->under_way_bytes >= path->slack_bytes +
		path->rate_bps * path->min_rtt_us / 1000000 * percent / 100;
}

bool depth_is_full(const struct depth_path *paths, unsigned count, unsigned i)
{
	const struct depth_path *path = &paths[i];
	uint64_t near_bps = 0;

	if (!path->min_rtt_us || !path->rate_bps || path->rate_bps > RATE_MAX ||
	    path->min_rtt_us > TIME_MAX)
		return false;
	bool carries_enough = carries(path, FILL_PERCENT);
	if (carries_enough && does_another_pause(paths, count, i))
		return true;
	for (unsigned j = 0; j < count; j++)
		if (j != i && paths[j].usable &&
		    paths[j].min_rtt_us < path->min_rtt_us / FAR)
			near_bps += paths[j].rate_bps;
	if (near_bps / MINOR <= path->rate_bps)
		return false;
	if (path->wasteful || (path->most_percent && carries(path, path->most_percent)))
		return true;
	return carries_enough &&
	       path->rtt_us > path->min_rtt_us + path->min_rtt_us / QUEUE_PART;
}

void depth_sent(struct depth_share *s, uint64_t now_us, uint64_t bytes,
                uint64_t all_bytes)
{
	if (!s->since_us) {
		s->since_us = now_us;
		s->all_bytes = all_bytes - bytes;
	}
	s->bytes += bytes;
	uint64_t all = all_bytes - s->all_bytes;
	if (now_us - s->since_us < SHARE_US || !all)
		return;
	uint32_t share = (uint32_t)(s->bytes * DEPTH_WHOLE / all);
	if (share > DEPTH_WHOLE)
		share = DEPTH_WHOLE;
	s->share = s->known ? (s->share + share) / 2 : share;
	s->known = true;
	s->since_us = now_us;
	s->bytes = 0;
	s->all_bytes = all_bytes;
}

uint32_t depth_share(const struct depth_share *s, unsigned streams)
{
	return s->known ? s->share : DEPTH_WHOLE / (streams ? streams : 1);
}

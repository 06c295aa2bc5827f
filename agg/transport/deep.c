/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: deep pull: which bytes of a stream each path would take (depth.h), before
 * a scheduler is asked which path takes its own. A path that would have to
 * take what is behind the end of the queue is left out, and the queue of a
 * stream is let grow to what is asked for. Left out, too, is a far path that is
 * full.
 *
 * Not for interactive streams, and not where all that there is is short: then
 * the scheduler decides alone, as its paper says.
 */
#include "agg/transport/deep.h"

#include "agg/transport/lane.h"
#include "agg/transport/send.h"

#define SHORT_BYTES 65536u  /* all that is left, and no deep pull is worth it */
#define MARGIN_BYTES 262144u
#define BURST_BYTES 14480u
#define RECHECK_US 5000u
#define FILL_PART 2u        /* of what a path holds: then it is as it was of late */
#define WISH_DECAY 256u     /* of what is too much, a part each time */

static bool is_held_back(const struct stream *stream)
{
	return stream->starved && !stream->fin_wanted;
}

static bool is_for(const struct stream *stream)
{
	return stream->session->args.policy.deep && stream->bulk && !stream->again &&
	       (send_unsent(stream) > SHORT_BYTES || is_held_back(stream));
}

/* What was seen of late, as far as there is under way what it comes from. */
static uint64_t as_filled(const struct path *path, uint64_t soonest_us,
                          uint64_t seen_us, uint64_t min_rtt_us)
{
	uint64_t full = path->rate_bps * min_rtt_us / 1000000 / FILL_PART;

	if (seen_us <= soonest_us)
		return soonest_us;
	if (path->under_way_bytes >= full)
		return seen_us;
	return soonest_us + (seen_us - soonest_us) * path->under_way_bytes / full;
}

static void look_at(const struct lane *lane, struct depth_path *out)
{
	const struct path *path = &lane->session->path[lane->hello.path];
	uint64_t soonest = lane_would_take_us(lane, 0);
	uint64_t min_rtt = lane->info.min_rtt_us;

	*out = (struct depth_path){
		.usable = lane_is_good(lane) && !lane_rests(lane) && path->rate_bps,
		.path_class = lane_path_class(lane),
		.soonest_us = soonest,
		.usual_us = as_filled(path, soonest, path->usual_us, min_rtt),
		.late_us = as_filled(path, soonest, path->late_us, min_rtt),
		.rate_bps = path->rate_bps,
		.most_percent = path->most_percent,
		.wasteful = path->wasteful,
		.quiet = lane_is_quiet(lane),
		.closed = lane_closed_us(lane) > 0,
		.rtt_us = path->rtt_us,
		.min_rtt_us = min_rtt,
		.under_way_bytes = path->under_way_bytes,
		.slack_bytes = lane->lowat_bytes + BURST_BYTES,
	};
}

/* What its owner may write on, so that depths are reached. */
static void wish(struct stream *stream, uint64_t bytes)
{
	if (bytes >= stream->wish_bytes)
		stream->wish_bytes = bytes;
	else
		stream->wish_bytes -= (stream->wish_bytes - bytes) / WISH_DECAY;
}

/* The first that a path may take at or behind from; UINT64_MAX: there is none. */
static uint64_t find(struct stream *stream, unsigned path, uint64_t from)
{
	const struct unsent_range *range = unsent_find(&stream->unsent, path, from);
	uint64_t offset = from > range->from ? from : range->from;
	uint64_t end = stream->out.end < stream->peer_max ? stream->out.end
	                                                  : stream->peer_max;

	return offset < end ? offset : UINT64_MAX;
}

static uint64_t place(struct stream *stream, const struct lane *lane,
                      const struct depth *depth)
{
	uint64_t head = send_head(stream), end = stream->out.end;
	unsigned path = lane->hello.path;
	uint64_t at = find(stream, path, head + depth->bytes);

	if (at == UINT64_MAX && head + depth->bytes >= stream->peer_max)
		at = find(stream, path, head + depth->least_bytes);
	if (at != UINT64_MAX || is_held_back(stream))
		return at;
	/* It is the end of all that there is: the scheduler knows whether it
	 * would be there in time. */
	if (end > stream->peer_max)
		end = stream->peer_max;
	return unsent_tail(&stream->unsent, end, lane_piece_bytes(lane));
}

void deep_plan(struct stream *stream, struct lane *const *lanes,
               const struct sched_path *paths, unsigned count, struct deep *out)
{
	struct session *s = stream->session;
	struct depth_path looks[SCHED_PATHS_MAX];
	struct depth depth;
	uint64_t deepest = 0, most = send_unsent_most(stream);

	most -= most / 16; /* so that the queue is deeper */
	*out = (struct deep){ 0 };
	if (count < 2 || !is_for(stream))
		return;
	for (unsigned i = 0; i < count; i++)
		look_at(lanes[i], &looks[i]);
	for (unsigned i = 0; i < count; i++) {
		depth_of(looks, count, i,
		         depth_share(&stream->share, s->ready[STREAM_BULK].len),
		         most, &depth);
		if (depth.bytes > deepest && looks[i].usable)
			deepest = depth.bytes;
		bool full = (depth.bytes || depth_is_other_closed(looks, count, i)) &&
		            depth_is_full(looks, count, i);
		if (!paths[i].room_bytes || (!depth.bytes && !full))
			continue;
		out->from[i] = full ? UINT64_MAX : place(stream, lanes[i], &depth);
		if (out->from[i] == UINT64_MAX) {
			out->left_out |= 1u << i;
			out->from[i] = 0;
		}
		/* No writability will tell when it is no longer. */
		if (full && s->wait_until_us > s->now_us + RECHECK_US)
			s->wait_until_us = s->now_us + RECHECK_US;
	}
	wish(stream, deepest + MARGIN_BYTES);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see path.h. The round-trip time is that of the user with the latest sample,
 * as they share the queue, and the least ever when all are quiet: a smoothed RTT
 * of who is quiet since a download would be that download's queue.
 *
 * A far path (a satellite's) is paced. A congestion control that doubles finds its
 * limit a round trip too late, by a queue of a round trip, or, where that is more than
 * the queue holds, by what is lost there: what must go again by this path, when another
 * dies, would stand behind that, and all behind the loss comes too late. So it starts
 * by less than to double, as soon as it would be missed, and holds no more than
 * that; and with the first queue it is known what the path carries: a little more is
 * tried, and less sent while a queue stands. Where that does not end it, it is not
 * ours, and not paced for a while: nobody who shares the path shall starve us. Nor is
 * one that is not small beside nearer ones, or that loses much without a queue: what
 * was seen of it is not what it carries, and its pace would keep it there.
 */
#include "agg/transport/path.h"

#define RATE_HALF_LIFE_US 10000000u     /* of a quiet path */
#define RATE_HALF_LIFE_BUSY_US 1000000u
#define WASTE_LEAST_US 1000000u /* is judged over so long, */
#define WASTE_RTTS 3u           /* and over so many round trips; */
#define WASTE_TIMES 2u
#define WASTE_PART 3u           /* where more than a part is wasted */
#define WASTE_PART_OF_ALL 14u   /* and more than a part of what all carried */
#define MINOR 12u               /* others carry more than so many times as much */
#define FAR_US 200000u       /* a round trip of so long is far */
#define NEAR_PART 4u         /* of its round trip is one of another that is near */
#define ASIDE 2u             /* near ones carry more than so many times as much */
#define QUEUE_PART 12u       /* of a round trip, and a queue stands */
#define START_PERCENT 140u   /* of its rate, what may carry more is tried with; */
#define START_MINOR_PERCENT 300u /* what is lost of one so small is not missed */
#define FILLED_PERCENT 130u
#define PACE_PERCENT 104u
#define PACE_QUEUED_PERCENT 80u
#define PACE_QUEUED_RTTS 8u
#define PACE_FREE_RTTS 8u    /* without a queue, and it may carry more by now */
#define PACE_LOSS_PPM 10000u /* what loses more may carry more than was seen */
#define LOSS_RTTS 2u         /* after a queue stood, a loss is that one's */
#define PACE_LEAST_BYTES 28960u /* a round trip: two first windows */
#define LATE_DECAY 4096u /* a part of what is too much, each sample */
#define LOSS_OF_BYTES 100000u           /* less sent tells nothing of loss */

/* Linearly, near enough to a half-life at these steps. */
uint64_t path_rate_decayed(uint64_t rate_bps, uint64_t elapsed_us, bool busy)
{
	uint64_t half_us = busy ? RATE_HALF_LIFE_BUSY_US : RATE_HALF_LIFE_US;

	if (elapsed_us > half_us)
		elapsed_us = half_us;
	return rate_bps - rate_bps / 2 * elapsed_us / half_us;
}

void path_begin(struct path *path)
{
	path->rtt_us = UINT64_MAX;
	path->min_rtt_us = 0;
	path->sampled_us = 0;
	path->backlog_bytes = path->under_way_bytes = 0;
	path->sent_before_bytes = path->sent_bytes;
	path->retrans_before_bytes = path->retrans_bytes;
	path->sent_bytes = path->retrans_bytes = path->users_bps = 0;
}

static void add_rtt(struct path *path, const struct path_user *user, uint64_t now_us)
{
	uint64_t least = user->min_rtt_us ? user->min_rtt_us : user->srtt_us;

	if (now_us - user->sampled_us < PATH_RTT_AGE_US) {
		if (user->sampled_us <= path->sampled_us)
			return;
		path->sampled_us = user->sampled_us;
		path->rtt_us = user->srtt_us;
	} else if (!path->sampled_us && least < path->rtt_us) {
		path->rtt_us = least;
	}
}

void path_add(struct path *path, const struct path_user *user, uint64_t now_us)
{
	add_rtt(path, user, now_us);
	if (user->min_rtt_us && (!path->min_rtt_us ||
	                         user->min_rtt_us < path->min_rtt_us))
		path->min_rtt_us = user->min_rtt_us;
	path->backlog_bytes += user->backlog_bytes;
	path->under_way_bytes += user->under_way_bytes;
	path->sent_bytes += user->sent_bytes;
	path->retrans_bytes += user->retrans_bytes;
	path->busy |= user->busy;
	path->users_bps += user->rate_bps;
	if (user->rate_bps > path->rate_bps)
		path->rate_bps = user->rate_bps;
}

/* What was delivered of late, by all of its users, once a window. */
static void note_rate(struct path *path, uint64_t now_us)
{
	uint64_t window = path->rtt_us == UINT64_MAX ? 0 : 2 * path->rtt_us;
	uint64_t elapsed = now_us - path->window_us;

	if (elapsed < PATH_WINDOW_MIN_US || elapsed < window)
		return;
	uint64_t rate = path->acked_bytes * 1000000 / elapsed;
	path->taken_bps = rate;
	path->rate_bps = path_rate_decayed(path->rate_bps, elapsed, path->busy);
	path->busy = false;
	if (rate > path->users_bps) /* it came before, behind a hole */
		rate = path->users_bps;
	if (rate > path->rate_bps)
		path->rate_bps = rate;
	path->acked_bytes = 0;
	path->window_us = now_us;
}

static void note_queue(struct path *path, uint64_t now_us)
{
	if (path->rtt_us <= path->min_rtt_us + path->min_rtt_us / QUEUE_PART) {
		path->queued_us = 0;
		if (now_us - path->full_us > PACE_FREE_RTTS * path->min_rtt_us)
			path->filled = false;
		return;
	}
	path->full_us = now_us;
	if (!path->queued_us) {
		path->queued_us = now_us;
		path->queued_bps = path->rate_bps;
		path->filled = true;
	}
}

/* What is lost in a queue tells nothing: the rest is, without us. */
static bool loses_by_itself(struct path *path, uint64_t now_us)
{
	if (now_us - path->full_us > LOSS_RTTS * path->min_rtt_us &&
	    path->sent_bytes >= path->sent_before_bytes &&
	    path->retrans_bytes >= path->retrans_before_bytes) {
		path->free_sent_bytes += path->sent_bytes - path->sent_before_bytes;
		path->free_retrans_bytes += path->retrans_bytes -
		                            path->retrans_before_bytes;
	}
	return path->free_sent_bytes > LOSS_OF_BYTES &&
	       path->free_retrans_bytes * 1000000 / path->free_sent_bytes >
	       PACE_LOSS_PPM;
}

static bool is_others_queue(const struct path *path, uint64_t now_us)
{
	return path->queued_us &&
	       now_us - path->queued_us > PACE_QUEUED_RTTS * path->min_rtt_us;
}

static void set_pace(struct path *path, uint64_t now_us)
{
	bool loses = loses_by_itself(path, now_us);

	path->pace_bps = 0;
	path->most_percent = 0;
	if (path->min_rtt_us < FAR_US || path->rtt_us >= UINT32_MAX || !path->rate_bps ||
	    loses) {
		path->filled = false;
		return;
	}
	note_queue(path, now_us);
	path->most_percent = path->filled ? FILLED_PERCENT :
	                     path->minor ? START_MINOR_PERCENT : START_PERCENT;
	if (is_others_queue(path, now_us))
		return;
	uint64_t least = PACE_LEAST_BYTES * UINT64_C(1000000) / path->min_rtt_us;
	uint64_t bps = path->queued_us ?
		path->queued_bps * PACE_QUEUED_PERCENT / 100 :
		path->rate_bps * (path->filled ? PACE_PERCENT : path->most_percent) / 100;
	path->pace_bps = bps > least ? bps : least;
}

void path_end(struct path *path, uint64_t now_us)
{
	path->loss_ppm = path->sent_bytes > LOSS_OF_BYTES ?
		(uint32_t)(path->retrans_bytes * 1000000 / path->sent_bytes) : 0;
	note_rate(path, now_us);
	set_pace(path, now_us);
}

void path_sent(struct path *path, uint64_t bytes)
{
	path->backlog_bytes += bytes;
	path->under_way_bytes += bytes;
	path->spent_bytes += bytes;
}

void path_wasted(struct path *path, uint64_t bytes)
{
	path->wasted_bytes += bytes;
}

void path_wasted_not(struct path *path, uint64_t bytes)
{
	path->wasted_bytes -= bytes < path->wasted_bytes ? bytes : path->wasted_bytes;
}

static void judge_anew(struct path *path, uint64_t all_bytes, uint64_t now_us)
{
	path->spent_bytes = path->wasted_bytes = 0;
	path->judged_us = now_us;
	path->all_bytes = all_bytes;
}

static bool wastes(const struct path *path, uint64_t all_bytes)
{
	return path->wasted_bytes > path->spent_bytes / WASTE_PART &&
	       path->wasted_bytes > (all_bytes - path->all_bytes) / WASTE_PART_OF_ALL;
}

/* One burst of losses wastes what stood behind it, and is over: two times in a row,
 * or once more after that, and it rests, as long as it was judged. What goes again
 * meanwhile was sent before: it would judge the path by nothing that it was given. */
void path_judge(struct path *path, uint64_t all_bytes, uint64_t now_us)
{
	uint64_t rtt_us = path->rtt_us < UINT32_MAX ? path->rtt_us : 0;
	uint64_t while_us = WASTE_RTTS * rtt_us;

	if (while_us < WASTE_LEAST_US)
		while_us = WASTE_LEAST_US;
	path->wasteful = now_us < path->rests_until_us;
	if (!path->wasteful && now_us - path->judged_us < while_us)
		return;
	if (!path->wasteful)
		path->wasted_times = wastes(path, all_bytes) ? path->wasted_times + 1 : 0;
	if (path->wasted_times >= WASTE_TIMES) {
		path->rests_until_us = now_us + while_us;
		path->wasted_times = WASTE_TIMES - 1;
	}
	judge_anew(path, all_bytes, now_us);
	path->wasteful = now_us < path->rests_until_us;
}

/* Do those that are much nearer carry so much more that it is not missed? Those that
 * do not answer for a moment, too. */
static bool is_aside(const struct path *paths, unsigned count, unsigned p)
{
	uint64_t near_bps = 0;

	for (unsigned i = 0; i < count; i++)
		if (i != p && paths[i].min_rtt_us &&
		    paths[i].min_rtt_us < paths[p].min_rtt_us / NEAR_PART)
			near_bps += paths[i].rate_bps;
	return near_bps / ASIDE > paths[p].rate_bps;
}

void path_compare(struct path *paths, unsigned count, unsigned usable)
{
	uint64_t all_bps = 0;

	for (unsigned p = 0; p < count; p++)
		if (usable & 1u << p)
			all_bps += paths[p].rate_bps;
	for (unsigned p = 0; p < count; p++) {
		paths[p].minor = usable & 1u << p &&
			paths[p].rate_bps < all_bps / (MINOR + 1);
		if (!is_aside(paths, count, p))
			paths[p].pace_bps = 0;
	}
}

void path_acked(struct path *path, uint64_t bytes)
{
	path->acked_bytes += bytes;
}

/* A peak that is held from one loss to the next: what is lost takes about a round trip
 * longer; what takes much longer is no measure of the next. */
static void note_late(struct path *path, uint64_t took_us)
{
	uint64_t rtt_us = path->rtt_us < UINT32_MAX ? path->rtt_us : 0;
	uint64_t most_us = path->usual_us + rtt_us + rtt_us / 2;

	if (took_us > path->late_us)
		path->late_us = took_us < most_us ? took_us : most_us;
	else
		path->late_us -= (path->late_us - took_us) / LATE_DECAY;
}

void path_took(struct path *path, uint64_t took_us)
{
	uint64_t off = took_us > path->usual_us ? took_us - path->usual_us
	                                        : path->usual_us - took_us;

	if (!path->usual_us) {
		path->usual_us = took_us;
		path->usual_var_us = took_us / 2;
		path->late_us = took_us;
		return;
	}
	path->usual_var_us = (3 * path->usual_var_us + off) / 4;
	path->usual_us = (7 * path->usual_us + took_us) / 8;
	note_late(path, took_us);
}

uint64_t path_would_take_us(const struct path *path, uint32_t len)
{
	uint64_t pipe, us;

	if (!path->rate_bps || path->rtt_us >= UINT32_MAX)
		return path->usual_us ? path->usual_us : path->rtt_us;
	pipe = path->rate_bps * path->rtt_us / 1000000;
	us = path->rtt_us + PATH_ANSWER_US;
	if (path->backlog_bytes > pipe)
		us += (path->backlog_bytes - pipe) * 1000000 / path->rate_bps;
	if (path->usual_us && path->usual_us < us)
		us = path->usual_us;
	return us + len * UINT64_C(1000000) / path->rate_bps;
}

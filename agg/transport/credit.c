/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the peer may send of a stream.
 *
 * Credit is a promise: the memory that a stream's window can cost is taken out of
 * the session's budget before it is granted, and given back when the stream
 * ends. So nobody who keeps to the credit is ever cut for want of memory. The
 * first credit is large where there are few streams and small where there are
 * many, by a rule that both ends know (wire_first_credit); where not even the
 * least is left, the stream is refused before it begins. Of a stream that we open we
 * say it with that: where hardly anything is promised to others and there is memory it
 * is twice as much, as on fast and long paths what starts small stands still for a
 * round trip, and what they carry is not seen.
 *
 * Credit grows, inside the budget, where it is the window that
 * limits: as in Linux's receive buffer (Dynamic Right-Sizing, Fisk and Feng,
 * 2001) when the owner took half of it within two of the longest round trips (or, of
 * the first, an eighth in as much less);
 * and, as a slow path may hold up what a fast one brought long ago, when what
 * arrived is past half of the window while the owner waits for a hole: more
 * must be told before it is needed, and the telling takes a round trip. So
 * a fast stream gets twice the delay-bandwidth product of all paths and what
 * a resend on the slowest takes, and a slow reader stops itself only.
 */
#include "agg/transport/credit.h"

#include "agg/transport/memory.h"
#include "agg/transport/work.h"

#define EPOCH_RTTS 2u
#define EPOCH_PART 2u        /* of a window; the first time: */
#define EPOCH_FIRST_PART 8u
#define EPOCH_MIN_US 20000u
#define WINDOW_SMALL 16384u /* larger ones leave memory for such */
#define WINDOW_LARGE (1u << 20)
#define ALONE_PART 16u       /* of the memory may be promised, and one is alone: */
#define EARLY_PART 4u        /* of what is left is the most that others begin with */
#define GRANT_PART 4u        /* of a window is told at once; */
#define GRANT_LARGE_PART 16u /* of a large one: a slow path takes its far end */

/* Makes the window that large, if the budget has it. */
static bool set_window(struct stream *stream, uint64_t window)
{
	size_t cost = segments_cost(window);

	if (cost > stream->reserved_bytes &&
	    !budget_take(&stream->session->received,
	                 cost - stream->reserved_bytes))
		return false;
	if (cost > stream->reserved_bytes)
		stream->reserved_bytes = cost;
	stream->window_bytes = window;
	return true;
}

/* Who reads no more keeps its window: not all may be taken by large ones. */
static bool may_have_window(const struct session *s, uint64_t window,
                            size_t more)
{
	uint64_t left = window > WINDOW_SMALL ? s->received.max / 16 : 0;

	return memory_may_wait(s, &s->received, more + left);
}

/* The early ones leave something for those that come. */
static bool begin(struct stream *stream, uint64_t window, unsigned part)
{
	const struct session *s = stream->session;

	while (window > WIRE_CREDIT_LEAST &&
	       (segments_cost(window) > budget_left(&s->received) / part ||
	        !may_have_window(s, window, segments_cost(window))))
		window /= 2;
	if (window < WIRE_CREDIT_LEAST)
		window = WIRE_CREDIT_LEAST;
	if (!set_window(stream, window))
		return false;
	stream->granted_max = window;
	return true;
}

bool credit_init(struct stream *stream, uint64_t most)
{
	const struct session *s = stream->session;

	return begin(stream, wire_first_credit(most, s->open_count - 1), EARLY_PART);
}

bool credit_init_ours(struct stream *stream)
{
	const struct session *s = stream->session;

	if (s->received.used <= s->received.max / ALONE_PART)
		return begin(stream, CREDIT_ALONE(s->args.memory_max), 1);
	return credit_init(stream, CREDIT_OURS(s->args.memory_max));
}

void credit_finish(struct stream *stream)
{
	budget_give(&stream->session->received, stream->reserved_bytes);
	stream->reserved_bytes = 0;
}

bool credit_reach(struct stream *stream, uint64_t bytes)
{
	return bytes <= stream->window_bytes || set_window(stream, bytes);
}

static bool grow_window(struct stream *stream, unsigned times)
{
	const struct session *s = stream->session;
	uint64_t window = times * stream->window_bytes;
	size_t cost = segments_cost(window);

	return (cost <= stream->reserved_bytes ||
	        may_have_window(s, window, cost - stream->reserved_bytes)) &&
	       set_window(stream, window);
}

/* The owner took something. What comes first says how fast it comes long before half
 * of the window has: it is looked at sooner. */
static void grow_by_rate(struct stream *stream)
{
	const struct session *s = stream->session;
	uint64_t rtt_us = s->longest_rtt_us > EPOCH_MIN_US ? s->longest_rtt_us
	                                                   : EPOCH_MIN_US;
	unsigned part = stream->judged ? EPOCH_PART : EPOCH_FIRST_PART;
	uint64_t good_us = EPOCH_RTTS * EPOCH_PART * rtt_us / part;
	uint64_t took_us = s->now_us - stream->epoch_us;
	bool begins = !stream->epoch_us;

	if (!begins &&
	    stream->in_offset - stream->epoch_offset < stream->window_bytes / part)
		return;
	/* At twice as fast, or more, it is doubled twice at once. */
	if (!begins && (took_us >= good_us / 2 || !grow_window(stream, 4)))
		if (took_us < good_us)
			grow_window(stream, 2);
	stream->judged = !begins;
	stream->epoch_us = s->now_us;
	stream->epoch_offset = stream->in_offset;
}

/* Tells the peer of more when it is a good part of the window; and at once where
 * it was told nothing yet and may count upon less than we think it does. */
static void grant(struct stream *stream)
{
	uint64_t window = stream->window_bytes;
	uint64_t max = stream->in_offset + window;
	uint64_t good = window / (window < WINDOW_LARGE ? GRANT_PART
	                                                : GRANT_LARGE_PART);
	bool unsure = !stream->session->args.opens && !stream->was_granted &&
	              stream->highest >= WIRE_CREDIT_LEAST / 2;

	if (stream->fin_offset != UINT64_MAX || max < stream->granted_max)
		return;
	if (max - stream->granted_max < good && !unsure)
		return;
	stream->granted_max = max;
	stream->was_granted = true;
	work_todo(stream, TODO_CREDIT);
}

void credit_taken(struct stream *stream)
{
	if (stream->fin_offset == UINT64_MAX)
		grow_by_rate(stream);
	grant(stream);
}

static bool waits_for_hole(const struct stream *stream)
{
	return stream->segments.bytes &&
	       !segments_has(&stream->segments, stream->in_offset);
}

void credit_hole(struct stream *stream)
{
	uint64_t granted = stream->granted_max > stream->highest ?
		stream->granted_max - stream->highest : 0;

	if (granted <= stream->window_bytes / 2 && waits_for_hole(stream))
		grow_window(stream, 2);
	grant(stream);
}

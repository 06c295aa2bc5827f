/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session may hold, and for what. Its budget (session_args.memory_max)
 * has three uses, each with a limit of its own: `received` is what the credit that
 * was granted can cost; `sent` is what was written and is not acknowledged; `sealed`
 * is what waits in subflows for the kernel. Streams and lanes themselves count, too.
 *
 * The limits of the uses are more in sum than the budget, as seldom both directions
 * are full. So that there is always room to open a stream, what can wait (a window
 * that would grow, bytes that would be written) leaves what the streams that
 * are not open yet need at least.
 */
#include "agg/transport/memory.h"

#define ROOM_MAX(memory) ((memory) / 3) /* left for streams, at most */
#define SPARE(memory) ((memory) / 32)   /* for what lanes must remember */
/* What was sent is kept until the peer's session acknowledges it, later than its
 * kernel: between these, as the paths are (and `sent` allows). */
#define RETAIN_MIN (8u << 20)
#define RETAIN_MAX (48u << 20)
#define OPENING_BYTES 512u /* what is remembered of an OPEN and a first piece */

void memory_init(struct session *s)
{
	budget_init(&s->memory, 0, s->args.memory);
	budget_init(&s->received, 0, &s->memory);
	budget_init(&s->sent, 0, &s->memory);
	budget_init(&s->sealed, 0, &s->memory);
}

void memory_set(struct session *s, size_t bytes)
{
	s->args.memory_max = bytes;
	s->memory.max = bytes;
	s->received.max = bytes / 4 * 3;
	s->sent.max = bytes / 4 * 3;
	s->sealed.max = bytes / 4;
	s->settings.stream_credit = (uint32_t)CREDIT_ACCEPTED(bytes);
	if (s->settings.stream_credit > s->announced)
		s->announced = s->settings.stream_credit;
}

static uint64_t room_for_streams(const struct session *s)
{
	uint64_t least = segments_cost(WIRE_CREDIT_LEAST) + STREAM_BYTES +
	                 OPENING_BYTES;
	uint64_t open = s->open_count < WIRE_STREAMS_MAX ? s->open_count
	                                                 : WIRE_STREAMS_MAX;
	uint64_t room = (WIRE_STREAMS_MAX - open) * least + SPARE(s->memory.max);

	return room < ROOM_MAX(s->memory.max) ? room : ROOM_MAX(s->memory.max);
}

bool memory_may_wait(const struct session *s, const struct budget *use,
                     uint64_t bytes)
{
	return bytes <= budget_left(use) &&
	       bytes + room_for_streams(s) <= budget_left(&s->memory);
}

uint64_t memory_retain_max(const struct session *s)
{
	uint64_t under_way = 0;

	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		const struct path *path = &s->path[p];
		uint64_t us = path->usual_us > path->rtt_us ? path->usual_us
		                                            : path->rtt_us;
		if (path->rtt_us != UINT64_MAX)
			under_way += path->rate_bps * us / 1000000;
	}
	if (under_way < RETAIN_MIN / 2)
		return RETAIN_MIN;
	return under_way < RETAIN_MAX / 2 ? 2 * under_way : RETAIN_MAX;
}

struct budget *session_sealed(struct session *s)
{
	return &s->sealed;
}

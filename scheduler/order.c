/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the orders of streams: first come first served, in turn, by class, and
 * SRPT (Schrage, "A proof of the optimality of the shortest remaining
 * processing time discipline", Operations Research 16, 1968), which for
 * unknown sizes becomes least attained service (Nuyens, Wierman, "The
 * foreground-background queue: a survey", 2008).
 */
#include "scheduler/order.h"

#include "scheduler/scheduler.h"

#include <string.h>

uint64_t order_left(uint64_t remaining_bytes, uint64_t sent_bytes,
                    uint64_t pending_bytes)
{
	if (remaining_bytes != SCHED_UNKNOWN)
		return remaining_bytes;
	return sent_bytes > pending_bytes ? sent_bytes : pending_bytes;
}

static uint64_t by_burst(const struct order_stream *stream)
{
	return stream->burst;
}

static uint64_t all_equal(const struct order_stream *stream)
{
	return 0;
}

static uint64_t by_class(const struct order_stream *stream)
{
	return stream->bulk;
}

static uint64_t by_left(const struct order_stream *stream)
{
	return order_left(stream->remaining_bytes, stream->sent_bytes,
	                  stream->pending_bytes);
}

static const struct order_ops fifo = {
	.name = "fifo", .key = by_burst,
	.summary = "the stream that came first, until it is done",
};
static const struct order_ops roundrobin = {
	.name = "roundrobin", .key = all_equal, .in_turn = true,
	.summary = "the streams in turn, a piece each",
};
static const struct order_ops priority = {
	.name = "priority", .key = by_class, .in_turn = true,
	.bulk_yields = true,
	.summary = "interactive streams first, each class in turn",
};
static const struct order_ops srpt = {
	.name = "srpt", .key = by_left, .bulk_yields = true,
	.summary = "the stream with the least left to send",
};

const struct order_ops *const order_all[] = {
	&roundrobin, &fifo, &priority, &srpt,
};
const size_t order_count = sizeof(order_all) / sizeof(order_all[0]);

const struct order_ops *order_find(const char *name)
{
	for (size_t i = 0; i < order_count; i++)
		if (!strcmp(order_all[i]->name, name))
			return order_all[i];
	return NULL;
}

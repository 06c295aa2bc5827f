/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the order of streams: which stream's next piece is offered to the
 * scheduler first. A policy of its own beside the scheduler, and as pure: a
 * number from numbers. The driver offers the stream of the least key first;
 * of equal keys, the one whose last turn is longest ago. A stream that the
 * scheduler makes wait is passed over, and the next one is offered.
 */
#ifndef SCHEDULER_ORDER_H
#define SCHEDULER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stream that has something to send. */
struct order_stream {
	uint64_t burst;           /* serial number of its burst: who came first */
	bool bulk;                /* its class */
	uint64_t sent_bytes;      /* of the burst so far */
	uint64_t pending_bytes;   /* waiting here now */
	uint64_t remaining_bytes; /* until its end; SCHED_UNKNOWN */
};

struct order_ops {
	const char *name;
	const char *summary; /* one line, for status and help */
	uint64_t (*key)(const struct order_stream *stream);
	bool in_turn; /* streams of a class take turns, a piece each */
	/* Interactive streams come before bulk on all subflows, also on those
	 * of bulk, which keeps a share; else each class has its own. */
	bool bulk_yields;
};

extern const struct order_ops *const order_all[];
extern const size_t order_count;
const struct order_ops *order_find(const char *name); /* NULL: no such */

/* What is thought to be left of a stream: the rest where its end is known,
 * else as much as was sent already (of sizes with a heavy tail the expected
 * rest grows with the age; least attained service), but what waits at least. */
uint64_t order_left(uint64_t remaining_bytes, uint64_t sent_bytes,
                    uint64_t pending_bytes);

#endif

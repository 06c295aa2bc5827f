/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator's end of a speed test: a stream to a name that nobody can
 * have (RFC 6761: .invalid) is not dialled; down, zeros are sent for as long as it
 * is open; up, what comes is dropped. Of a site one at a time, for a bounded time
 * each and in all, so that nobody makes the concentrator send for ever.
 */
#ifndef AGG_ROLE_TESTBYTES_H
#define AGG_ROLE_TESTBYTES_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"

#include <stdbool.h>

#define TESTBYTES_DOWN "down.speedtest.invalid"
#define TESTBYTES_UP "up.speedtest.invalid"
#define TESTBYTES_US_MAX 10000000u   /* of one */
#define TESTBYTES_ALL_US_MAX 200000000u /* of all in ... */
#define TESTBYTES_WINDOW_US 600000000u

/* Of a site; all 0 at first. */
struct testbytes {
	struct loop *loop;         /* borrowed */
	struct loop_timer *end;    /* of the one that is open */
	struct loop_task accept;
	struct stream *stream;     /* borrowed; NULL: none is open */
	bool down;
	uint64_t since_us;         /* it is open */
	uint64_t window_us, used_us; /* the window's begin, and what was used in it */
};

bool testbytes_are_asked(const struct dest *dest);
/* As outlet_take(), which it is done in place of. */
enum stream_end testbytes_take(struct testbytes *t, struct loop *loop,
                               struct stream *s, const struct dest *dest,
                               const struct stream_events **events,
                               void **stream_ctx);
/* After its stream was closed. */
void testbytes_finish(struct testbytes *t);

#endif

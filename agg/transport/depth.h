/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how deep in a stream a path takes its bytes, so that they arrive when the
 * reader comes to them: as many bytes on as the faster paths bring of this
 * stream during the difference of the arrival times (STMS: Shi et al.,
 * "STMS: Improving MPTCP Throughput Under Heterogeneous Networks", USENIX ATC
 * 2018). Pure: numbers in, numbers out.
 *
 * Two clocks tell how long a path takes. A queue that has gone is still in what
 * was seen of late; so who is faster than another is told by what would be
 * true now, and only how late a path is itself by what was seen, while
 * something is under way there.
 */
#ifndef AGG_TRANSPORT_DEPTH_H
#define AGG_TRANSPORT_DEPTH_H

#include <stdbool.h>
#include <stdint.h>

#define DEPTH_WHOLE 65536u   /* of a share */

/* From sending a piece on a path until its acknowledgement. */
struct depth_path {
	bool usable;             /* carries something new */
	uint8_t path_class;      /* enum sched_path_class */
	uint64_t soonest_us;     /* now, by what stands before it */
	uint64_t usual_us;       /* as seen of late; soonest where nothing is there */
	uint64_t late_us;        /* the latest, seen of late */
	uint64_t rate_bps;
	uint64_t rtt_us, min_rtt_us; /* 0: not known */
	uint64_t under_way_bytes;    /* in the path, or given to who sends there */
	uint64_t slack_bytes;        /* of them so many as only wait to be sent */
	unsigned most_percent;       /* see path.h */
	bool wasteful;               /* much of what it brings comes too late */
	bool closed;             /* its window is, for a moment: see lane.c */
	bool quiet;              /* nothing is acknowledged of late: it may be gone */
};

struct depth {
	uint64_t least_bytes;    /* if all goes as usual */
	uint64_t bytes;          /* and if this piece comes late */
};

/* Of path i, for a stream that gets a share (of DEPTH_WHOLE) of what the paths
 * carry. 0: it is the fastest, or nothing is known. At most most_bytes, or
 * least_bytes if that is more. */
void depth_of(const struct depth_path *paths, unsigned count, unsigned i,
              uint32_t share, uint64_t most_bytes, struct depth *out);

/* Is path i far, and minor beside those that are not, and wasteful, or has it a
 * queue, and holds what it carries in a round trip, or holds the most that it may?
 * More would only stand in the queue, or be lost there. Of paths that are not far or
 * not minor the congestion control knows better. While another path is quiet, or closed,
 * any that holds as much is full: what that one has may have to go this way, and not
 * behind what nobody waits for. */
bool depth_is_full(const struct depth_path *paths, unsigned count, unsigned i);

/* Then who is the first of all for that moment may be full as well: all that the
 * other does not take would stand in its queue, or be lost there. */
bool depth_is_other_closed(const struct depth_path *paths, unsigned count, unsigned i);

/* What of all that a session sends is this stream's, of late. Zeroed memory is a
 * stream that just began. */
struct depth_share {
	uint64_t since_us, bytes, all_bytes; /* an interval; all at its begin */
	uint32_t share;
	bool known;
};

/* all_bytes: what the session has sent, ever, this too. */
void depth_sent(struct depth_share *s, uint64_t now_us, uint64_t bytes,
                uint64_t all_bytes);
/* While it is not known: one of so many streams that have something to send. */
uint32_t depth_share(const struct depth_share *s, unsigned streams);

#endif

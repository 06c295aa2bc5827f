/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which bytes of a stream a path would take.
 */
#ifndef AGG_TRANSPORT_DEEP_H
#define AGG_TRANSPORT_DEEP_H

#include "agg/transport/session_impl.h"

struct deep {
	uint64_t from[SCHED_PATHS_MAX]; /* each path takes at or behind that; 0:
	                                 * from the head */
	uint32_t left_out;              /* those for which there is nothing */
};

/* For a stream's next piece, with a lane and a view of each path. */
void deep_plan(struct stream *stream, struct lane *const *lanes,
               const struct sched_path *paths, unsigned count, struct deep *out);

#endif

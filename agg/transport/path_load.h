/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the session tells of a path to who shares it with the streams: the packet
 * tunnel, which knows no session.
 */
#ifndef AGG_TRANSPORT_PATH_LOAD_H
#define AGG_TRANSPORT_PATH_LOAD_H

#include <stdint.h>

/* Zeroed: nothing. */
struct path_load {
	uint64_t taken_bps; /* by the streams, bytes/s */
	uint64_t rate_bps;  /* what they found that it carries; 0: not known */
	unsigned streams;   /* that are busy, on whatever path; one at least, if they take */
};

#endif

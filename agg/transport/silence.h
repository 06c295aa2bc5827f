/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the longest time of late in which a reader got nothing, as a hole was
 * before what had come, and which path was late. Pure. Zeroed: none yet.
 */
#ifndef AGG_TRANSPORT_SILENCE_H
#define AGG_TRANSPORT_SILENCE_H

#include <stdint.h>

#define SILENCE_PARTS 5u           /* of the last minute, and up to a part more */
#define SILENCE_PART_US 15000000u

struct silence_one {
	uint64_t part;     /* which one of the clock's; 0: never */
	uint64_t us;       /* how long; 0: none */
	uint64_t offset;   /* the first byte that came then */
	uint32_t stream;
	uint8_t path;      /* that brought it; or that brought it later still, or is
	                    * dead, where another had to send it again */
};

struct silence {
	struct silence_one parts[SILENCE_PARTS];
};

/* It ended now: path brought what was missing, or should have. */
void silence_note(struct silence *s, uint64_t now_us, uint64_t us, uint32_t stream,
                  uint64_t offset, unsigned path);
/* A path brought [offset, end) of a stream, that was there already. */
void silence_late(struct silence *s, uint32_t stream, uint64_t offset, uint64_t end,
                  unsigned path);
/* Of the last minute; us 0: there was none. */
struct silence_one silence_longest(const struct silence *s, uint64_t now_us);

#endif

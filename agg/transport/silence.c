/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see silence.h. Of each part of a minute the longest is kept.
 */
#include "agg/transport/silence.h"

static uint64_t part_of(uint64_t now_us)
{
	return now_us / SILENCE_PART_US + SILENCE_PARTS; /* never 0 */
}

void silence_note(struct silence *s, uint64_t now_us, uint64_t us, uint32_t stream,
                  uint64_t offset, unsigned path)
{
	uint64_t part = part_of(now_us);
	struct silence_one *one = &s->parts[part % SILENCE_PARTS];

	if (one->part == part && one->us >= us)
		return;
	*one = (struct silence_one){ part, us, offset, stream, (uint8_t)path };
}

void silence_late(struct silence *s, uint32_t stream, uint64_t offset, uint64_t end,
                  unsigned path)
{
	for (unsigned i = 0; i < SILENCE_PARTS; i++) {
		struct silence_one *one = &s->parts[i];
		if (one->us && one->stream == stream && offset <= one->offset &&
		    one->offset < end)
			one->path = (uint8_t)path;
	}
}

struct silence_one silence_longest(const struct silence *s, uint64_t now_us)
{
	struct silence_one longest = { 0 };
	uint64_t part = part_of(now_us);

	for (unsigned i = 0; i < SILENCE_PARTS; i++)
		if (s->parts[i].part + SILENCE_PARTS > part &&
		    s->parts[i].us > longest.us)
			longest = s->parts[i];
	return longest;
}

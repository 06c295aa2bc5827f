/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see backoff.h.
 */
#include "agg/base/backoff.h"

uint64_t backoff_us(uint64_t first_us, unsigned failures, uint64_t most_us)
{
	uint64_t pause_us = first_us;

	for (unsigned i = 1; i < failures && pause_us < most_us; i++)
		pause_us *= 2;
	return pause_us < most_us ? pause_us : most_us;
}

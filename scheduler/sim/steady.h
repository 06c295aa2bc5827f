/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how steadily bytes come to a reader: the mean hides a second in which
 * none did. Zeroed memory, until steady_begin(), counts nothing.
 */
#ifndef SCHEDULER_SIM_STEADY_H
#define SCHEDULER_SIM_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#define STEADY_HALF_US 500000u

struct steady {
	bool on;
	uint64_t last_us, longest_us;      /* silence; of it, the longest */
	uint64_t half_us, half_bytes;      /* begin of this half second, bytes */
	uint64_t worst_bytes;              /* of a whole half second; UINT64_MAX:
	                                    * there was none */
};

void steady_begin(struct steady *s, uint64_t now_us);
void steady_read(struct steady *s, uint64_t now_us, uint64_t bytes);
/* What is silent now counts; nothing later does. */
void steady_end(struct steady *s, uint64_t now_us);

#endif

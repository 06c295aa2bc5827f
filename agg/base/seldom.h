/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a line that others can cause at will is said once, and again only after
 * a while. Pure.
 */
#ifndef AGG_BASE_SELDOM_H
#define AGG_BASE_SELDOM_H

#include <stdbool.h>
#include <stdint.h>

/* May it be said now? Then *last_us, 0 at first, is now_us. */
static inline bool seldom(uint64_t *last_us, uint64_t now_us, uint64_t every_us)
{
	if (*last_us && now_us - *last_us < every_us)
		return false;
	*last_us = now_us;
	return true;
}

#endif

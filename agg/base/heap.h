/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what C does not say of its heap; a file for each library.
 */
#ifndef AGG_BASE_HEAP_H
#define AGG_BASE_HEAP_H

#include "agg/base/budget.h"

#define HEAP_FALL_BYTES (1u << 20) /* less is not worth the work */

/* Before threads: freed memory shall go back to the system by itself. */
void heap_init(void);
/* Gives free memory back to the system, where the library can be asked to. */
void heap_trim(void);

/* The same, where much of what was used of the budget is not any more. */
static inline void heap_trim_fallen(struct budget *b)
{
	if (budget_fell(b, HEAP_FALL_BYTES))
		heap_trim();
}

#endif

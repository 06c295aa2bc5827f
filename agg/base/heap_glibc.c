/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: glibc keeps what was freed below something that is in use; malloc_trim(3)
 * gives whole pages of it back. Its thresholds grow with what is freed, so that a
 * busy hour would keep what it had: here they are fixed (mallopt(3)).
 */
#include "agg/base/heap.h"

#include <malloc.h>

#define TRIM_BYTES (2 << 20)   /* free at the top: given back */
#define MMAP_BYTES (128 << 10) /* pieces from there on come and go by themselves */
#define PAD_BYTES (256 << 10)  /* asked for at once */

void heap_init(void)
{
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	mallopt(M_TOP_PAD, PAD_BYTES);
}

void heap_trim(void)
{
	malloc_trim(0);
}

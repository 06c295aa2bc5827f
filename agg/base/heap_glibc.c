/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: glibc keeps what was freed below something that is in use; malloc_trim(3)
 * gives whole pages of it back.
 */
#include "agg/base/heap.h"

#include <malloc.h>

void heap_trim(void)
{
	malloc_trim(0);
}

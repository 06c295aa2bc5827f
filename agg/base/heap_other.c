/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a library that cannot be asked: musl gives back what it can by itself.
 */
#include "agg/base/heap.h"

void heap_init(void)
{
}

void heap_trim(void)
{
}

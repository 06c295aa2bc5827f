/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session may hold, and for what.
 */
#ifndef AGG_TRANSPORT_MEMORY_H
#define AGG_TRANSPORT_MEMORY_H

#include "agg/transport/session_impl.h"

/* With its places among those that have bytes, of which half may be empty. */
#define STREAM_BYTES (sizeof(struct stream) + BUDGET_MALLOC_BYTES + \
	2 * STREAM_CLASS_COUNT * sizeof(struct stream *))

void memory_init(struct session *s);
void memory_set(struct session *s, size_t bytes);
/* How much of `sent` is of use: twice what is under way on the paths. */
uint64_t memory_retain_max(const struct session *s);
/* Whether so much may be taken for what could wait. */
bool memory_may_wait(const struct session *s, const struct budget *use,
                     uint64_t bytes);

#endif

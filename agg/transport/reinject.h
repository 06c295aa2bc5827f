/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is sent again though it may arrive.
 */
#ifndef AGG_TRANSPORT_REINJECT_H
#define AGG_TRANSPORT_REINJECT_H

#include "agg/transport/session_impl.h"

bool reinject_collect(struct session *s); /* something waits to be sent again */
/* What the stream would double next is not, for now. */
void reinject_withdraw(struct stream *stream);
/* By when another path would have it there; UINT64_MAX: there is none. yields:
 * only what others leave. */
uint64_t reinject_elsewhere_us(const struct session *s, const struct piece *piece,
                               bool yields);
uint64_t reinject_deadline(const struct lane *lane);

#endif

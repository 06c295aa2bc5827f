/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what paths may carry of which nobody knows, found out before a long flow is laid on
 * another for good: a train of full-size probes (tunnel_rate.h), 15 KB of them, 60 more
 * where those tell little.
 */
#ifndef AGG_TRANSPORT_TUNNEL_TRAIN_H
#define AGG_TRANSPORT_TUNNEL_TRAIN_H

#include "agg/transport/tunnel_impl.h"

void tunnel_train_turn(struct tunnel *t);
uint64_t tunnel_train_deadline(const struct tunnel *t);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what goes out of the tunnel now, and where.
 */
#ifndef AGG_TRANSPORT_TUNNEL_OUT_H
#define AGG_TRANSPORT_TUNNEL_OUT_H

#include "agg/transport/tunnel_impl.h"

/* As tunnel_put(). */
void tunnel_out_put(struct tunnel *t, struct packet *p);
/* One of its packets was dropped, as too many wait. */
void tunnel_out_dropped(struct flow *f);
/* The flow is forgotten. */
void tunnel_out_gone(struct tunnel *t, struct flow *f);
/* When more of what waits may go. */
uint64_t tunnel_out_deadline(const struct tunnel *t);
/* What may go, goes. */
void tunnel_out_turn(struct tunnel *t);

#endif

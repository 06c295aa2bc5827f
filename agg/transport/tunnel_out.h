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
/* What may go, goes. */
void tunnel_out_turn(struct tunnel *t);

#endif

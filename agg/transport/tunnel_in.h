/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what arrives in the tunnel: opened, understood, taken to where it belongs.
 */
#ifndef AGG_TRANSPORT_TUNNEL_IN_H
#define AGG_TRANSPORT_TUNNEL_IN_H

#include "agg/transport/tunnel_impl.h"

/* What puts flows in order (t->merge). NULL: -ENOMEM. */
struct merge *tunnel_in_merge(struct tunnel *t);
/* As tunnel_input(). */
void tunnel_in(struct tunnel *t, const struct tunnel_came *came, uint8_t *p, size_t n);
/* The plaintext of one that the session carried. */
void tunnel_in_carried(struct tunnel *t, const uint8_t *p, size_t n);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how long datagrams may be on each path (tunnel_fit.h), found out by probes with
 * padding, and so how long inner packets are.
 */
#ifndef AGG_TRANSPORT_TUNNEL_MTU_H
#define AGG_TRANSPORT_TUNNEL_MTU_H

#include "agg/transport/tunnel_impl.h"

#define TUNNEL_MTU_MIN 1280u           /* of IPv6: less is never announced */
#define TUNNEL_MTU_GROWS_US 60000000u  /* not before that */

void tunnel_mtu_turn(struct tunnel *t);
uint64_t tunnel_mtu_deadline(const struct tunnel *t);
/* Another way: nothing is known of it. */
void tunnel_mtu_reset(struct tunnel *t, unsigned path, sa_family_t family);
/* An echo came, of a probe of ours, perhaps of these. */
void tunnel_mtu_echoed(struct tunnel *t, unsigned path, uint64_t nonce);
/* Bytes of a datagram that pass. */
size_t tunnel_mtu_room(const struct tunnel *t, unsigned path);

#endif

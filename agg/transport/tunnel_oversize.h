/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets of our side that are longer than the tunnel takes (tunnel_mtu()): cut, where
 * they may be (IPv4 without DF), else their sender is told how long they may be.
 *
 * The answer is from the address that the packet was for: where it comes out of the
 * device, no other one passes every check of source addresses.
 */
#ifndef AGG_TRANSPORT_TUNNEL_OVERSIZE_H
#define AGG_TRANSPORT_TUNNEL_OVERSIZE_H

#include "agg/transport/tunnel_impl.h"

/* Takes the packet, which inspect_packet() took. */
void tunnel_oversize(struct tunnel *t, struct packet *p, const struct inspection *in);

#endif

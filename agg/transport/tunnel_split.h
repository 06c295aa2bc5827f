/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inner packets that are longer than a path's datagrams: each goes as two halves, on
 * one path. So nobody need be told less than IPv6 demands (1280), and a packet that was
 * cut for one path goes by another.
 */
#ifndef AGG_TRANSPORT_TUNNEL_SPLIT_H
#define AGG_TRANSPORT_TUNNEL_SPLIT_H

#include "agg/transport/tunnel_impl.h"

/* As tunnel_send(), of a packet, whole if it fits. */
int tunnel_split_send(struct tunnel *t, unsigned path, struct datagram *d,
                      const struct packet *packet, uint64_t *counter);
/* A half came. The packet, when it is whole, the caller's then; else NULL. */
struct packet *tunnel_split_join(struct tunnel *t, unsigned path, const struct datagram *d);
void tunnel_split_finish(struct tunnel *t);

#endif

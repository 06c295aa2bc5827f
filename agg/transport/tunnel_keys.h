/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the keys of a tunnel: those that we announced and open with, the newest first,
 * and the one that the peer gave us last, with which we seal.
 *
 * A path's counters go on rising from one epoch to the next, so that what is told of
 * them (feedback) needs to know nothing of epochs.
 */
#ifndef AGG_TRANSPORT_TUNNEL_KEYS_H
#define AGG_TRANSPORT_TUNNEL_KEYS_H

#include "agg/transport/tunnel_impl.h"

/* Announces a key where one is due, and forgets those that are over. */
void tunnel_keys_turn(struct tunnel *t);
uint64_t tunnel_keys_deadline(const struct tunnel *t);
/* The peer's. 0 or -errno, see tunnel_frame(). */
int tunnel_keys_take(struct tunnel *t, const struct wire_tunnel_key *key);
/* Ours, by its index; NULL: none. */
struct tunnel_epoch *tunnel_keys_find(struct tunnel *t, uint32_t index);
/* Something genuine came with it. */
void tunnel_keys_used(struct tunnel *t, struct tunnel_epoch *epoch);
void tunnel_keys_finish(struct tunnel *t);

#endif

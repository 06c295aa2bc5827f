/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether a path can be used: something that we sent on it was answered, and what
 * was sent since is not left unanswered. An answer is a probe's echo, or feedback about
 * what we sent there; that the peer is heard says nothing of the other direction.
 *
 * Both ends ask where they have sent and hear no answer; the gateway also a path that is
 * not usable (yet), and one that is idle, so that NATs remember it. Which address the
 * concentrator sends to is here, too (RFC 9000, 9.3): the peer's last, when its datagram
 * was genuine and its counter the highest so far; so a copy of it wins nothing.
 */
#ifndef AGG_TRANSPORT_TUNNEL_PROBE_H
#define AGG_TRANSPORT_TUNNEL_PROBE_H

#include "agg/transport/tunnel_impl.h"

#define PROBE_UNANSWERED_MAX 3u     /* then the path is dead */
#define PROBE_ASK_US 100000u        /* unanswered so long at least, or 2 srtt: ask */
#define PROBE_FIRST_US 200000u      /* again, where no round trip is known */
#define PROBE_RETRY_MIN_US 100000u  /* and at least, where it is */
#define PROBE_RETRY_MAX_US 500000u  /* at most; and where nothing came for long, each */
#define PROBE_DEAD_PART 120u        /* time that is such a part of that, up to */
#define PROBE_RETRY_DEAD_US 60000000u
#define PROBE_IDLE_US 15000000u     /* NATs forget after 30 s, some after 20 */
#define PROBE_REVIVE_US 2000000u    /* dead so long: on_dead(), then in growing */
#define PROBE_REVIVE_MAX_US 60000000u /* intervals */

/* Sends what is due. */
void tunnel_probe_turn(struct tunnel *t);
uint64_t tunnel_probe_deadline(const struct tunnel *t);
/* What came: a probe, to be echoed; an echo, and when; an answer of another kind. */
void tunnel_probe_asked(struct tunnel *t, unsigned path, uint64_t nonce);
void tunnel_probe_echoed(struct tunnel *t, unsigned path, uint64_t nonce, uint64_t at_us);
void tunnel_probe_answered(struct tunnel *t, unsigned path);
/* A genuine datagram came from there. ends as in tunnel_input(). */
void tunnel_probe_heard(struct tunnel *t, unsigned path, const struct tunnel_ends *ends,
                        bool is_highest, size_t n);
/* What was known is no longer true. */
void tunnel_probe_reset(struct tunnel *t, unsigned path);
/* Packets may go there. */
bool tunnel_probe_is_usable(const struct tunnel *t, unsigned path);

#endif

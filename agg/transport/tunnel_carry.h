/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets where UDP does not pass: in frames of the session (DATAGRAM), as the last
 * resort. They hold up each other as TCP does, and so does the stream that they are in: so
 * it begins only when no path has worked for a second, and ends with the first that does;
 * the paths are probed all the time.
 */
#ifndef AGG_TRANSPORT_TUNNEL_CARRY_H
#define AGG_TRANSPORT_TUNNEL_CARRY_H

#include "agg/transport/tunnel_impl.h"

#define CARRY_AFTER_US 1000000u /* no path is usable for so long */
#define CARRY_RETRY_US 2000u    /* when the session would not take more */

bool tunnel_carry_has_path(const struct tunnel *t);
void tunnel_carry_turn(struct tunnel *t);
uint64_t tunnel_carry_deadline(const struct tunnel *t);

#endif

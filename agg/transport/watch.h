/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether a lane works.
 */
#ifndef AGG_TRANSPORT_WATCH_H
#define AGG_TRANSPORT_WATCH_H

#include "agg/transport/session_impl.h"

void watch_lane(struct lane *lane);        /* suspicion, pings; may free it */
void watch_peer(struct session *s);        /* whether it answers at all */
void watch_progress(struct lane *lane);    /* TCP saw some */
void watch_heard(struct lane *lane);       /* a frame came on it */
uint64_t watch_deadline(const struct lane *lane);

#endif

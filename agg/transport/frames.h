/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: frames in.
 */
#ifndef AGG_TRANSPORT_FRAMES_H
#define AGG_TRANSPORT_FRAMES_H

#include "agg/transport/session_impl.h"

/* Takes whole frames, but no more OPEN than that; used: how many bytes. 0, or the
 * session ends, and *why: -EPROTO (the peer is wrong, and is told so), -ECONNRESET
 * (it said so), -ENOBUFS. */
int frames_in(struct lane *lane, const uint8_t *p, size_t n, size_t opens_max,
              size_t *used, const char **why);
/* What came to the streams, to their owners. */
void frames_deliver(struct session *s);

#endif

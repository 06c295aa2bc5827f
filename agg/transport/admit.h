/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which streams of the peer's are taken.
 */
#ifndef AGG_TRANSPORT_ADMIT_H
#define AGG_TRANSPORT_ADMIT_H

#include "agg/transport/session_impl.h"

/* The stream that a frame is about. NULL with *why: the peer is wrong; NULL
 * without: it is closed, or refused, or the frame is late. */
struct stream *admit_stream(struct session *s, uint32_t id, const char **why);
int admit_refuse(struct session *s, uint32_t id); /* -1: too many */
void admit_finish(struct session *s);

#endif

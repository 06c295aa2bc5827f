/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half: what came, and its delivery.
 */
#ifndef AGG_TRANSPORT_RECEIVE_H
#define AGG_TRANSPORT_RECEIVE_H

#include "agg/transport/session_impl.h"

/* What came; it is looked at in receive_next(). Not while receive_is_full().
 * -EPROTO with *why: the peer broke the rules. */
int receive_data(struct stream *stream, const struct wire_data *data, bool fin,
                 unsigned path, const char **why);
bool receive_is_full(const struct session *s);
/* Delivers what came of one stream, or keeps it; then stream_check_done(). NULL:
 * there was none left. */
struct stream *receive_next(struct session *s);
/* Delivers what is kept; likewise. */
void receive_deliver(struct stream *stream);
bool receive_is_reset(const struct stream *stream); /* and all before was taken */
void receive_finish(struct stream *stream);

#endif

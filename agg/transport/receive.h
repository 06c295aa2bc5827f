/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half: credit and delivery. -EPROTO with *why where
 * the peer broke the rules.
 */
#ifndef AGG_TRANSPORT_RECEIVE_H
#define AGG_TRANSPORT_RECEIVE_H

#include "agg/transport/session_impl.h"

int receive_data(struct stream *stream, const struct wire_data *data, bool fin,
                 unsigned path, const char **why);
void receive_flush(struct session *s); /* what is fresh */
void receive_deliver(struct stream *stream);
void receive_reset(struct stream *stream, const struct wire_reset *reset);
void receive_finish(struct stream *stream);
/* Its first credit, by the most that it may be; false: there is no memory. */
bool receive_init(struct stream *stream, uint64_t most);

#endif

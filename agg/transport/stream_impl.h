/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's beginning and end, inside of the session.
 */
#ifndef AGG_TRANSPORT_STREAM_IMPL_H
#define AGG_TRANSPORT_STREAM_IMPL_H

#include "agg/transport/session_impl.h"

struct stream *stream_create(struct session *s, uint32_t id); /* NULL: errno */
struct stream *stream_find(struct session *s, uint32_t id); /* NULL: none */
void stream_free(struct stream *stream);
void stream_close(struct stream *stream, enum stream_end end);
void stream_reap(struct stream *stream);
void stream_deliver(struct stream *stream); /* what is kept, to its owner */
void stream_on_reset(struct stream *stream, const struct wire_reset *reset);
/* By how its halves are now, it may be at its end. */
void stream_check_done(struct stream *stream);
void stream_redo(struct session *s, uint32_t id, uint8_t todo);
void stream_todo_acked(struct session *s, uint32_t id, uint8_t todo);

#endif

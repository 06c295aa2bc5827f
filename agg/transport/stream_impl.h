/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's beginning and end, inside of the session.
 */
#ifndef AGG_TRANSPORT_STREAM_IMPL_H
#define AGG_TRANSPORT_STREAM_IMPL_H

#include "agg/transport/session_impl.h"

#define STREAM_BYTES (sizeof(struct stream) + BUDGET_MALLOC_BYTES)

struct stream *stream_create(struct session *s, uint32_t id); /* NULL: errno */
struct stream *stream_find(struct session *s, uint32_t id); /* NULL: none */
void stream_free(struct stream *stream);
void stream_close(struct stream *stream, enum stream_end end);
void stream_reap(struct stream *stream);
/* Its end may be reached. */
void stream_check_done(struct stream *stream);
void stream_redo(struct session *s, uint32_t id, uint8_t todo);
void stream_todo_acked(struct session *s, uint32_t id, uint8_t todo);

#endif

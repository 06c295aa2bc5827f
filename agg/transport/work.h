/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what there is to do, in the session and in its streams.
 */
#ifndef AGG_TRANSPORT_WORK_H
#define AGG_TRANSPORT_WORK_H

#include "agg/transport/session_impl.h"

/* Start of every entry from outside: what it brings is for a turn. Its first reads
 * the time, and the shell is told. */
void work_note(struct session *s);
/* The stream has that to say (TODO_...). */
void work_todo(struct stream *stream, uint8_t todo);

/* The stream has bytes to send, and this is its key now. One that had none comes
 * behind the others of its key. */
/* Makes room for one stream more than there are; false: no memory. */
bool work_make_room(struct session *s);
/* There are no streams (any more). */
void work_give_room(struct session *s);
void work_put(struct stream *stream, uint64_t key);
void work_remove(struct stream *stream);
/* As it was before it was removed. */
void work_put_back(struct stream *stream);
/* It had its turn: behind the others; then put it. */
void work_served(struct stream *stream);
bool work_before(const struct stream *a, const struct stream *b);
bool work_any(const struct session *s); /* somebody has bytes to send */
struct stream *work_first(const struct session *s, enum stream_class class);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's sending half: what waits, what is under way as pieces, what
 * is to go again.
 */
#ifndef AGG_TRANSPORT_SEND_H
#define AGG_TRANSPORT_SEND_H

#include "agg/transport/session_impl.h"

#define UNSENT_MIN 4096u          /* not yet in any lane, of a stream: between */
#define UNSENT_MAX 262144u        /* these, by how many there are: of all, */
#define UNSENT_ALL (4u << 20)     /* what lanes take in some ms; or of each, */
#define UNSENT_LEAST 16384u       /* where there are very many */
#define SMALL_HOLDER 16384u       /* a stream that holds less of what is sent may
                                   * use all of it; others leave a part */

/* For the owner: see stream.h. */
size_t send_space(struct stream *stream);
int send_reserve(struct stream *stream, struct iovec *parts, int max);
void send_commit(struct stream *stream, size_t n);
void send_finish(struct stream *stream); /* no more is to come */
/* Tells the owner that there is space, if it waits for it and there is enough. */
void send_notify_space(struct stream *stream);
void send_unstarve(struct stream *stream); /* the owner waits no more */
/* Nothing of it goes out any more; what lanes have lives on, and is nobody's. */
void send_drop(struct stream *stream);

void send_change_class(struct stream *stream, enum stream_class class);
void send_fix_class(struct stream *stream, enum stream_class class);
void send_list(struct stream *stream); /* among those with work, as it is now */
/* Tells the scheduler of the stream's class. */
void send_tell_scheduler(const struct stream *stream, enum sched_event_type type,
                         unsigned path, uint64_t bytes);

uint64_t send_unsent(const struct stream *stream);
uint64_t send_sent(const struct stream *stream); /* at least once */
uint64_t send_head(const struct stream *stream); /* never sent: from here */
/* Until its end, not sent yet; SCHED_UNKNOWN. */
uint64_t send_remaining(const struct stream *stream);

/* As much may wait to be sent, if it asks for it. */
uint64_t send_unsent_most(const struct stream *stream);

/* What goes again; else the first never sent bytes at or behind from, which a
 * path takes. */
struct piece *send_next_piece(struct stream *stream, uint32_t max,
                              unsigned path, uint64_t from);
void send_untaken(struct piece *piece); /* no lane took it */
/* A lane's copy is acknowledged; then stream_check_done(). Frees the piece, where
 * nobody needs it any more. */
void send_acked(struct piece *piece);
void send_lost(struct piece *piece, unsigned path); /* likewise: a copy less */
void send_stuck(struct piece *piece, bool stuck); /* its lane stalls, or goes on */
void send_again(struct piece *piece, unsigned why); /* < REINJECT_REASONS */
/* The first that goes again behind so many bytes of them, and is on none of these
 * paths, becomes the first of all. False: there is none. */
bool send_again_pull(struct stream *stream, uint64_t behind_bytes, unsigned paths);
/* The first that was to go again does not. */
struct piece *send_again_pop(struct stream *stream);

#endif

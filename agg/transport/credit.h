/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the peer may send of a stream, and the memory that is kept for it.
 */
#ifndef AGG_TRANSPORT_CREDIT_H
#define AGG_TRANSPORT_CREDIT_H

#include "agg/transport/session_impl.h"

/* Its first credit, by the most that it may be; false: there is no memory. */
bool credit_init(struct stream *stream, uint64_t most);
bool credit_init_ours(struct stream *stream); /* of one that we open */
/* Nothing more will come. */
void credit_finish(struct stream *stream);
/* The owner took something: the peer may be told of more. */
void credit_taken(struct stream *stream);
/* Something came that the owner did not get, perhaps as a hole is before it. */
void credit_hole(struct stream *stream);
/* There is memory for so many bytes from where the owner is. */
bool credit_reach(struct stream *stream, uint64_t bytes);

#endif

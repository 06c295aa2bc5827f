/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: stream.h without a session, for the tests of what uses it: two ends,
 * and what one commits the other is offered in a later turn. A reset comes
 * behind the bytes that were committed before it, if they are taken at once.
 */
#ifndef TESTS_FAKE_STREAM_H
#define TESTS_FAKE_STREAM_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"

/* Makes both ends; at most window bytes wait for one. The memory goes when
 * both were told on_closed. */
void fake_streams(struct loop *loop, size_t window, struct stream *ends[2]);
void fake_attach(struct stream *s, const struct stream_events *events,
                 void *ctx);
/* How often stream_reserve was called. */
unsigned fake_reserves(const struct stream *s);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is sent again as the reader waits for it.
 */
#ifndef AGG_TRANSPORT_OVERDUE_H
#define AGG_TRANSPORT_OVERDUE_H

#include "agg/transport/session_impl.h"

/* What streams have to say and was said long ago is said again, by another path. */
void overdue_controls(struct session *s);
bool overdue_collect(struct session *s); /* something goes again, first of all */
/* A lane fell silent: what it has of what readers wait for goes again. */
void overdue_silent(const struct lane *lane);
/* Where such a piece goes, if the stream has one to send. False: it is for the
 * scheduler to say. */
bool overdue_place(struct stream *stream, struct lane *const *lanes,
                   const struct sched_view *view, struct sched_decision *out);
uint64_t overdue_deadline(const struct session *s); /* UINT64_MAX: none */

#endif

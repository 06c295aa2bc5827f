/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the other end of the control socket: one request, one answer. Blocks.
 */
#ifndef AGG_CTL_CLIENT_H
#define AGG_CTL_CLIENT_H

#include "agg/base/buf.h"

#define CTL_CLIENT_WAIT_S 10 /* for each piece of the answer */

/* Why ctl_request failed, and what to do, as lines of text into out. */
void ctl_explain(const char *path, int err, struct buf *out);

/* Sends the words as one line and waits for the answer: its text into out (of
 * at least CTL_ANSWER_MAX), its status into status: 0 or the number of "ok", or
 * CTL_REFUSED. 0; -errno of connect when
 * there is no daemon; -EPROTO: what answers is no aggd; -ETIMEDOUT. */
#define CTL_REFUSED (-1)
int ctl_request(const char *path, int argc, const char *const *argv, int *status,
                struct buf *out);

#endif

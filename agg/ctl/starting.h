/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside of the program aggctl: a daemon that takes a configuration which was
 * just written, and how long one waits for it.
 */
#ifndef AGG_CTL_STARTING_H
#define AGG_CTL_STARTING_H

#include "agg/base/buf.h"

#include <stdbool.h>

#define STARTING_SESSION_S 30 /* a session is waited for */

/* Does somebody answer at the control socket? */
bool starting_answers(const char *socket);
/* One that runs reads it; else, if it may start one, the service manager does. True:
 * it runs; false: out says how to start it, or why it does not. */
bool starting_begin(const char *socket, const char *config, bool may_start,
                    struct buf *out);
/* Until the gateway's session is up. */
bool starting_has_session(const char *socket);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether a lane works.
 */
#ifndef AGG_TRANSPORT_WATCH_H
#define AGG_TRANSPORT_WATCH_H

#include "agg/transport/session_impl.h"

enum watch_verdict {
	WATCH_OK,
	WATCH_SILENT,  /* it is not known to stall, but others do better */
	WATCH_SUSPECT, /* it stalls, which was not known */
	WATCH_GIVE_UP,
};

/* Of a lane that was refreshed. Asks it (PING) where it is quiet. why: GIVE_UP's. */
enum watch_verdict watch_lane(struct lane *lane, const char **why);
/* Whether the peer answers at all: asks all lanes when it owes an answer. True: it
 * does not; those lanes that are mute are so. */
bool watch_peer(struct session *s);
bool watch_is_mute(const struct lane *lane);
uint64_t watch_deadline(const struct lane *lane); /* look at it again */

#endif

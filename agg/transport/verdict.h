/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what follows from what is known of lanes. A text: the session is over, and
 * why; NULL: it is not.
 */
#ifndef AGG_TRANSPORT_VERDICT_H
#define AGG_TRANSPORT_VERDICT_H

#include "agg/transport/session_impl.h"

/* The lane, and what is known of it, is asked; it may be good again. */
const char *verdict_refresh(struct lane *lane, uint64_t age_us);
/* All lanes are judged; some may end. */
const char *verdict_judge(struct session *s);
/* The peer has processed so many bytes of it. -EPROTO: more than were sent. */
int verdict_acked(struct lane *lane, uint64_t bytes);
/* A frame came: the peer answers. */
const char *verdict_heard(struct session *s);
/* Frees the lane; what it carried goes elsewhere. */
const char *verdict_end(struct lane *lane);

#endif

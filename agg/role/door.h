/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator's door: listeners, the guard, and the strangers that
 * shake hands behind it.
 *
 *     accept -> guard -> subflow (TLS, HELLO) -> pin -> site
 *
 * A subflow whose pin is a site's leaves the door as that site's member.
 */
#ifndef AGG_ROLE_DOOR_H
#define AGG_ROLE_DOOR_H

#include "agg/base/rand.h"
#include "agg/role/guard.h"
#include "agg/role/site.h"
#include "proxy/listener.h"

struct door {
	struct loop *loop;       /* borrowed, as these */
	struct tls_context *tls;
	struct sites *sites;
	char congestion[CONF_CONGESTION_MAX + 1]; /* subflows borrow it */
	bool mptcp;              /* the listeners take it */
	struct guard guard;
	struct rand rand;
	struct listener *listeners[2 * CONF_LISTENS_MAX]; /* [::] is two */
	unsigned listener_count;
	struct member *strangers;
};

/* Listens where the configuration says, with MPTCP where it can. 0 or -1,
 * with a log line. */
int door_open(struct door *door, const struct conf_main *main, bool mptcp);
/* Nobody new comes in; who is inside may go on. */
void door_close(struct door *door);
/* The strangers go too. */
void door_finish(struct door *door);

#endif

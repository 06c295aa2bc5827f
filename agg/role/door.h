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

#include "agg/role/guard.h"
#include "agg/role/site.h"
#include "proxy/listener.h"

#define DOOR_LISTENERS_MAX (2 * CONF_LISTENS_MAX) /* [::] is two */

struct door_listener {
	struct listener *listener;
	struct addr at;
	bool asked_mptcp, mptcp; /* as it should be, and as it is */
};

/* Where it should listen, and how. */
struct door_plan {
	struct addr at[DOOR_LISTENERS_MAX];
	unsigned count;
	bool mptcp;
};

struct door {
	struct loop *loop;       /* borrowed, as these */
	struct tls_context *tls;
	struct sites *sites;
	char congestion[CONF_CONGESTION_MAX + 1]; /* subflows borrow it */
	struct guard guard;
	struct door_plan plan;   /* that is followed */
	struct door_listener listeners[DOOR_LISTENERS_MAX];
	unsigned listener_count;
	struct member *strangers;
};

/* Listens where the configuration says, and nowhere else; with MPTCP where it
 * can. An address that this host has not is listened at as well: it may come.
 * 0, or -errno with the culprit, and all is as it was before. */
int door_open(struct door *door, const struct conf_main *main, bool mptcp,
              struct addr *culprit);
/* Do all listeners take MPTCP? */
bool door_takes_mptcp(const struct door *door);
/* Is there a listener at an address that the host has not (yet)? */
bool door_lacks(const struct door *door,
                bool (*is_local)(void *ctx, const struct addr *a), void *ctx,
                struct addr *at);
/* Nobody new comes in; who is inside may go on. */
void door_close(struct door *door);
/* The strangers go too. */
void door_finish(struct door *door);

#endif

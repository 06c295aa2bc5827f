/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator's door: listeners, the guard, and the strangers that
 * shake hands behind it.
 *
 *     accept -> guard -> subflow (TLS, HELLO) -> pin -> adopt
 *                                (TLS, INVITE) -> redeem -> its answer, the end
 *
 * The door knows pins, and no sessions: a subflow whose pin is a site's leaves
 * it, for the worker where the site is (worker.h).
 *
 * After an update (left.h) a connection that is for the process before goes there before
 * a byte of it is read: that one shakes hands with it as with anybody, so who says so
 * falsely has gained nothing.
 */
#ifndef AGG_ROLE_DOOR_H
#define AGG_ROLE_DOOR_H

#include "agg/conf/conf.h"
#include "agg/role/guard.h"
#include "agg/transport/subflow.h"
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

/* A subflow that was accepted. */
struct stranger {
	struct door *door;       /* borrowed */
	struct subflow *sf;
	bool told;               /* why it is refused, in the log */
	bool invited;            /* rightly */
	struct stranger *prev, *next; /* door.strangers */
};

struct door {
	struct loop *loop;       /* borrowed, as these */
	struct tls_context *tls;
	/* It has shaken hands, and has a site's pin: the subflow is of him who is
	 * told, who is to subflow_hand_over() and to join or fail it. */
	void (*adopt)(void *ctx, struct subflow *sf, const struct tls_pin *pin,
	              const struct wire_hello *hello);
	/* It has shaken hands, and shows an invitation: answer is filled, but for
	 * where it comes from. Who is not let in by it has failed as a stranger. */
	void (*redeem)(void *ctx, const struct tls_pin *pin,
	               const struct wire_invite *invite,
	               struct wire_redeemed *answer);
	/* It is for a session of that process, as it says (wire_offered). True: fd is
	 * with it from now on. */
	bool (*pass)(void *ctx, int fd, uint32_t process);
	void *ctx;
	uint32_t process;        /* our own, as WELCOMEs say it */
	bool passes;             /* there is another */
	struct tls_pin *pins;    /* of the sites, sorted */
	unsigned pin_count;
	char congestion[CONF_CONGESTION_MAX + 1]; /* of subflows */
	struct guard guard;
	struct door_plan plan;   /* that is followed */
	struct door_listener listeners[DOOR_LISTENERS_MAX];
	unsigned listener_count;
	struct stranger *strangers;
};

/* Listens where the configuration says, and nowhere else; with MPTCP where it
 * can. An address that this host has not is listened at as well: it may come.
 * 0, or -errno with the culprit, and all is as it was before. */
int door_open(struct door *door, const struct conf_main *main, bool mptcp,
              struct addr *culprit);
/* The sites are these. Where one is new, who was refused may be it: all is
 * forgiven. 0, or -ENOMEM: they are those of before. */
int door_know(struct door *door, const struct conf *conf);
/* Do all listeners take MPTCP? */
bool door_takes_mptcp(const struct door *door);
/* Is there a listener at an address that the host has not (yet)? */
bool door_lacks(const struct door *door,
                bool (*is_local)(void *ctx, const struct addr *a), void *ctx,
                struct addr *at);
/* Is there another process that has sessions? Then who comes is asked whose he is. */
void door_set_passes(struct door *door, bool passes);
/* A connection that another process accepted: as if it came here. */
void door_take(struct door *door, int fd, const struct addr *from);
/* As listener_rest, of all. */
void door_rest(struct door *door, bool rests);
/* Nobody new comes in; who is inside may go on. */
void door_close(struct door *door);
/* The strangers go too. */
void door_finish(struct door *door);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a subflow is one TCP connection over one path, with TLS in it: the shell
 * of a session's lane. It connects or was accepted, shakes hands, says HELLO
 * or WELCOME, and then carries frames between its socket and its lane. It
 * knows nothing of streams or schedulers.
 *
 * The connection may be one of the kernel's MPTCP, over several paths: to the
 * session it is a lane all the same.
 *
 *     gateway:      connect -> TLS -> HELLO -> (WELCOME) on_ready -> join
 *     concentrator: accept  -> TLS -> (HELLO) on_ready -> join: WELCOME
 *                                  -> (INVITE) on_invite -> answer: REDEEMED
 *
 * Lifetime: from create until on_end, which is called exactly once, at the end
 * of a loop turn, and is the last word; or until subflow_destroy.
 */
#ifndef AGG_TRANSPORT_SUBFLOW_H
#define AGG_TRANSPORT_SUBFLOW_H

#include "agg/base/loop.h"
#include "agg/kernel/mptcpinfo.h"
#include "agg/transport/session.h"
#include "agg/transport/tls.h"

#define SUBFLOW_HANDSHAKE_US 5000000u /* to connect; from then, or from accept,
                                       * to on_ready */
/* With MPTCP a connection that has had no answer is given up before Linux (6.12;
 * after two retransmissions) tries without the option: if the link comes back
 * just then, the kernel takes it for a middlebox that drops the option, and
 * makes no MPTCP connections for an hour, anybody's. */
#define SUBFLOW_MPTCP_CONNECT_US 2500000u
#define SUBFLOW_CLOSE_US 1000000u     /* for a last CLOSE to arrive */

/* What kind of end it was, where its kind matters. */
enum subflow_end {
	SUBFLOW_END_OTHER,
	SUBFLOW_END_NO_ANSWER, /* connecting got none in time */
	SUBFLOW_END_WRONG_PIN, /* of the peer; why names it and the right one */
	SUBFLOW_END_FULL_SIZE, /* only packets smaller than that passed */
	SUBFLOW_END_REFUSED,   /* the peer's words: it will have none of us */
};
/* A wrong pin or a refusal: the next one ends so, too, until a person changes
 * something. */
bool subflow_end_is_verdict(enum subflow_end end);

struct subflow;

struct subflow_events {
	/* Who is at the other end is known, and what it says: hello at the
	 * concentrator, welcome at the gateway; the other is NULL. Now
	 * subflow_join or subflow_fail; not subflow_destroy of this one. */
	void (*on_ready)(void *ctx, struct subflow *sf, const struct tls_pin *pin,
	                 const struct wire_hello *hello,
	                 const struct wire_welcome *welcome);
	/* It is over. joined: it had a lane. why is in words; subflow_end_kind
	 * says what kind it is. */
	void (*on_end)(void *ctx, struct subflow *sf, bool joined,
	               const char *why);
	/* At the concentrator, in place of on_ready: who is there shows an
	 * invitation. Now subflow_answer or subflow_fail. NULL: none is taken. */
	void (*on_invite)(void *ctx, struct subflow *sf, const struct tls_pin *pin,
	                  const struct wire_invite *invite);
};

struct subflow_args {
	struct loop *loop;
	struct tls_context *tls;
	const char *congestion; /* the kernel's name, or "auto"; copied */
	bool mptcp;             /* connect with MPTCP */
	const struct subflow_events *events;
	void *ctx;
	/* To connect: the peer's pin. Any other is refused in the handshake,
	 * before HELLO. Borrowed while subflow_connect runs. */
	const struct tls_pin *pin;
	unsigned mss;           /* no larger segments, both ways; 0: as usual */
};

/* All are NULL with errno on failure. device "" : any. hello is copied. */
struct subflow *subflow_connect(const struct subflow_args *args,
                                const struct addr *endpoint,
                                const char *device, const struct addr *source,
                                const struct wire_hello *hello);
/* fd is the subflow's in any case. */
struct subflow *subflow_accept(const struct subflow_args *args, int fd,
                               const struct addr *peer);
/* Attaches it to the session; incarnation goes into the WELCOME that a
 * concentrator says. -errno: it will end by itself. */
int subflow_join(struct subflow *sf, struct session *session,
                 uint64_t incarnation);
/* What happens to it is somebody else's from now on; on_ready has been. */
void subflow_hand_over(struct subflow *sf, const struct subflow_events *events,
                       void *ctx);
/* To another thread's loop, in three steps. In on_ready, instead of join or fail:
 * it waits. In a task that is posted then: it leaves this loop; false: it has
 * died meanwhile, on_end comes. In the other thread: it is there, as if in
 * on_ready. 0; -ENOMEM: only subflow_destroy is left. */
void subflow_park(struct subflow *sf);
bool subflow_lift(struct subflow *sf);
int subflow_land(struct subflow *sf, struct loop *loop);
/* Ends it; on_end follows. reason goes to the peer as CLOSE where one is still
 * awaited (concentrator, before join); to the log in any case. */
void subflow_fail(struct subflow *sf, const char *reason);
/* In on_invite: that is its last word; on_end follows. */
void subflow_answer(struct subflow *sf, const struct wire_redeemed *answer);
/* Ends it without on_end. NULL is fine. */
void subflow_destroy(struct subflow *sf);

enum subflow_end subflow_end_kind(const struct subflow *sf); /* in on_end */
const struct addr *subflow_peer(const struct subflow *sf);
void subflow_local(const struct subflow *sf, struct addr *out);
const char *subflow_cipher(const struct subflow *sf);
const char *subflow_congestion(const struct subflow *sf); /* "": the system's */
uint32_t subflow_id(const struct subflow *sf);
/* What the kernel's MPTCP tells of it. -EOPNOTSUPP, -ENOPROTOOPT: it is plain
 * TCP, or has fallen back to it. */
int subflow_mptcp(const struct subflow *sf, struct mptcpinfo *out);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one session as a role keeps it, at either end: its deadline, its meter,
 * how it sends, its beginning and its end. Who may join it, and what it is for,
 * is the role's.
 *
 * How it sends is decided anew whenever one of those who have a say (policy.h)
 * says something else, and the peer is told.
 */
#ifndef AGG_ROLE_HOME_H
#define AGG_ROLE_HOME_H

#include "agg/base/loop.h"
#include "agg/role/choice.h"
#include "agg/role/policy.h"
#include "agg/role/snapshot.h"
#include "agg/transport/session.h"

/* All but on_suspect are required, and on_stream where streams are accepted. */
struct home_events {
	/* What holds, where a person said this. */
	void (*decide)(void *ctx, const struct policy_names *person,
	               struct policy_names *holds);
	/* As session_events has it. */
	enum stream_end (*on_stream)(void *ctx, struct stream *stream,
	                             const struct dest *dest,
	                             const struct addr *client,
	                             const struct stream_events **events,
	                             void **stream_ctx);
	void (*on_settings)(void *ctx, const struct wire_settings *settings);
	/* What the peer says of the packet tunnel. */
	void (*on_tunnel)(void *ctx, const struct wire_frame *frame);
	/* A lane became suspect or recovered. */
	void (*on_suspect)(void *ctx);
	/* The session is over, and why: to be said. */
	void (*on_over)(void *ctx, const char *why);
	/* At the end of that turn, unless home_end() came first: it is gone. */
	void (*on_ended)(void *ctx);
};

struct home_args {
	struct loop *loop;         /* borrowed, as memory */
	struct budget *memory;     /* of all sessions; NULL: none */
	bool opens;                /* the gateway's end */
	uint64_t give_up_us;       /* as session_args has it */
	const struct home_events *events;
	void *ctx;
};

struct home {
	struct home_args args;
	struct session *session;     /* NULL: there is none */
	struct loop_timer *deadline;
	struct loop_task turn, over; /* of the session */
	bool parted;                 /* home_part() */
	struct snapshot_meter meter;
	uint32_t flags;              /* of our settings */
	uint32_t peer_flags;         /* and of the peer's */
	struct wire_wish says;       /* how we send: the gateway's wish, or what
	                              * the concentrator tells of itself */
	struct policy_names person;  /* what aggctl scheduler said */
};

/* There is no session yet. 0, or -ENOMEM. */
int home_init(struct home *home, const struct home_args *args);
/* Ends the session, if there is one; all 0 is fine. */
void home_finish(struct home *home);

/* What a session may hold, where option memory says `wanted` (0: nothing) and all
 * sessions of the process may hold `most`: an eighth of that, which is a sixteenth
 * of the machine, from SESSION_MEMORY_MIN to SESSION_MEMORY_DEFAULT. */
size_t home_memory(uint64_t wanted, uint64_t most);
/* A session begins; there is none. 0, or -errno. */
int home_start(struct home *home, size_t memory_max, uint64_t linger_us);
/* The session goes, now, without a word. Not from inside of its callbacks. */
void home_end(struct home *home);
/* The session goes on in `to`, which has none, on the same loop: its events are told
 * there. False: there is none, or it is over. From inside of its callbacks, too. */
bool home_move(struct home *from, struct home *to);
bool home_is_over(const struct home *home); /* and on_ended follows, or it has parted */
/* The session is over, for good: the peer is told why, on_ended does not follow, and
 * nothing more is opened in it. */
void home_part(struct home *home, const char *why);
/* As session_set_limits, if there is a session. */
void home_set_limits(struct home *home, size_t memory_max, uint64_t linger_us);
/* Of our settings: told now, and to every later session. */
void home_set_flags(struct home *home, uint32_t flags);

/* Somebody but the person says something else: decides anew. */
void home_decide(struct home *home);
/* The configuration does, which said `before` without the person: what it says
 * otherwise now takes back what the person said of it. */
void home_reload(struct home *home, const struct policy_names *before);
/* The person does. out gets what holds now ("DIRECTION: ..."), until when and
 * how to keep it (choice_tell). */
void home_choose(struct home *home, const struct choice *choice,
                 const char *direction, const struct conf *conf,
                 const char *section, struct buf *out);

/* Once every SNAPSHOT_RATE_US; more as in snapshot_measure. */
void home_measure(struct home *home, const struct snapshot_totals *more);
unsigned home_streams(const struct home *home);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: sessions that leave: an end of theirs is another process from now on (an
 * update), so each takes no new streams, and lives on beside its successor with the
 * subflows that it has until its last stream has ended. TLS keys are in a process:
 * so a session cannot move, and its streams stay where they are.
 *
 *     who leaves      says so by WIRE_LEAVES in its settings
 *     the gateway     opens another session at once, and ends the one that leaves
 *                     when that has no stream any more, as only it opens some
 *     a concentrator  has room for the other session at once; streams that were on
 *                     their way are taken
 *
 * A gateway that leaves goes on making its subflows anew. Where a concentrator does, who
 * connects there finds the next process: so the gateway says in clear whose the
 * connection is (wire_offer), and the next process gives it to the one before (door.h,
 * update.h), where its next one has said that it does (WIRE_PASSES). It begins where the
 * uplink has joined the session that follows.
 *
 * Both roles keep them so: beside a site's home, or the gateway's.
 */
#ifndef AGG_ROLE_LEFT_H
#define AGG_ROLE_LEFT_H

#include "agg/role/home.h"
#include "agg/role/keeper.h"
#include "agg/role/role.h"
#include "agg/transport/subflow.h"

#define LEFT_MAX 2u            /* beside a session; one more ends the oldest */
#define LEFT_PAUSE_US 1000000u /* before a subflow is made anew; doubled, */
#define LEFT_DOUBLINGS_MAX 5u  /* while that fails, so often */

struct left;

/* All 0: none. */
struct lefts {
	struct left *all; /* oldest first */
	unsigned count;
};

/* home's session goes on here; home has none then, and outlives it. id is its own, and
 * incarnation what its WELCOMEs say. NULL: there is none that lives, or no memory;
 * then nothing has changed. From inside of home's callbacks, too. */
struct left *left_take(struct lefts *lefts, struct home *home,
                       const uint8_t id[WIRE_SESSION_ID_BYTES], uint64_t incarnation);
/* A subflow by that uplink, as keeper_begin_guest; NULL: not now. */
typedef struct subflow *left_begin_fn(void *ctx, unsigned path, unsigned bundle,
                                      const struct keeper_guest *guest);
/* What it lacks of the uplinks' subflows is made anew from now on, by `tls`, which is
 * its own; NULL: nothing is. Before left_adopt(). */
void left_renew(struct left *left, struct tls_context *tls, left_begin_fn *begin,
                void *ctx);
/* A subflow of that session is of this one's from now on; as keeper_leave() has it, and
 * uplink_leave(). */
void left_adopt(void *left, struct subflow *sf, unsigned path, unsigned bundle);
/* A greeted subflow that comes late: is it of one of these? Then it has joined, and is
 * theirs. */
bool left_join(struct lefts *lefts, struct subflow *sf, const struct wire_hello *hello);
/* What is told of it to its peer, beside what was. */
void left_say(struct left *left, uint32_t flags);
/* Once a second: those that have nothing left to do end, and those that took too long. */
void left_step(struct lefts *lefts);
unsigned left_streams(const struct lefts *lefts);
/* Adds their streams, and to head what they carry; snap's session is none of them. */
void left_report(const struct lefts *lefts, const struct snapshot *snap,
                 const char *site, struct report *out);
/* All end, and their peers are told why: that is on its way while they have flows. */
void left_part(struct lefts *lefts, const char *why);
bool left_has_flows(const struct lefts *lefts);
/* Likewise, at once. */
void left_finish(struct lefts *lefts, const char *why);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an update: this process begins the next one, of the program that is at its place
 * now, and hands over to it. A pair of sockets between the two:
 *
 *     old                                    new
 *     handover_begin ----- exec ---------->  reads its configuration
 *     on_ready      <----- READY, role ----  waits
 *     rests, lets others know, handover_go
 *                   ------ GO, a word ---->  begins, with the listening sockets
 *     on_taken      <----- TAKEN, its id --  works
 *
 * What ends before that has failed, and the old one goes on. What they say to each
 * other from then on is line.h's. The next one is no child
 * of this one, but of the system's first process, as the service manager wants it.
 */
#ifndef AGG_HANDOVER_H
#define AGG_HANDOVER_H

#include "agg/base/loop.h"

#include <sys/types.h>

#define HANDOVER_US 20000000u /* for either of its answers */

struct handover;

/* The hand-over may be destroyed in on_failed and on_taken. */
struct handover_events {
	void (*on_ready)(void *ctx, uint8_t role);
	void (*on_taken)(void *ctx, pid_t next);
	void (*on_failed)(void *ctx, const char *why);
};

/* program with that configuration. NULL: errno. */
struct handover *handover_begin(struct loop *loop, const char *program,
                                const char *config,
                                const struct handover_events *events, void *ctx);
void handover_go(struct handover *h, uint8_t word);
/* In on_taken: the socket, which is the caller's from now on. */
int handover_keep(struct handover *h);
void handover_destroy(struct handover *h); /* NULL is fine */

/* The next one's end, by the number of its socket; both block. 0: word is what it was
 * told; or -errno: nobody waits for it. */
int handover_wait(int fd, uint8_t role, uint8_t *word);
int handover_taken(int fd);

#endif

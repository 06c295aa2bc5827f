/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what two processes of this program say to each other once an update is done
 * (handover.h), by the sockets that they had for it, for as long as both live:
 *
 *     old                              new
 *     what it still carries ------->   its status and history have it, too
 *                           <-------   a connection that is for one of its sessions
 *
 * After a second update within the first there are two such lines, and the process
 * between them passes on what comes by either. A word of another length is another
 * release's, and passed over.
 */
#ifndef AGG_LINE_H
#define AGG_LINE_H

#include "agg/base/addr.h"
#include "agg/base/loop.h"

#define LINE_WORDS_PER_TURN 64u

enum line_kind {
	LINE_CARRIES,    /* streams; rates, bytes/s */
	LINE_HOST,       /* of a LAN's host, or a site: bytes since the last such word */
	LINE_CONNECTION, /* with a descriptor, for that process */
};

struct line_word {
	uint32_t kind;    /* enum line_kind */
	uint32_t process; /* of a CONNECTION; role.h */
	uint32_t streams;
	uint64_t down, up;
	struct addr host;
};

struct line;

struct line_events {
	/* fd -1: none; else it is the callee's. */
	void (*on_word)(void *ctx, const struct line_word *word, int fd);
	/* The other one is gone; line_destroy() may be called in it. */
	void (*on_end)(void *ctx);
};

/* Takes fd in any case. NULL: errno. */
struct line *line_create(struct loop *loop, int fd, const struct line_events *events,
                         void *ctx);
/* fd, if not -1, goes with it, and stays the caller's. 0 or -errno; -EAGAIN: the other
 * one does not listen. */
int line_say(struct line *line, const struct line_word *word, int fd);
void line_destroy(struct line *line); /* NULL is fine */

#endif

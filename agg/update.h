/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an update, at the daemon's ends (handover.h): the process that goes keeps the
 * streams that it has until they end (left.h), the one that comes takes all that is new.
 */
#ifndef AGG_UPDATE_H
#define AGG_UPDATE_H

#include "agg/daemon.h"

#define UPDATE_LEFT_US 5000000u /* peers know by then that our sessions leave */

/* As verbs_args.update has it. */
int update_begin(struct daemon *d, struct buf *out);
void update_look(void *ctx); /* of daemon.update; ctx is the daemon */
/* The daemon ends: nobody is begun any more. */
void update_finish(struct daemon *d);

/* The one that comes has read its configuration: waits for who is there. 0, or -1: he
 * wants it no more. */
int update_wait(struct daemon *d);
/* It works. 0, or -1: nobody is there to hear it. */
int update_taken(struct daemon *d);
/* It does not, and ends: what there is in the kernel stays. Of any other, nothing. */
void update_fail(struct daemon *d);

#endif

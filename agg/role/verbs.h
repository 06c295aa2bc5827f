/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a person may ask a running daemon, and order it to do: one table,
 * for all who let him (the control socket).
 *
 * What is asked is answered from a snapshot, which is taken when it is asked
 * for and the last is a second old, or a state has changed since (role_changed).
 * So whoever asks however often does not hold up a byte.
 */
#ifndef AGG_ROLE_VERBS_H
#define AGG_ROLE_VERBS_H

#include "agg/ctl/ctl.h"
#include "agg/role/role.h"
#include "agg/role/verbs_job.h"

#define VERBS_SNAPSHOT_US 1000000u /* for so long one is good */

struct verbs_args {
	struct role *role;     /* borrowed, as these */
	const char *version;
	const char *own_pin;   /* what report_head has; "": not known */
	/* `reload`: out says how that went. 0 or -errno. */
	int (*reload)(void *ctx, struct buf *out);
	/* `web`: out gets where the page is, and the secret. 0 or -errno. */
	int (*web)(void *ctx, struct buf *out);
	/* `update`: a newer process takes over. out says so, or why not. 0 or -errno. */
	int (*update)(void *ctx, struct buf *out);
	void *ctx;
};

struct verbs {
	struct verbs_args args;
	uint64_t started_us;
	struct report snapshot;
	uint64_t taken_us;     /* 0: never */
	unsigned changes;      /* role.changes then */
	struct job *jobs[VERBS_JOBS]; /* verbs_job.h; NULL: none yet */
};

/* Ends with a NULL name. The handlers' ctx is a struct verbs. */
extern const struct ctl_verb verbs_table[];

void verbs_init(struct verbs *verbs, const struct verbs_args *args);
/* The role that was is another now. */
void verbs_set_role(struct verbs *verbs, struct role *role);
void verbs_finish(struct verbs *verbs); /* all 0 is fine */

#endif

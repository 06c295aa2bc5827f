/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when to put something again that shall be in force on this host, and that
 * others can take away: our nft table (ruleset.h); our rules and routes (upkeep.h).
 * Pure: facts and now_us in, a due time out.
 *
 * What fails is tried again with pauses that double, and is in force only when
 * putting it succeeded. What somebody takes away is put again at once; who
 * keeps doing so meets pauses of up to a second, as two who fight for a table
 * with all their might leave the host nothing else.
 */
#ifndef AGG_ROLE_REDO_H
#define AGG_ROLE_REDO_H

#include <stdbool.h>
#include <stdint.h>

#define REDO_FAILURE_MIN_US 1000000u /* the pause, doubled with each failure */
#define REDO_FAILURE_MAX_US 60000000u
#define REDO_LOSS_MIN_US 50000u      /* after the second loss, and so on */
#define REDO_LOSS_MAX_US 800000u
#define REDO_CALM_US 10000000u       /* without a loss: they are forgotten */

struct redo {
	uint64_t due_us;     /* put it then; UINT64_MAX: nothing is to be done */
	bool putting;        /* it is being put just now: due waits for the end */
	bool present;        /* what was put last is there */
	unsigned failures;   /* in a row */
	unsigned losses;     /* of late */
	uint64_t loss_us;    /* the last one */
};

void redo_init(struct redo *r);
/* Something is wanted in force, another than before. */
void redo_want(struct redo *r, uint64_t now_us);
/* It is being put, and how that ended. */
void redo_begin(struct redo *r);
void redo_end(struct redo *r, bool good, uint64_t now_us);
/* Somebody took it away. */
void redo_lose(struct redo *r, uint64_t now_us);

/* Nothing lacks, as far as is known. */
static inline bool redo_is_good(const struct redo *r)
{
	return r->present && !r->failures;
}

#endif

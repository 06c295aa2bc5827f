/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see reinject.h. All times are the driver's; what overflows is cut.
 */
#include "scheduler/reinject.h"

#include <string.h>

#define PATIENCE_NEAR_US 250000u
#define PATIENCE_FAR_US 60000u /* where the other path is so much faster: */
#define PATIENCE_MINOR_US 20000u
#define FAR 4u

/* Mean deviations, in halves, after which one of the last pieces is thought to be
 * lost: two standard deviations of a normal distribution. */
#define LATE_HALVES 5u

static const struct {
	const char *name, *summary;
} policies[REINJECT_COUNT] = {
	[REINJECT_OFF] = { "off", "only what a dead subflow carried" },
	[REINJECT_SUSPECT] = { "suspect", "what a subflow without progress carries" },
	[REINJECT_TAIL] = { "tail", "and the last pieces, where another path is "
	                            "faster" },
	[REINJECT_DEADLINE] = { "deadline", "and what is overdue on its path" },
};

const char *reinject_name(enum reinject_policy policy)
{
	return policies[policy].name;
}

const char *reinject_summary(enum reinject_policy policy)
{
	return policies[policy].summary;
}

int reinject_find(const char *name)
{
	for (int i = 0; i < REINJECT_COUNT; i++)
		if (!strcmp(policies[i].name, name))
			return i;
	return -1;
}

void reinject_init(struct reinject_budget *budget)
{
	*budget = (struct reinject_budget){ .saved_bytes = REINJECT_SAVED_MAX };
}

void reinject_sent(struct reinject_budget *budget, uint64_t bytes)
{
	uint64_t shares = bytes + budget->rest;

	budget->saved_bytes += shares / REINJECT_SHARE;
	budget->rest = (uint32_t)(shares % REINJECT_SHARE);
	if (budget->saved_bytes > REINJECT_SAVED_MAX)
		budget->saved_bytes = REINJECT_SAVED_MAX;
}

void reinject_unspend(struct reinject_budget *budget, uint64_t bytes)
{
	budget->saved_bytes += bytes;
	if (budget->saved_bytes > REINJECT_SAVED_MAX)
		budget->saved_bytes = REINJECT_SAVED_MAX;
}

bool reinject_spend(struct reinject_budget *budget, uint64_t bytes)
{
	if (budget->saved_bytes < bytes)
		return false;
	budget->saved_bytes -= bytes;
	return true;
}

uint64_t reinject_overdue_us(uint64_t usual_us, uint64_t var_us)
{
	uint64_t us = usual_us + 4 * var_us;

	return us > REINJECT_OVERDUE_MIN_US ? us : REINJECT_OVERDUE_MIN_US;
}

/* How long it may still take, by its own path. */
static uint64_t still_us(const struct reinject_piece *piece, uint64_t overdue_us)
{
	uint64_t late_us = piece->usual_us + LATE_HALVES * piece->var_us / 2;
	uint64_t left_us = 0, most_us;

	if (piece->age_us >= late_us || piece->age_us >= overdue_us)
		return piece->usual_us; /* as long again */
	if (piece->age_us < piece->usual_us)
		left_us = piece->usual_us - piece->age_us;
	/* A queue grew since, but by no more than is usual. */
	most_us = overdue_us - piece->age_us;
	if (most_us > piece->ahead_us)
		most_us = piece->ahead_us;
	if (left_us < most_us)
		left_us = most_us;
	/* Nor is one that is late due at once. */
	return left_us > piece->var_us ? left_us : piece->var_us;
}

enum reinject_policy reinject_wanted(enum reinject_policy policy,
                                     const struct reinject_piece *piece)
{
	uint64_t overdue_us = reinject_overdue_us(piece->usual_us, piece->var_us);

	if (!piece->usual_us)
		return REINJECT_OFF;
	uint64_t left_us = still_us(piece, overdue_us);
	if (policy >= REINJECT_DEADLINE && piece->age_us >= overdue_us)
		return REINJECT_DEADLINE;
	if (policy >= REINJECT_TAIL && piece->idle && piece->other_us < left_us)
		return REINJECT_TAIL;
	return REINJECT_OFF;
}

bool reinject_overdue(const struct reinject_passed *piece)
{
	uint64_t late_us = LATE_HALVES * piece->var_us / 2, patience_us, due_us;

	if (piece->other_us == UINT64_MAX)
		return false;
	patience_us = piece->minor ? PATIENCE_MINOR_US :
	              piece->rtt_us / FAR > piece->other_us ? PATIENCE_FAR_US
	                                                    : PATIENCE_NEAR_US;
	due_us = piece->usual_us;
	if (piece->age_us > due_us + late_us)
		due_us += piece->rtt_us; /* TCP sends it once more */
	return piece->waited_us >= patience_us ||
	       (piece->waited_us > patience_us / 2 &&
	        piece->age_us > due_us + late_us);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see rivals.h.
 */
#include "agg/role/rivals.h"

#include <string.h>

/* When it was replaced; 0: it was not, as far as is remembered. */
static uint64_t replaced_at(const struct rivals *r,
                            const uint8_t id[RIVALS_ID_BYTES])
{
	for (int i = 0; i < RIVALS_IDS_MAX; i++)
		if (r->replaced[i].at_us &&
		    !memcmp(r->replaced[i].id, id, RIVALS_ID_BYTES))
			return r->replaced[i].at_us;
	return 0;
}

static void forget(struct rivals *r, const uint8_t id[RIVALS_ID_BYTES])
{
	for (int i = 0; i < RIVALS_IDS_MAX; i++)
		if (!memcmp(r->replaced[i].id, id, RIVALS_ID_BYTES))
			r->replaced[i].at_us = 0;
}

static enum rivals_answer take_over(struct rivals *r,
                                    const uint8_t id[RIVALS_ID_BYTES],
                                    uint64_t now_us)
{
	bool first = !r->any;

	forget(r, id);
	if (!first) {
		memcpy(r->replaced[r->next].id, r->current, RIVALS_ID_BYTES);
		r->replaced[r->next].at_us = now_us;
		r->next = (r->next + 1) % RIVALS_IDS_MAX;
	}
	memcpy(r->current, id, RIVALS_ID_BYTES);
	r->any = true;
	return first ? RIVALS_JOINS : RIVALS_ANEW;
}

static enum rivals_answer contend(struct rivals *r, uint64_t now_us)
{
	bool known = rivals_contend(r, now_us);

	r->contended_until_us = now_us + RIVALS_CONTENDED_US;
	return known ? RIVALS_REFUSED : RIVALS_CONTENDED;
}

enum rivals_answer rivals_hello(struct rivals *r,
                                const uint8_t id[RIVALS_ID_BYTES],
                                uint64_t away_us, uint64_t now_us)
{
	bool free_now = away_us == UINT64_MAX ||
	                (away_us && now_us - away_us >= RIVALS_AWAY_US);
	uint64_t at = replaced_at(r, id);

	if (r->any && !memcmp(r->current, id, RIVALS_ID_BYTES))
		return RIVALS_JOINS;
	if (at && now_us - at < RIVALS_LATE_US)
		return RIVALS_LATE;
	if (!free_now && (at || rivals_contend(r, now_us)))
		return contend(r, now_us);
	return take_over(r, id, now_us);
}

bool rivals_contend(const struct rivals *r, uint64_t now_us)
{
	return now_us < r->contended_until_us;
}

bool rivals_may_log(struct rivals *r, unsigned *times, uint64_t now_us)
{
	r->unlogged++;
	if (r->logged_us && now_us - r->logged_us < RIVALS_LOG_US)
		return false;
	*times = r->unlogged;
	r->unlogged = 0;
	r->logged_us = now_us;
	return true;
}

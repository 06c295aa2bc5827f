/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the reader waits for goes again. A piece that a slow path took deep
 * in a stream is passed when the head comes to it: all before it is sent, and
 * from then on it holds up what the faster paths bring. Passed pieces that are
 * not acknowledged are in a list of the session, which is looked through every
 * few milliseconds; those for which the reader waits too long, or will, go again
 * on another path, before anything new.
 */
#include "agg/transport/overdue.h"

#include "agg/transport/reinject.h"
#include "agg/transport/send.h"

#include <utlist.h>

#define LOOK_US 5000u

/* How things stand with a piece that one path has. */
static bool is_overdue(const struct session *s, const struct piece *piece)
{
	unsigned p = (unsigned)__builtin_ctz(piece->path_mask);
	const struct path *path = &s->path[p];
	struct reinject_passed is = {
		.waited_us = s->now_us - piece->passed_us,
		.age_us = s->now_us - piece->sent_us,
		.usual_us = path->usual_us,
		.var_us = path->usual_var_us,
		.rtt_us = path->rtt_us,
		.other_us = reinject_elsewhere_us(s, piece, false),
	};

	return reinject_overdue(&is);
}

bool overdue_collect(struct session *s)
{
	struct piece *piece, *tmp;
	bool found = false;

	if (s->args.policy.reinjection < REINJECT_TAIL || !s->args.policy.deep ||
	    !s->passed || s->now_us < s->overdue_us)
		return false;
	s->overdue_us = s->now_us + LOOK_US;
	DL_FOREACH_SAFE2(s->passed, piece, tmp, passed_next) {
		if (piece->again || piece->doubled || piece->copies != 1 ||
		    !piece->path_mask || !is_overdue(s, piece))
			continue;
		path_wasted(&s->path[__builtin_ctz(piece->path_mask)], piece->len);
		piece->doubled = true;
		send_again(piece, REINJECT_OVERDUE);
		found = true;
	}
	return found;
}

uint64_t overdue_deadline(const struct session *s)
{
	if (!s->passed || s->args.policy.reinjection < REINJECT_TAIL)
		return UINT64_MAX;
	return s->overdue_us > s->now_us ? s->overdue_us : s->now_us + LOOK_US;
}

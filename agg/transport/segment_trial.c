/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see segment_trial.h.
 */
#include "agg/transport/segment_trial.h"

static void begin(struct segment_trial *t, uint64_t counter, uint64_t packets,
                  uint64_t at_us)
{
	t->since_us = at_us;
	t->counter = counter;
	t->packets = packets;
}

static void enter(struct segment_trial *t, enum segment_trial_state state, uint64_t now_us)
{
	t->state = state;
	t->since_us = now_us + SEGMENT_TRIAL_SETTLE_US;
}

/* So much was lost in this window. */
static void judge(struct segment_trial *t, unsigned lost, bool many, uint64_t now_us)
{
	switch (t->state) {
	case SEGMENT_TRIAL_NONE:
		if (!many || now_us < t->until_us)
			return;
		t->lost_percent = lost;
		enter(t, SEGMENT_TRIAL_SINGLY, now_us);
		return;
	case SEGMENT_TRIAL_SINGLY:
		t->until_us = now_us + SEGMENT_TRIAL_REST_US;
		enter(t, lost * 4 <= t->lost_percent ? SEGMENT_TRIAL_AGAIN
		                                     : SEGMENT_TRIAL_NONE, now_us);
		return;
	case SEGMENT_TRIAL_AGAIN:
		if (many) {
			t->until_us = now_us + SEGMENT_TRIAL_OFF_US;
			enter(t, SEGMENT_TRIAL_OFF, now_us);
		} else {
			enter(t, SEGMENT_TRIAL_NONE, now_us);
		}
		return;
	case SEGMENT_TRIAL_OFF:
		if (now_us >= t->until_us)
			enter(t, SEGMENT_TRIAL_AGAIN, now_us);
		return;
	}
}

void segment_trial_note(struct segment_trial *t, uint64_t counter, uint64_t packets,
                        uint64_t now_us)
{
	if (now_us < t->since_us || counter < t->counter || packets < t->packets) {
		begin(t, counter, packets, now_us < t->since_us ? t->since_us : now_us);
		return;
	}
	uint64_t sent = counter - t->counter, got = packets - t->packets;
	if (sent < SEGMENT_TRIAL_PACKETS || now_us - t->since_us < SEGMENT_TRIAL_US)
		return;
	uint64_t missing = sent > got ? sent - got : 0;
	unsigned lost = (unsigned)(missing * 100 / sent);
	begin(t, counter, packets, now_us);
	judge(t, lost, lost >= SEGMENT_TRIAL_LOST && missing >= SEGMENT_TRIAL_LOST_MIN,
	      now_us);
}
